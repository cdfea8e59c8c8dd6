/* SPDX-License-Identifier: ISC */
/* Files that say where mail goes: which are believed. */
#include "children.h"

#include "base/find.h"
#include "mail/proto/home.h"

struct question {
	const char *path;
	uint64_t owner;
	bool check_dir;
	enum find find;
	char text[100], why[100];
	size_t len;
};

static struct question q;

static void
ask_reader(void *arg)
{
	struct spawn_ask ask = make_ask(SPAWN_READER);
	struct home_read read = {
	    .path = str_c(q.path), .owner = q.owner, .check_dir = q.check_dir};
	const struct home_text *text;
	struct parcel answer;
	int fd = ask_child(&ask);
	struct chan *c;

	(void)arg;
	c = chan_new(fd, &home_protocol, NULL, NULL);
	run_result = chan_call(c, HOME_READ, &read, NULL, 0, &answer, SOON);
	if (run_result == 0) {
		text = answer.value;
		q.find = (enum find)text->find;
		q.len = text->text.len;
		snprintf(q.text, sizeof(q.text), "%.*s", STR_ARG(text->text));
		snprintf(q.why, sizeof(q.why), "%.*s", STR_ARG(text->why));
		parcel_done(&answer);
	}
	chan_close(&c);
	loop_stop();
}

static void
ask(const char *path, bool check_dir)
{
	q = (struct question){
	    .path = path, .owner = child_uid, .check_dir = check_dir};
	run_task(ask_reader, NULL);
	assert_int_equal(run_result, 0);
}

static void
give_away(const char *path, uid_t uid)
{
	assert_int_equal(
	    fchownat(scratch_fd, path, uid, (gid_t)-1, AT_SYMLINK_NOFOLLOW), 0);
}

static void
make(const char *path, const char *text, mode_t mode)
{
	write_text(path, text, mode);
	give_away(path, child_uid);
}

static void
test_believed(void **state)
{
	char path[100];

	(void)state;
	make(".forward", "a@b\n", 0600);
	ask(".forward", true);
	assert_int_equal(q.find, FIND_YES);
	assert_string_equal(q.text, "a@b\n");
	assert_string_equal(q.why, "");
	snprintf(path, sizeof(path), "%s/.forward", scratch);
	ask(path, true);
	assert_int_equal(q.find, FIND_YES);
	make(".forward", "", 0644);
	ask(".forward", true);
	assert_int_equal(q.find, FIND_YES);
	assert_int_equal(q.len, 0);
	if (geteuid() != 0)
		return;
	give_away(".forward", 0);
	ask(".forward", true);
	assert_int_equal(q.find, FIND_YES);
}

static void
test_missing(void **state)
{
	(void)state;
	ask(".forward", true);
	assert_int_equal(q.find, FIND_NO);
	ask("no/such/file", false);
	assert_int_equal(q.find, FIND_NO);
}

static void
assert_broken(const char *path, bool check_dir, const char *why)
{
	ask(path, check_dir);
	assert_string_equal(q.why, why);
	assert_int_equal(q.find, FIND_BROKEN);
	assert_int_equal(q.len, 0);
}

static void
test_modes(void **state)
{
	(void)state;
	make("group", "x", 0620);
	assert_broken("group", false, "is writable by group or others");
	make("others", "x", 0602);
	assert_broken("others", false, "is writable by group or others");
	make("fine", "x", 0600);
	assert_int_equal(chmod(scratch, 0770), 0);
	assert_broken("fine", true, "is in a directory that others may write");
	ask("fine", false);
	assert_int_equal(q.find, FIND_YES);
	assert_int_equal(chmod(scratch, 0702), 0);
	assert_broken("fine", true, "is in a directory that others may write");
	assert_int_equal(chmod(scratch, 0700), 0);
}

static void
test_owners(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return; /* nobody else can give files away */
	make("foreign", "x", 0644);
	give_away("foreign", 4999);
	assert_broken("foreign", false, "is owned by someone else");
	q = (struct question){.path = "foreign", .owner = HOME_ANY_OWNER};
	run_task(ask_reader, NULL);
	assert_int_equal(q.find, FIND_YES);
	make("secret", "x", 0600);
	give_away("secret", 4999);
	assert_broken("secret", false, "Permission denied");
}

static void
test_kinds(void **state)
{
	char *big = calloc(1, HOME_TEXT_MAX + 2);

	(void)state;
	make("target", "x", 0600);
	assert_int_equal(symlinkat("target", scratch_fd, "link"), 0);
	assert_broken("link", false, "Too many levels of symbolic links");
	assert_int_equal(symlinkat("/etc/passwd", scratch_fd, "out"), 0);
	assert_broken("out", false, "Too many levels of symbolic links");
	assert_int_equal(mkfifoat(scratch_fd, "fifo", 0600), 0);
	give_away("fifo", child_uid);
	assert_broken("fifo", false, "is not a regular file");
	assert_int_equal(mkdirat(scratch_fd, "dir", 0700), 0);
	give_away("dir", child_uid);
	assert_broken("dir", false, "is not a regular file");
	assert_broken("../target", false, "Invalid cross-device link");
	assert_broken("/etc/passwd", false, "Invalid cross-device link");
	memset(big, 'x', HOME_TEXT_MAX);
	make("big", big, 0600);
	ask("big", false);
	assert_int_equal(q.find, FIND_YES);
	assert_int_equal(q.len, HOME_TEXT_MAX);
	big[HOME_TEXT_MAX] = 'x';
	make("bigger", big, 0600);
	assert_broken("bigger", false, "is too large");
	free(big);
}

#define READER_TEST(f)                                                         \
	cmocka_unit_test_setup_teardown(f, start_broker, stop_broker)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    READER_TEST(test_believed),
	    READER_TEST(test_missing),
	    READER_TEST(test_modes),
	    READER_TEST(test_owners),
	    READER_TEST(test_kinds),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
