/* SPDX-License-Identifier: ISC */
/* Waiting for descriptors: socketpairs, TCP, ends, deadlines, and what is
 * left of an io that is gone. */
#include "tap.h"

#include "base/clock.h"
#include "base/task.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
setup(void **state)
{
	(void)state;
	return loop_init();
}

static void
make_pair(int type, struct io *a, struct io *b)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(io_init(a, fds[0]), 0);
	assert_int_equal(io_init(b, fds[1]), 0);
}

/* ---- a lot of bytes through a small pipe ---- */

#define PAIRS 50
#define BYTES (300 * 1024)

struct flow {
	struct io from, to;
	int write_result;
	size_t got;
	bool is_good;
	ssize_t end;
};

static void
send_all(void *arg)
{
	struct flow *f = arg;
	char *bytes = malloc(BYTES);

	for (size_t i = 0; i < BYTES; i++)
		bytes[i] = (char)(i % 251);
	f->write_result = io_write_all(&f->from, bytes, BYTES, CLOCK_NEVER);
	free(bytes);
	io_done(&f->from);
}

static void
receive_all(void *arg)
{
	struct flow *f = arg;
	char bytes[5000];

	f->is_good = true;
	while (
	    (f->end = io_read(&f->to, bytes, sizeof(bytes), CLOCK_NEVER)) > 0) {
		for (ssize_t i = 0; i < f->end; i++)
			if (bytes[i] != (char)((f->got + (size_t)i) % 251))
				f->is_good = false;
		f->got += (size_t)f->end;
	}
	io_done(&f->to);
}

static void
flow_through(bool is_stream)
{
	static struct flow flows[PAIRS];

	memset(flows, 0, sizeof(flows));
	for (int i = 0; i < PAIRS; i++) {
		make_pair(SOCK_STREAM, &flows[i].from, &flows[i].to);
		flows[i].from.is_stream = flows[i].to.is_stream = is_stream;
		task_start(receive_all, &flows[i]);
		task_start(send_all, &flows[i]);
	}
	loop_run();
	for (int i = 0; i < PAIRS; i++) {
		assert_int_equal(flows[i].write_result, 0);
		assert_int_equal(flows[i].got, BYTES);
		assert_true(flows[i].is_good);
		assert_int_equal(flows[i].end, 0);
	}
}

static void
test_flow(void **state)
{
	(void)state;
	flow_through(false);
	flow_through(true);
}

/* ---- the end that came together with the last bytes ---- */

static void
test_end_after_short_read(void **state)
{
	static struct flow f;

	(void)state;
	memset(&f, 0, sizeof(f));
	make_pair(SOCK_STREAM, &f.from, &f.to);
	f.to.is_stream = true;
	assert_int_equal(write(f.from.fd, "\0\1\2", 3), 3);
	io_done(&f.from);
	task_start(receive_all, &f);
	loop_run(); /* would hang */
	assert_int_equal(f.got, 3);
	assert_int_equal(f.end, 0);
}

/* And the end that comes between the event and the read. */
static struct flow late;

static void
write_then_close(void *arg)
{
	(void)arg;
	if (write(late.from.fd, "\0", 1) != 1)
		return;
	task_yield(); /* the event is taken, the reader is ready ... */
	task_yield();
	io_done(&late.from);
}

static void
test_end_meets_read(void **state)
{
	(void)state;
	memset(&late, 0, sizeof(late));
	make_pair(SOCK_STREAM, &late.from, &late.to);
	late.to.is_stream = true;
	task_start(write_then_close, NULL);
	task_start(receive_all, &late);
	loop_run();
	assert_int_equal(late.got, 1);
	assert_int_equal(late.end, 0);
}

/* ---- deadlines, and io_done under a waiting task ---- */

static struct io one, two;
static ssize_t results[3];

static void
read_with_deadline(void *arg)
{
	char c;

	(void)arg;
	results[0] = io_read(&one, &c, 1, clock_after(5 * CLOCK_MS));
	results[1] = one.reader == NULL;
	results[2] = io_read(&one, &c, 1, CLOCK_NEVER);
}

static void
close_after(void *arg)
{
	(void)arg;
	task_sleep(clock_after(20 * CLOCK_MS));
	io_done(&one);
	memset(&one, 0x55, sizeof(one)); /* it is gone: nobody looks */
}

static void
test_deadline_and_done(void **state)
{
	(void)state;
	make_pair(SOCK_STREAM, &one, &two);
	task_start(read_with_deadline, NULL);
	task_start(close_after, NULL);
	loop_run();
	assert_int_equal(results[0], -ETIMEDOUT);
	assert_int_equal(results[1], 1);
	assert_int_equal(results[2], -ECANCELED);
	assert_int_equal(one.fd, 0x55555555);
	io_done(&two);
}

/* ---- an event of a descriptor that someone else still holds ---- */

static void
poke_ghost(void *arg)
{
	int ghost = *(int *)arg;
	char c;

	/* A new io takes the slot; the ghost's events are not its own. */
	io_done(&one);
	make_pair(SOCK_STREAM, &one, &two);
	results[0] = write(ghost, "x", 1);
	results[1] = io_read(&one, &c, 1, clock_after(20 * CLOCK_MS));
	results[2] = one.readable;
	io_done(&one);
	io_done(&two);
}

static void
test_ghost(void **state)
{
	int fds[2], held;

	(void)state;
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(io_init(&one, fds[0]), 0);
	held = dup(fds[0]);
	task_start(poke_ghost, &fds[1]);
	loop_run();
	assert_int_equal(results[0], 1);
	assert_int_equal(results[1], -ETIMEDOUT);
	assert_int_equal(results[2], 0);
	close(held);
	close(fds[1]);
}

/* ---- packets: a short read does not mean that there is no more ---- */

static void
read_packets(void *arg)
{
	char bytes[100];

	(void)arg;
	for (int i = 0; i < 3; i++)
		results[i] =
		    io_read(&one, bytes, sizeof(bytes), clock_after(CLOCK_SEC));
}

static void
test_packets(void **state)
{
	(void)state;
	make_pair(SOCK_SEQPACKET, &one, &two);
	assert_int_equal(write(two.fd, "a", 1), 1);
	assert_int_equal(write(two.fd, "bc", 2), 2);
	assert_int_equal(write(two.fd, "def", 3), 3);
	task_start(read_packets, NULL);
	loop_run();
	assert_int_equal(results[0], 1);
	assert_int_equal(results[1], 2);
	assert_int_equal(results[2], 3);
	io_done(&one);
	io_done(&two);
}

/* ---- TCP ---- */

#define CLIENTS 100

static struct io listener;
static struct sockaddr_in where;
static int nserved, nanswered, nrefused;

static void
serve_one(void *arg)
{
	struct io *io = arg;
	char c;

	if (io_read(io, &c, 1, clock_after(5 * CLOCK_SEC)) == 1)
		nserved++;
	c++;
	io_write_all(io, &c, 1, clock_after(5 * CLOCK_SEC));
	io_done(io);
	free(io);
}

static void
accept_all(void *arg)
{
	(void)arg;
	for (int i = 0; i < CLIENTS; i++) {
		struct io *io = malloc(sizeof(*io));
		struct sockaddr_storage peer;
		int fd =
		    io_accept(&listener, &peer, clock_after(5 * CLOCK_SEC));

		if (fd < 0 || peer.ss_family != AF_INET ||
		    (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0 ||
		    io_init(io, fd) < 0)
			abort();
		task_start(serve_one, io);
	}
	io_done(&listener);
}

static int
connect_one(struct io *io)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || io_init(io, fd) < 0)
		abort();
	task_yield(); /* epoll has its say on the unconnected socket */
	return io_connect(io, (struct sockaddr *)&where, sizeof(where),
	    clock_after(5 * CLOCK_SEC));
}

static void
ask_one(void *arg)
{
	struct io io;
	char c = 'a';

	(void)arg;
	if (connect_one(&io) == 0) {
		io_write_all(&io, &c, 1, CLOCK_NEVER);
		if (io_read(&io, &c, 1, clock_after(5 * CLOCK_SEC)) == 1 &&
		    c == 'b')
			nanswered++;
	}
	io_done(&io);
}

static void
be_refused(void *arg)
{
	struct io io;

	(void)arg;
	if (connect_one(&io) == -ECONNREFUSED)
		nrefused++;
	io_done(&io);
}

static void
test_tcp(void **state)
{
	socklen_t len = sizeof(where);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	(void)state;
	nserved = nanswered = nrefused = 0;
	where = (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	assert_int_equal(listen(fd, CLIENTS), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&where, &len), 0);
	assert_int_equal(io_init(&listener, fd), 0);
	task_start(accept_all, NULL);
	for (int i = 0; i < CLIENTS; i++)
		task_start(ask_one, NULL);
	loop_run();
	assert_int_equal(nserved, CLIENTS);
	assert_int_equal(nanswered, CLIENTS);
	task_start(be_refused, NULL);
	loop_run();
	assert_int_equal(nrefused, 1);
}

/* ---- one who always finds work lets others run ---- */

static bool is_flooding, did_run_beside;

static void
flood(void *arg)
{
	char bytes[1] = "x";

	(void)arg;
	for (int i = 0; i < 1000; i++) {
		io_write_all(&one, bytes, 1, CLOCK_NEVER);
		io_read(&two, bytes, 1, CLOCK_NEVER);
		two.readable = true; /* as if more had come meanwhile */
	}
	is_flooding = false;
}

static void
run_beside(void *arg)
{
	(void)arg;
	did_run_beside = is_flooding;
}

static void
test_fair(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	assert_int_equal(io_init(&two, fds[0]), 0);
	assert_int_equal(io_init(&one, fds[1]), 0);
	is_flooding = true;
	task_start(flood, NULL);
	task_start(run_beside, NULL);
	loop_run();
	assert_true(did_run_beside);
	io_done(&one);
	io_done(&two);
}

static void
test_broken_peer_is_an_error(void **state)
{
	(void)state;
	make_pair(SOCK_STREAM, &one, &two);
	io_done(&two);
	/* SIGPIPE would end the test.  Writable: does not wait. */
	assert_int_equal(io_write(&one, "x", 1, CLOCK_NEVER), -EPIPE);
	io_done(&one);
}

static void
test_not_pollable(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY);

	(void)state;
	assert_int_equal(io_init(&one, fd), -EPERM);
	assert_int_equal(one.fd, -1);
	io_done(&one);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_flow, setup),
	    cmocka_unit_test_setup(test_end_after_short_read, setup),
	    cmocka_unit_test_setup(test_end_meets_read, setup),
	    cmocka_unit_test_setup(test_deadline_and_done, setup),
	    cmocka_unit_test_setup(test_ghost, setup),
	    cmocka_unit_test_setup(test_packets, setup),
	    cmocka_unit_test_setup(test_tcp, setup),
	    cmocka_unit_test_setup(test_fair, setup),
	    cmocka_unit_test_setup(test_broken_peer_is_an_error, setup),
	    cmocka_unit_test_setup(test_not_pollable, setup),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
