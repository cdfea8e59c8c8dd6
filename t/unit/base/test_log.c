/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "base/log.h"
#include "base/task.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int fds[2];

static int
open_pair(void **state)
{
	(void)state;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	log_init("smtpd");
	log_name(STR("postfix"));
	log_open(LOG_TARGET_SYSLOG, fds[0]);
	return 0;
}

static int
close_pair(void **state)
{
	(void)state;
	return close(fds[1]);
}

static size_t
receive(char *line, size_t size)
{
	ssize_t n = recv(fds[1], line, size - 1, MSG_DONTWAIT);

	line[n < 0 ? 0 : n] = '\0';
	return n < 0 ? 0 : (size_t)n;
}

/* Whatever a client sent, one call is one line. */
static void
test_escapes(void **state)
{
	char line[4096];

	(void)state;
	log_info("from=<%s>", "a\nb\033[1m\x7f\xff\xc3\xa9");
	assert_true(receive(line, sizeof(line)) > 0);
	assert_non_null(strstr(line, "postfix/smtpd["));
	assert_non_null(strstr(line, "from=<a?b?[1m??\xc3\xa9>"));
	assert_true(strncmp(line, "<22>", 4) == 0);
	log_info_as("local", "x");
	receive(line, sizeof(line));
	assert_non_null(strstr(line, "postfix/local["));
	log_warning("odd");
	receive(line, sizeof(line));
	assert_non_null(strstr(line, "]: warning: odd"));
}

static void
test_cuts(void **state)
{
	char line[8192], big[4000];

	(void)state;
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	log_info("%s", big);
	assert_in_range(receive(line, sizeof(line)), 2000, 2600);
}

/* A target that takes nothing delays nobody; what was lost is counted. */
static void
test_never_waits(void **state)
{
	char line[4096], last[4096] = "";
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 20000; i++)
		log_info("line %d of many, with some length to it", i);
	for (int i = 0; i < 20000; i++) {
		while (receive(line, sizeof(line)) > 0) {
			memcpy(last, line, sizeof(last));
			n++;
		}
		log_flush();
	}
	assert_true(n > 1000 && n < 20000);
	assert_non_null(strstr(last, "log lines were lost"));
}

/* All lines come, in order, whatever there is room for, be it a part of a
 * line, to a reader who is slower than we are and catches up. */
static void
log_to_slow(int ends[2])
{
	static char all[4 * 1024 * 1024];
	size_t len = 0, lines = 0;
	char *rest = all, *line;

	log_open(LOG_TARGET_FILE, ends[1]);
	for (int i = 0; i < 3000; i++) {
		ssize_t n;

		log_info("line %d of many", i);
		log_flush();
		while (i % 300 == 299 &&
		       (n = read(ends[0], all + len, 3001)) > 0) {
			len += (size_t)n;
			log_flush();
		}
	}
	all[len] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		char want[64];

		snprintf(want, sizeof(want), ": line %zu of many", lines++);
		assert_non_null(strstr(line, want));
	}
	assert_int_equal(lines, 3000);
	close(ends[0]);
}

/* One that does not block, and one whose flags others set. */
static void
test_pipe(void **state)
{
	static const int flags[] = {O_NONBLOCK, 0};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int ends[2];

		assert_int_equal(pipe2(ends, flags[i] | O_CLOEXEC), 0);
		assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 4096);
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
		log_to_slow(ends);
	}
}

static void
test_stream_socket(void **state)
{
	int ends[2], small = 4096;

	(void)state;
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	log_to_slow(ends);
}

static void
log_in_a_turn(void *arg)
{
	char line[4096];

	(void)arg;
	log_gather();
	log_info("one");
	log_info("two");
	assert_int_equal(receive(line, sizeof(line)), 0);
	task_yield();
	assert_true(receive(line, sizeof(line)) > 0);
	assert_non_null(strstr(line, ": one"));
	assert_true(receive(line, sizeof(line)) > 0);
	assert_non_null(strstr(line, ": two"));
	log_info("three");
	/* It is the parent's to send. */
	if (fork() == 0)
		_exit(0);
	wait(NULL);
	log_flush();
	assert_true(receive(line, sizeof(line)) > 0);
	assert_int_equal(receive(line, sizeof(line)), 0);
	log_info("four");
	if (fork() == 0) {
		log_info("five");
		_exit(0);
	}
	wait(NULL);
	assert_true(receive(line, sizeof(line)) > 0);
	assert_non_null(strstr(line, ": five"));
	log_flush();
	assert_true(receive(line, sizeof(line)) > 0);
	assert_non_null(strstr(line, ": four"));
}

static void
test_gathers_a_turn(void **state)
{
	(void)state;
	assert_int_equal(loop_init(), 0);
	task_start(log_in_a_turn, NULL);
	loop_run();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_escapes, open_pair, close_pair),
    cmocka_unit_test_setup_teardown(test_cuts, open_pair, close_pair),
    cmocka_unit_test_setup_teardown(test_never_waits, open_pair, close_pair),
    cmocka_unit_test_setup_teardown(test_pipe, open_pair, close_pair),
    cmocka_unit_test_setup_teardown(test_stream_socket, open_pair, close_pair),
    cmocka_unit_test_setup_teardown(test_gathers_a_turn, open_pair, close_pair),
};

TAP_RUN(tests)
