/* SPDX-License-Identifier: ISC */
#include "jobs.h"

#include "guard.h"
#include "path.h"

static void
test_below(void **state)
{
	static const struct {
		const char *root, *path, *below; /* NULL: outside */
	} rows[] = {
	    {"/home/u", "Maildir/", "Maildir"},
	    {"/home/u", "/home/u/Maildir/", "Maildir"},
	    {"/home/u/", "/home/u/a/b", "a/b"},
	    {"/home/u", "/home/u", "."},
	    {"/home/u", "/home/u/", "."},
	    {"/home/u", "", "."},
	    {"/home/u", "a//b/", "a//b"},
	    {"/home/u", "..a/b..", "..a/b.."},
	    {"/", "/var/mail/x", "var/mail/x"},
	    {"/", "/", "."},
	    {"/home/u", "/home/u2/x", NULL},
	    {"/home/u", "/home", NULL},
	    {"/home/u", "/etc/passwd", NULL},
	    {"/home/u", "..", NULL},
	    {"/home/u", "../x", NULL},
	    {"/home/u", "a/../b", NULL},
	    {"/home/u", "a/..", NULL},
	    {"/home/u", "/home/u/../v", NULL},
	};
	BUF_CLEANUP struct buf b = {0};

	(void)state;
	buf_init(&b, 64);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str path = guard_copy(str_c(rows[i].path));
		int r = path_below(str_c(rows[i].root), path, &b);

		assert_int_equal(r, rows[i].below == NULL ? -EXDEV : 0);
		if (r == 0)
			assert_string_equal(b.p, rows[i].below);
		guard_free(path);
	}
	assert_int_equal(path_below(STR("/"), str_n("a\0b", 3), &b), -EINVAL);
	assert_int_equal(path_below(STR("/"),
			     STR("/a-path-that-is-longer-than-the-64-bytes-"
				 "that-there-is-room-for-in-b"),
			     &b),
	    -ENAMETOOLONG);
}

static void
test_open(void **state)
{
	char link[64];
	int fd;

	(void)state;
	assert_int_equal(path_make_dirs(scratch_fd, "a/b//c"), 0);
	assert_int_equal(path_make_dirs(scratch_fd, "a/b//c"), 0);
	write_text("a/b/c/file", "text", 0600);
	fd = path_open_parent(scratch_fd, "a/b/c/file");
	assert_true(fd >= 0);
	assert_int_equal(faccessat(fd, "file", F_OK, 0), 0);
	close(fd);
	fd = path_open_parent(scratch_fd, "a");
	assert_int_equal(faccessat(fd, "a/b", F_OK, 0), 0);
	close(fd);
	fd = path_open(scratch_fd, "a/b/c/file", O_RDONLY, 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	close(fd);
	assert_int_equal(path_open(scratch_fd, "none", O_RDONLY, 0), -ENOENT);
	assert_int_equal(path_make_dirs(scratch_fd, "a/b/c/file/d"), -ENOTDIR);
	/* SECURITY: not through the descriptors of a process. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", scratch_fd);
	assert_int_equal(symlinkat(link, scratch_fd, "magic"), 0);
	assert_int_equal(
	    path_open(scratch_fd, "magic/a/b/c/file", O_RDONLY, 0), -ELOOP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_below),
	    cmocka_unit_test_setup_teardown(
		test_open, make_scratch, drop_scratch),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
