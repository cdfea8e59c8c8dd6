/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "base/file.h"
#include "mail/maildrop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/test_maildrop.XXXXXX";
static int dir_fd;

static int
make_directory(void **state)
{
	(void)state;
	if (mkdtemp(path) == NULL)
		return -1;
	dir_fd = open(path, O_RDONLY | O_DIRECTORY);
	return dir_fd < 0 ? -1 : 0;
}

/* The only name there, taken away; empty when there is none. */
static int
empty_directory(void **state)
{
	DIR *d = fdopendir(openat(dir_fd, ".", O_RDONLY | O_DIRECTORY));
	struct dirent *e;

	(void)state;
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && unlinkat(dir_fd, e->d_name, 0) < 0)
			unlinkat(dir_fd, e->d_name, AT_REMOVEDIR);
	closedir(d);
	return 0;
}

static int
remove_directory(void **state)
{
	empty_directory(state);
	close(dir_fd);
	return rmdir(path);
}

static size_t
find_name(char *ret, size_t n)
{
	DIR *d = fdopendir(openat(dir_fd, ".", O_RDONLY | O_DIRECTORY));
	struct dirent *e;
	size_t found = 0;

	ret[0] = '\0';
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(ret, n, "%s", e->d_name);
		found++;
	}
	closedir(d);
	return found;
}

static void
put(struct str content)
{
	struct recipient to[] = {
	    {STR("a@b"), STR("a@b"), STR_NONE, NOTIFY_DELAY, {NULL, 0}},
	    {STR("c"), STR("c"), STR_NONE, 0, {NULL, 0}}};
	struct submit_message m = {
	    .sender = STR("joe"),
	    .full_name = STR("Joe"),
	    .envid = STR_NONE,
	    .recipients = {to, 2},
	};
	struct content *c = content_from_str(content);

	assert_int_equal(maildrop_put(path, &m, c), 0);
	content_unref(&c);
}

static void
test_round(void **state)
{
	static const size_t sizes[] = {0, 10, CONTENT_CHUNK * 2 + 1};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char *p = malloc(sizes[i] + 1), *back = malloc(sizes[i] + 1);
		struct maildrop_file f;
		const struct recipient *r;
		char name[300];
		const char *why;
		struct stat st;

		memset(p, 'a' + (int)i, sizes[i]);
		put(str_n(p, sizes[i]));
		assert_int_equal(find_name(name, sizeof(name)), 1);
		assert_int_equal(fstatat(dir_fd, name, &st, 0), 0);
		assert_int_equal(st.st_mode & 07777 & ~0040, 0600);
		assert_int_equal(maildrop_open(dir_fd, name, &f, &why), 0);
		assert_int_equal(f.uid, geteuid());
		assert_str(f.message.sender, "joe");
		assert_int_equal(f.message.recipients.n, 2);
		r = f.message.recipients.p;
		assert_str(r[1].address, "c");
		assert_int_equal(r[0].notify, NOTIFY_DELAY);
		assert_int_equal(
		    maildrop_read(&f, 0, back, sizes[i] + 1), sizes[i]);
		assert_memory_equal(back, p, sizes[i]);
		assert_int_equal(
		    maildrop_read(&f, (off_t)sizes[i], back, 1), 0);
		maildrop_close(&f);
		assert_int_equal(unlinkat(dir_fd, name, 0), 0);
		free(p);
		free(back);
	}
}

static void
test_nowhere(void **state)
{
	struct submit_message m = {
	    .sender = STR_NONE, .full_name = STR_NONE, .envid = STR_NONE};
	struct content *c = content_from_str(STR("x"));

	(void)state;
	assert_int_equal(maildrop_put("/nonexistent/x", &m, c), -ENOENT);
	m.sender = STR("two\nlines");
	assert_int_equal(maildrop_put(path, &m, c), -EINVAL);
	content_unref(&c);
}

static void
refuse(const char *name)
{
	struct maildrop_file f;
	const char *why = NULL;

	assert_int_equal(maildrop_open(dir_fd, name, &f, &why), -EPROTO);
	assert_non_null(why);
}

static void
write_file(const char *name, struct str bytes)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(fd_write_all(fd, bytes.p, bytes.len), 0);
	close(fd);
}

/* SECURITY: what anyone could put there. */
static void
test_kinds(void **state)
{
	struct maildrop_file f;
	char name[300];
	const char *why;

	(void)state;
	put(STR("Subject: x\n"));
	find_name(name, sizeof(name));
	assert_int_equal(linkat(dir_fd, name, dir_fd, "second", 0), 0);
	refuse(name);
	refuse("second");
	assert_int_equal(unlinkat(dir_fd, "second", 0), 0);
	assert_int_equal(symlinkat(name, dir_fd, "link"), 0);
	refuse("link");
	assert_int_equal(mkfifoat(dir_fd, "fifo", 0600), 0);
	refuse("fifo");
	assert_int_equal(mkdirat(dir_fd, "dir", 0700), 0);
	refuse("dir");
	assert_int_equal(maildrop_open(dir_fd, "none", &f, &why), -ENOENT);
}

static void
test_malformed(void **state)
{
	struct buf b;
	char name[300];

	(void)state;
	buf_init(&b, 65536);
	put(STR("Subject: x\n\nbody\n"));
	find_name(name, sizeof(name));
	assert_int_equal(file_read(dir_fd, name, &b), 0);
	/* Cut at every length; with a byte more; with a bit turned. */
	for (size_t n = 0; n < b.len; n++) {
		write_file("bad", str_n(b.p, n));
		refuse("bad");
	}
	buf_add_char(&b, 'x');
	write_file("bad", buf_str(&b));
	refuse("bad");
	buf_cut(&b, b.len - 1);
	for (size_t at = 0; at < 33; at++) { /* up to the first value */
		b.p[at] ^= 0x40;
		write_file("bad", buf_str(&b));
		refuse("bad");
		b.p[at] ^= 0x40;
	}
	memcpy(b.p + 8, "\xff\xff\xff\xff", 4);
	write_file("bad", buf_str(&b));
	refuse("bad");
	buf_done(&b);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown(test_round, empty_directory),
    cmocka_unit_test_teardown(test_nowhere, empty_directory),
    cmocka_unit_test_teardown(test_kinds, empty_directory),
    cmocka_unit_test_teardown(test_malformed, empty_directory),
};

int
main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
