/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "net/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int dir;

/* A directory whose path alone is longer than a sockaddr_un. */
static int
setup(void **state)
{
	static char top[] = "/tmp/valija-unix-XXXXXX";
	int fd, next;
	char name[] = "a_directory_with_quite_a_long_name";

	(void)state;
	if (mkdtemp(top) == NULL)
		return -1;
	fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 4; i++) {
		if (mkdirat(fd, name, 0700) < 0)
			return -1;
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	dir = fd;
	*state = top;
	return fd < 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	char path[512];

	close(dir);
	for (int up = 4; up >= 0; up--) {
		size_t n =
		    (size_t)snprintf(path, sizeof(path), "%s", (char *)*state);

		for (int i = 0; i < up; i++)
			n += (size_t)snprintf(path + n, sizeof(path) - n,
			    "/a_directory_with_quite_a_long_name");
		if (rmdir(path) < 0)
			return -1;
	}
	return 0;
}

static mode_t
mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(dir, name, &st, 0), 0);
	return st.st_mode & 07777;
}

static void
test_meet(void **state)
{
	int fd = unix_listen(dir, "box", SOCK_SEQPACKET, 0666);
	int client, server;
	char got[10];

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(mode_of("box"), 0666);
	client = unix_connect(dir, "box", SOCK_SEQPACKET);
	assert_true(client >= 0);
	server = accept(fd, NULL, NULL);
	assert_int_equal(write(client, "ab", 2), 2);
	assert_int_equal(write(client, "c", 1), 1);
	assert_int_equal(read(server, got, sizeof(got)), 2);
	assert_int_equal(read(server, got, sizeof(got)), 1);
	assert_true((fcntl(client, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	close(server);
	close(client);
	close(fd);
	/* Left over, and replaced. */
	assert_int_equal(
	    unix_connect(dir, "box", SOCK_SEQPACKET), -ECONNREFUSED);
	fd = unix_listen(dir, "box", SOCK_SEQPACKET, 0600);
	assert_true(fd >= 0);
	assert_int_equal(mode_of("box"), 0600);
	close(fd);
	assert_int_equal(unlinkat(dir, "box", 0), 0);
	assert_int_equal(unix_connect(dir, "box", SOCK_SEQPACKET), -ENOENT);
}

static void
test_datagrams(void **state)
{
	int fd = unix_listen(dir, "log", SOCK_DGRAM, 0622);
	int client;
	char got[10];

	(void)state;
	assert_true(fd >= 0);
	client = unix_connect(dir, "log", SOCK_DGRAM);
	assert_true(client >= 0);
	assert_int_equal(write(client, "abc", 3), 3);
	assert_int_equal(read(fd, got, sizeof(got)), 3);
	close(client);
	close(fd);
	unlinkat(dir, "log", 0);
}

static void
test_refuses(void **state)
{
	char name[UNIX_NAME_MAX + 2];
	int fd = openat(dir, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	(void)state;
	close(fd);
	assert_int_equal(
	    unix_listen(dir, "file", SOCK_STREAM, 0600), -EADDRINUSE);
	assert_int_equal(unlinkat(dir, "file", 0), 0);
	assert_int_equal(symlinkat("/tmp/x", dir, "file"), 0);
	assert_int_equal(
	    unix_listen(dir, "file", SOCK_STREAM, 0600), -EADDRINUSE);
	assert_int_equal(unlinkat(dir, "file", 0), 0);
	assert_int_equal(unix_listen(dir, "", SOCK_STREAM, 0600), -EINVAL);
	assert_int_equal(unix_listen(dir, "a/b", SOCK_STREAM, 0600), -EINVAL);
	assert_int_equal(unix_connect(dir, "..", SOCK_STREAM), -ECONNREFUSED);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(unix_connect(dir, name, SOCK_STREAM), -EINVAL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_meet),
    cmocka_unit_test(test_datagrams),
    cmocka_unit_test(test_refuses),
};

int
main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
