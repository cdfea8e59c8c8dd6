/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int
open_scratch(void **state)
{
	char dir[] = "/tmp/valija-file-XXXXXX";
	static int fd;

	if (mkdtemp(dir) == NULL)
		return -1;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &fd;
	return unlinkat(AT_FDCWD, dir, AT_REMOVEDIR);
}

static void
test_replace(void **state)
{
	char dir[] = "/tmp/valija-file-XXXXXX";
	BUF_CLEANUP struct buf b = {0};
	struct stat st;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	buf_init(&b, 8);
	assert_int_equal(file_read(fd, "x", &b), -ENOENT);
	assert_int_equal(file_replace(fd, "x", STR("one"), 0640), 0);
	assert_int_equal(file_replace(fd, "x", STR("two"), 0644), 0);
	assert_int_equal(file_read(fd, "x", &b), 0);
	assert_str(buf_str(&b), "two");
	assert_int_equal(fstatat(fd, "x", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	buf_reset(&b);
	assert_int_equal(file_replace(fd, "x", STR("123456789"), 0600), 0);
	assert_int_equal(file_read(fd, "x", &b), -EMSGSIZE);
	assert_int_equal(unlinkat(fd, "x", 0), 0);
	assert_int_equal(rmdir(dir), 0); /* no temporary file stayed */
	close(fd);
}

/* In a directory that is gone nothing can be made, and nothing stays. */
static void
test_replace_fails(void **state)
{
	int fd = *(int *)*state;

	assert_int_equal(file_replace(fd, "x", STR("one"), 0600), -ENOENT);
}

static void
test_vectors(void **state)
{
	char back[7] = "";
	struct iovec iov[] = {
	    {.iov_base = (char[]){"abc"}, .iov_len = 3},
	    {.iov_base = NULL, .iov_len = 0},
	    {.iov_base = (char[]){"def"}, .iov_len = 3},
	};
	int fd = memfd_create("test", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(fd_pwritev_all(fd, iov, 3, 2), 0);
	assert_int_equal(fd_pread_all(fd, back, 6, 2), 0);
	assert_string_equal(back, "abcdef");
	assert_int_equal(fd_pread_all(fd, back, 6, 3), -ENODATA);
	close(fd);
}

static void
test_sealed(void **state)
{
	int fd = memfd_sealed("test", STR("sealed"));

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, "x", 1), -EPERM);
	assert_int_equal(ftruncate(fd, 0), -1);
	close(fd);
}

static void
test_whole(void **state)
{
	FD_CLEANUP int fd = memfd_sealed("whole", STR("0123456789"));
	BUF_CLEANUP struct buf b = {0}, small = {0};

	(void)state;
	assert_true(fd >= 0);
	/* Where the offset stands, and that it stays, is the point. */
	assert_int_equal(lseek(fd, 4, SEEK_SET), 4);
	buf_init(&b, 10);
	assert_int_equal(fd_read_whole(fd, &b), 0);
	assert_string_equal(b.p, "0123456789");
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 4);
	buf_init(&small, 9);
	assert_int_equal(fd_read_whole(fd, &small), -EMSGSIZE);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_replace),
    cmocka_unit_test_setup(test_replace_fails, open_scratch),
    cmocka_unit_test(test_vectors),
    cmocka_unit_test(test_sealed),
    cmocka_unit_test(test_whole),
};

TAP_RUN(tests)
