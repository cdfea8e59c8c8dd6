/* SPDX-License-Identifier: ISC */
/* A directory of certificates as one file, and its reader. */
#include "tap.h"

#include "base/file.h"
#include "mail/authorities.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int gift = -1;

int
serve_gift(const struct serve *sv, struct str name)
{
	(void)sv;
	return str_eq(name, STR("file:/certs")) ? gift : -1;
}

static void
put(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

static void
test_directory(void **state)
{
	static const char *const passed_over[] = {"ca.pem", "0a1b2c3d",
	    "0a1b2c3d.", "0a1b2c3d.r0", "0a1b2c3d.0x", "0a1b2c3.0",
	    "0a1b2c3d4.0", "0A1B2C3D.0"};
	char path[] = "/tmp/authorities.XXXXXX";
	BUF_CLEANUP struct buf all = {0}, why = {0};
	int dir;

	(void)state;
	assert_non_null(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put(dir, "ca.pem", "A");
	put(dir, "0a1b2c3d.0", "B");
	assert_int_equal(symlinkat("ca.pem", dir, "12345678.0"), 0);
	assert_int_equal(symlinkat("gone.pem", dir, "12345678.1"), 0);
	assert_int_equal(mkdirat(dir, "12345678.2", 0755), 0);
	assert_int_equal(mkfifoat(dir, "12345678.3", 0644), 0);
	for (size_t i = 1; i < sizeof(passed_over) / sizeof(*passed_over); i++)
		put(dir, passed_over[i], "X");
	gift = authorities_gather(dir);
	assert_true(gift >= 0);
	buf_init(&all, 100);
	buf_init(&why, 1000);
	assert_true(
	    authorities_read(NULL, STR_NONE, STR("/certs"), &all, &why));
	assert_true(str_eq(buf_str(&all), STR("A\nB\n\n")) ||
		    str_eq(buf_str(&all), STR("B\nA\n\n")));
	/* What was named and is not there. */
	assert_false(
	    authorities_read(NULL, STR("/other"), STR("/certs"), &all, &why));
	assert_string_equal(why.p, "/other: No such file or directory");
	/* Too much for the reader. */
	buf_reset(&all);
	buf_done(&all);
	buf_init(&all, 3);
	buf_reset(&why);
	assert_false(
	    authorities_read(NULL, STR_NONE, STR("/certs"), &all, &why));
	close(gift);
	assert_true(authorities_gather(gift) < 0);

	unlinkat(dir, "ca.pem", 0);
	unlinkat(dir, "0a1b2c3d.0", 0);
	unlinkat(dir, "12345678.0", 0);
	unlinkat(dir, "12345678.1", 0);
	unlinkat(dir, "12345678.2", AT_REMOVEDIR);
	unlinkat(dir, "12345678.3", 0);
	for (size_t i = 0; i < sizeof(passed_over) / sizeof(*passed_over); i++)
		unlinkat(dir, passed_over[i], 0);
	close(dir);
	assert_int_equal(rmdir(path), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_directory),
};
TAP_RUN(tests)
