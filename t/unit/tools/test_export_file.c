/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "base/file.h"
#include "base/log.h"
#include "export_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID   "4Zk2lD1nB7zKpQ9xy"
#define NAME ID EXPORT_FILE_SUFFIX
#define TEXT "Subject: x\n\nbody\0with any byte \303\244\n"

static int dir = -1;
static char path[] = "/tmp/test_export_file.XXXXXX";

static int
set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0;
}

static int
tear_down(void **state)
{
	(void)state;
	unlinkat(dir, NAME, 0);
	close(dir);
	return rmdir(path); /* nothing is left behind */
}

static int
write_one(struct str text, struct str id)
{
	static struct recipient to[] = {
	    {.address = {"a@b.test", 8}, .notify = NOTIFY_FAILURE},
	    {.address = {"c@d.test", 8}, .original = {"o@d.test", 8}},
	};
	struct content *c = content_from_str(text);
	struct export_head h = {
	    .id = id,
	    .host = STR("mx.test"),
	    .exported = 5,
	    .held = 1,
	    .attempts = 3,
	    .envelope = {.id = id,
		.sender = STR("s@b.test"),
		.arrival = 12345,
		.size = text.len,
		.recipients = {to, 2}},
	};
	int r = export_file_write(dir, &h, c);

	content_unref(&c);
	return r;
}

static int
read_one(struct export_file *f)
{
	struct buf why;
	int r;

	buf_init(&why, LOG_LINE_MAX);
	r = export_file_open(dir, NAME, f, &why);
	assert_int_equal(r<0, why.len> 0);
	buf_done(&why);
	return r;
}

static void
there_and_back(void **state)
{
	const struct recipient *to;
	struct export_file f;
	struct content *c;
	struct stat st;
	char got[sizeof(TEXT)];

	(void)state;
	assert_int_equal(write_one(STR(TEXT), STR(ID)), 0);
	assert_int_equal(fstatat(dir, NAME, &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(read_one(&f), 0);
	assert_str(f.head.id, ID);
	assert_str(f.head.host, "mx.test");
	assert_int_equal(f.head.held, 1);
	assert_int_equal(f.head.attempts, 3);
	assert_str(f.head.envelope.sender, "s@b.test");
	assert_int_equal(f.head.envelope.arrival, 12345);
	assert_int_equal(f.head.envelope.recipients.n, 2);
	to = f.head.envelope.recipients.p;
	assert_int_equal(to[0].notify, NOTIFY_FAILURE);
	assert_str(to[1].original, "o@d.test");
	assert_int_equal(f.marks.len, 0);
	c = export_file_content(&f);
	assert_int_equal(content_size(c), sizeof(TEXT) - 1);
	assert_int_equal(
	    content_read(c, 0, got, sizeof(got)), sizeof(TEXT) - 1);
	assert_memory_equal(got, TEXT, sizeof(TEXT) - 1);
	content_unref(&c);
	export_file_close(&f);
}

/* What is written to it later, also in part. */
static void
marks(void **state)
{
	struct export_file f, other;
	struct stat st;

	(void)state;
	assert_int_equal(read_one(&f), 0);
	assert_int_equal(read_one(&other), -EBUSY);
	assert_int_equal(export_file_begin(&f, STR("mx.b.test")), 0);
	export_file_close(&f);
	assert_int_equal(read_one(&f), 0);
	assert_true(str_has_prefix(
	    buf_str(&f.marks), STR("importing host=mx.b.test at=")));
	assert_int_equal(export_file_mark(&f, STR("NEW"), STR("mx.b.test")), 0);
	assert_int_equal(export_file_undo(&f), 0); /* to what was there */
	export_file_close(&f);
	assert_int_equal(read_one(&f), 0);
	assert_null(strstr(f.marks.p, "imported"));
	assert_int_equal(export_file_mark(&f, STR("NEW"), STR("mx.b.test")), 0);
	export_file_close(&f);
	assert_int_equal(fstatat(dir, NAME, &st, 0), 0);
	for (off_t n = st.st_size; n > 0; n--) {
		char whole[128];

		snprintf(whole, sizeof(whole), "%s/" NAME, path);
		assert_int_equal(truncate(whole, n), 0);
		if (read_one(&f) < 0)
			break;
		assert_true(f.end <= n);
		export_file_close(&f);
	}
}

/* The same message may be written again, nothing else is replaced. */
static void
names(void **state)
{
	struct export_file f;
	int fd;

	(void)state;
	unlinkat(dir, NAME, 0);
	assert_int_equal(write_one(STR("one\n"), STR(ID)), 0);
	assert_int_equal(write_one(STR("three\n"), STR(ID)), 0);
	assert_int_equal(read_one(&f), 0);
	assert_int_equal(f.end - f.content_at, 6);
	export_file_close(&f);
	unlinkat(dir, NAME, 0);
	fd = openat(dir, NAME, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "mine\n", 5), 5);
	close(fd);
	assert_int_equal(write_one(STR("one\n"), STR(ID)), -EEXIST);
	unlinkat(dir, NAME, 0);
	assert_int_equal(symlinkat("elsewhere", dir, NAME), 0);
	assert_int_equal(write_one(STR("one\n"), STR(ID)), -EEXIST);
	unlinkat(dir, NAME, 0);
}

/* Each byte changed in turn, each length: refused, or a mark. */
static void
damage(void **state)
{
	BUF_CLEANUP struct buf whole = {0};
	struct export_file f;
	int fd;

	(void)state;
	buf_init(&whole, 1 << 20);
	assert_int_equal(write_one(STR(TEXT), STR(ID)), 0);
	assert_int_equal(file_read(dir, NAME, &whole), 0);
	fd = openat(dir, NAME, O_RDWR);
	for (size_t i = 0; i < whole.len; i++) {
		char c = whole.p[i] ^ 1;
		int r;

		assert_int_equal(pwrite(fd, &c, 1, (off_t)i), 1);
		r = read_one(&f);
		assert_true(r == -EPROTO || r == -EPROTONOSUPPORT);
		assert_int_equal(pwrite(fd, whole.p + i, 1, (off_t)i), 1);
	}
	assert_int_equal(read_one(&f), 0);
	export_file_close(&f);
	assert_int_equal(pwrite(fd, "more", 4, (off_t)whole.len), 4);
	assert_int_equal(read_one(&f), -EPROTO);
	for (size_t n = whole.len; n-- > 0;) {
		assert_int_equal(ftruncate(fd, (off_t)n), 0);
		assert_int_equal(read_one(&f), -EPROTO);
	}
	close(fd);
}

/* What is right by its sums and wrong by what it says. */
static void
versions(void **state)
{
	struct export_file f;
	int fd;

	(void)state;
	fd = openat(dir, NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(fd, "Valija export 2\n", 16), 16);
	assert_int_equal(read_one(&f), -EPROTONOSUPPORT);
	close(fd);
	assert_int_equal(unlinkat(dir, NAME, 0), 0);
	assert_int_equal(read_one(&f), -ENOENT);
	assert_int_equal(mkfifoat(dir, NAME, 0600), 0);
	assert_int_equal(read_one(&f), -EPROTO);
	assert_int_equal(unlinkat(dir, NAME, 0), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(there_and_back),
    cmocka_unit_test(marks),
    cmocka_unit_test(names),
    cmocka_unit_test(damage),
    cmocka_unit_test(versions),
};

int
main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
