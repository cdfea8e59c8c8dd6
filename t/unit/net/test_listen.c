/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "base/task.h"
#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

static int
get_option(int fd, int level, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, level, option, &value, &len), 0);
	return value;
}

struct meeting {
	struct io io;
	int nodelay;
};

static void
accept_one(void *arg)
{
	struct meeting *m = arg;
	struct sockaddr_storage peer;
	int fd = io_accept(&m->io, &peer, clock_after(5 * CLOCK_SEC));

	if (fd < 0)
		return;
	m->nodelay = get_option(fd, IPPROTO_TCP, TCP_NODELAY);
	close(fd);
}

/* A listener of `text`, met by a client: its port. */
static uint16_t
meet(const char *text, uint16_t port)
{
	struct sockaddr_storage sa;
	struct meeting m = {.nodelay = -1};
	struct ip ip, at;
	int fd, client;

	assert_int_equal(ip_parse(str_c(text), &ip), 0);
	fd = listen_tcp(&ip, port);
	assert_true(fd >= 0);
	assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(listen_where(fd, &at, &port), 0);
	assert_true(ip_eq(&ip, &at));
	assert_int_equal(listen_tcp(&ip, port), -EADDRINUSE);

	assert_int_equal(loop_init(), 0);
	assert_int_equal(io_init(&m.io, fd), 0);
	client = socket(ip.family == 4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
	assert_int_equal(connect(client, (struct sockaddr *)&sa,
			     ip_to_sockaddr(&ip, port, &sa)),
	    0);
	task_start(accept_one, &m);
	loop_run();
	assert_int_equal(m.nodelay, 1);
	close(client);
	io_done(&m.io);
	return port;
}

static void
test_tcp(void **state)
{
	uint16_t port;

	(void)state;
	port = meet("127.0.0.1", 0);
	assert_true(port > 0);
	/* Its connection is in TIME_WAIT: no reason to be refused. */
	assert_int_equal(meet("127.0.0.1", port), port);
}

/* Both families of "everywhere" on one port. */
static void
test_both_families(void **state)
{
	struct ip any4 = {.family = 4}, any6 = {.family = 6}, at;
	uint16_t port;
	int four = listen_tcp(&any4, 0), six;

	(void)state;
	assert_true(four >= 0);
	assert_int_equal(listen_where(four, &at, &port), 0);
	six = listen_tcp(&any6, port);
	assert_true(six >= 0);
	close(four);
	close(six);
}

static void
test_not_ours(void **state)
{
	struct ip ip;

	(void)state;
	assert_int_equal(ip_parse(STR("192.0.2.1"), &ip), 0);
	assert_int_equal(listen_tcp(&ip, 0), -EADDRNOTAVAIL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_tcp),
    cmocka_unit_test(test_both_families),
    cmocka_unit_test(test_not_ours),
};

TAP_RUN(tests)
