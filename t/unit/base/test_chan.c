/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "base/chan.h"
#include "base/packet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum kind {
	SAY,
	KINDS
};
struct say {
	struct str text;
	uint64_t n;
};
static const struct field say_fields[] = {
    SHAPE_STR(struct say, text, CHAN_PARCEL_MAX),
    SHAPE_U64(struct say, n, UINT64_MAX),
};
static const struct shape say_shape = SHAPE("say", struct say, say_fields);
static const struct shape *const shapes[KINDS] = {[SAY] = &say_shape};
static const struct protocol proto = {"test", 1, shapes, KINDS};
static const struct protocol newer = {"test", 2, shapes, KINDS};

/* What one end saw. */
struct end {
	struct chan *chan;
	struct parcel last;
	uint64_t sum;
	size_t count;
	bool is_closed;
	const char *why;
	bool answers;      /* each parcel with itself ... */
	uint64_t leave_at; /* ... up to this one, where it leaves */
	struct task_queue changed;
};

static void
on_parcel(struct chan *c, struct parcel *p, void *arg)
{
	struct end *e = arg;
	const struct say *say = p->value;

	assert_int_equal(say->n, e->count);
	e->count++;
	e->sum += say->text.len;
	if (e->answers)
		chan_send(c, SAY, p->exchange, say, NULL, 0);
	if (e->leave_at != 0 && e->count == e->leave_at)
		chan_close(&e->chan);
	parcel_done(&e->last);
	parcel_take(p, &e->last);
	task_wake_all(&e->changed);
}

static void
on_close(struct chan *c, const char *why, void *arg)
{
	struct end *e = arg;

	(void)c;
	e->is_closed = true;
	e->why = why;
	task_wake_all(&e->changed);
}

static const struct chan_events events = {on_parcel, on_close};

static void
end_open(struct end *e, int fd, const struct protocol *p)
{
	*e = (struct end){0};
	task_queue_init(&e->changed);
	e->chan = chan_new(fd, p, &events, e);
}

static void
end_done(struct end *e)
{
	parcel_done(&e->last);
	chan_close(&e->chan);
}

static void
pair_open(struct end *a, struct end *b)
{
	int fds[2];

	assert_int_equal(chan_pair(fds), 0);
	end_open(a, fds[0], &proto);
	end_open(b, fds[1], &proto);
}

static void
wait_count(struct end *e, size_t count)
{
	int64_t deadline = clock_after(10 * CLOCK_SEC);

	while (e->count < count && !e->is_closed)
		assert_int_equal(task_wait(&e->changed, deadline), 0);
	assert_int_equal(e->count, count);
}

static void
wait_close(struct end *e)
{
	int64_t deadline = clock_after(10 * CLOCK_SEC);

	while (!e->is_closed)
		assert_int_equal(task_wait(&e->changed, deadline), 0);
}

static void
run(void (*fn)(void *))
{
	assert_int_equal(loop_init(), 0);
	task_start(fn, NULL);
	loop_run();
}

static int
call(struct end *e, uint64_t n, const char *text, struct parcel *ret)
{
	struct say say = {str_c(text), n};

	return chan_call(
	    e->chan, SAY, &say, NULL, 0, ret, clock_after(5 * CLOCK_SEC));
}

static void
call_and_answer(void *arg)
{
	struct end a, b;
	struct parcel p;
	const struct say *say;
	uid_t uid;
	gid_t gid;

	(void)arg;
	pair_open(&a, &b);
	b.answers = true;
	for (uint64_t i = 0; i < 3; i++) {
		assert_int_equal(call(&a, i, "ping", &p), 0);
		say = p.value;
		assert_str(say->text, "ping");
		assert_int_equal(say->n, i);
		parcel_done(&p);
	}
	assert_int_equal(chan_peer_uid(a.chan, &uid, &gid), 0);
	assert_int_equal(uid, getuid());
	end_done(&a);
	wait_close(&b);
	assert_string_equal(b.why, "");
	assert_false(chan_is_open(b.chan));
	end_done(&b);
}

static void
a_call_is_answered(void **state)
{
	(void)state;
	run(call_and_answer);
}

static size_t
open_fds(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
send_large(void *arg)
{
	size_t len = 3 * 1024 * 1024, before;
	char *bytes = calloc(1, len);
	struct say say = {str_n(bytes, len), 0};
	const struct say *got;
	struct end a, b;
	int fds[100];

	(void)arg;
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(i * 7 + i / 1000);
	for (size_t i = 0; i < 100; i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pair_open(&a, &b);
	before = open_fds();
	assert_int_equal(chan_send(a.chan, SAY, 0, &say, fds, 100), 0);
	wait_count(&b, 1);
	got = b.last.value;
	assert_int_equal(got->text.len, len);
	assert_memory_equal(got->text.p, bytes, len);
	assert_int_equal(b.last.nfds, 100);
	for (size_t i = 0; i < 100; i++) {
		struct stat x, y;

		assert_int_equal(fstat(fds[i], &x), 0);
		assert_int_equal(fstat(b.last.fds[i], &y), 0);
		assert_int_equal(x.st_rdev, y.st_rdev);
		assert_true((fcntl(b.last.fds[i], F_GETFD) & FD_CLOEXEC) != 0);
		close(fds[i]);
	}
	parcel_done(&b.last);
	/* The sender's duplicates are gone as well. */
	assert_int_equal(open_fds(), before - 100);
	end_done(&a);
	end_done(&b);
	free(bytes);
}

static void
a_large_parcel_with_many_descriptors(void **state)
{
	(void)state;
	run(send_large);
}

static void
send_more_than_fits(void *arg)
{
	char *bytes = calloc(1, 32 * 1024);
	struct end a, b;

	(void)arg;
	pair_open(&a, &b);
	for (uint64_t i = 0; i < 500; i++) {
		struct say say = {str_n(bytes, 32 * 1024), i};

		assert_int_equal(chan_send(a.chan, SAY, 0, &say, NULL, 0), 0);
	}
	wait_count(&b, 500);
	assert_int_equal(b.sum, 500 * 32 * 1024);
	end_done(&a);
	end_done(&b);
	free(bytes);
}

static void
a_queue_beyond_the_socket_arrives_in_order(void **state)
{
	(void)state;
	run(send_more_than_fits);
}

static void
close_with_queue(void *arg)
{
	char *bytes = calloc(1, 32 * 1024);
	struct end a, b;

	(void)arg;
	pair_open(&a, &b);
	for (uint64_t i = 0; i < 100; i++) {
		struct say say = {str_n(bytes, 32 * 1024), i};

		assert_int_equal(chan_send(a.chan, SAY, 0, &say, NULL, 0), 0);
	}
	end_done(&a);
	wait_count(&b, 100);
	wait_close(&b);
	end_done(&b);
	free(bytes);
}

static void
what_was_queued_goes_out_after_close(void **state)
{
	(void)state;
	run(close_with_queue);
}

static void
overfill(void *arg)
{
	size_t len = 4 * 1024 * 1024;
	char *bytes = calloc(1, len);
	struct say say = {str_n(bytes, len), 0};
	struct end a;
	int fds[2], r = 0;

	(void)arg;
	assert_int_equal(chan_pair(fds), 0);
	end_open(&a, fds[0], &proto);
	for (int i = 0; r == 0 && i < 100; i++)
		r = chan_send(a.chan, SAY, 0, &say, NULL, 0);
	assert_int_equal(r, -EPIPE);
	wait_close(&a);
	assert_string_equal(a.why, "the peer does not read");
	end_done(&a);
	close(fds[1]);
	free(bytes);
}

static void
a_peer_that_does_not_read_is_left(void **state)
{
	(void)state;
	run(overfill);
}

static void
call_late(void *arg)
{
	struct say say = {STR("?"), 0};
	struct end a, b;
	struct parcel p;

	(void)arg;
	pair_open(&a, &b);
	assert_int_equal(chan_call(a.chan, SAY, &say, NULL, 0, &p,
			     clock_after(20 * CLOCK_MS)),
	    -ETIMEDOUT);
	/* The answer comes now, and is for nobody. */
	assert_int_equal(
	    chan_send(b.chan, SAY, b.last.exchange, &say, NULL, 0), 0);
	b.answers = true;
	assert_int_equal(call(&a, 1, "!", &p), 0);
	parcel_done(&p);
	assert_int_equal(a.count, 0);
	end_done(&a);
	end_done(&b);
}

static void
a_late_answer_is_dropped(void **state)
{
	(void)state;
	run(call_late);
}

struct caller {
	struct end *end;
	uint64_t n;
	int result;
};

static void
call_once(void *arg)
{
	struct caller *c = arg;
	struct parcel p;

	c->result = call(c->end, c->n, "?", &p);
	if (c->result == 0)
		parcel_done(&p);
}

static void
leave_in_the_middle(void *arg)
{
	struct end a, b;
	struct caller callers[3] = {{&a, 0, 1}, {&a, 1, 1}, {&a, 2, 1}};

	(void)arg;
	pair_open(&a, &b);
	b.answers = true;
	b.leave_at = 2;
	for (size_t i = 0; i < 3; i++)
		task_start(call_once, &callers[i]);
	wait_close(&a);
	task_yield();
	assert_int_equal(callers[0].result, 0);
	assert_int_equal(callers[1].result, 0);
	assert_int_equal(callers[2].result, -EPIPE);
	end_done(&a);
	end_done(&b);
}

static void
answers_before_a_departure_count(void **state)
{
	(void)state;
	run(leave_in_the_middle);
}

static void
meet_newer(void *arg)
{
	struct end a, b;
	int fds[2];

	(void)arg;
	assert_int_equal(chan_pair(fds), 0);
	end_open(&a, fds[0], &proto);
	end_open(&b, fds[1], &newer);
	wait_close(&a);
	wait_close(&b);
	assert_string_equal(
	    a.why, "the peer speaks another version of the protocol");
	end_done(&a);
	end_done(&b);
}

static void
another_version_ends_it(void **state)
{
	(void)state;
	run(meet_newer);
}

/* A stranger sends anything, in packets of any size. */
static const char *
hear_noise(unsigned seed, bool with_hello)
{
	struct hello_like {
		struct str name;
		uint64_t version;
	} hello = {STR("test"), 1};
	static const struct field fields[] = {
	    SHAPE_LINE(struct hello_like, name, 64),
	    SHAPE_U64(struct hello_like, version, UINT32_MAX),
	};
	static const struct shape shape =
	    SHAPE("hello", struct hello_like, fields);
	struct packet_header h = {.kind = PACKET_HELLO};
	unsigned char head[PACKET_HEADER], noise[300];
	struct end e;
	struct buf b;
	int fds[2];

	assert_int_equal(chan_pair(fds), 0);
	end_open(&e, fds[0], &proto);
	buf_init(&b, 1000);
	packet_put_header(&h, head);
	buf_add(&b, head, sizeof(head));
	shape_encode(&shape, &hello, &b);
	if (with_hello)
		assert_int_equal(write(fds[1], b.p, b.len), b.len);
	for (int i = 0; i < 20 && !e.is_closed; i++) {
		size_t n = 1 + (size_t)rand_r(&seed) % sizeof(noise);

		for (size_t k = 0; k < n; k++)
			noise[k] = (unsigned char)rand_r(&seed);
		if (rand_r(&seed) % 2 == 0) {
			memset(noise, 0, 8);
			noise[1] = PACKET_MORE;
		}
		send(fds[1], noise, n, MSG_NOSIGNAL);
		task_yield();
	}
	close(fds[1]);
	wait_close(&e);
	end_done(&e);
	buf_done(&b);
	return e.why;
}

static void
hear_much_noise(void *arg)
{
	struct end a, b;
	struct parcel p;

	(void)arg;
	pair_open(&a, &b);
	b.answers = true;
	for (unsigned seed = 0; seed < 100; seed++) {
		assert_string_not_equal(hear_noise(seed, seed % 2 == 0), "");
		assert_int_equal(call(&a, seed, "still here", &p), 0);
		parcel_done(&p);
	}
	end_done(&a);
	end_done(&b);
}

static void
noise_ends_its_own_channel_alone(void **state)
{
	(void)state;
	run(hear_much_noise);
}

static void
send_to_a_full_table(void *arg)
{
	struct say say = {STR("take these"), 0};
	struct rlimit old, few;
	struct end a, b;
	int fds[20];

	(void)arg;
	for (size_t i = 0; i < 20; i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pair_open(&a, &b);
	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	few.rlim_cur = (rlim_t)fds[19] + 8;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(chan_send(a.chan, SAY, 0, &say, fds, 20), 0);
	wait_close(&b);
	assert_string_equal(b.why, "a descriptor was lost on the way");
	assert_int_equal(b.count, 0);
	setrlimit(RLIMIT_NOFILE, &old);
	for (size_t i = 0; i < 20; i++)
		close(fds[i]);
	end_done(&a);
	end_done(&b);
}

static void
lost_descriptors_are_noticed(void **state)
{
	size_t before = open_fds();

	(void)state;
	run(send_to_a_full_table);
	assert_true(open_fds() <= before + 2);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_call_is_answered),
    cmocka_unit_test(a_large_parcel_with_many_descriptors),
    cmocka_unit_test(a_queue_beyond_the_socket_arrives_in_order),
    cmocka_unit_test(what_was_queued_goes_out_after_close),
    cmocka_unit_test(a_peer_that_does_not_read_is_left),
    cmocka_unit_test(a_late_answer_is_dropped),
    cmocka_unit_test(answers_before_a_departure_count),
    cmocka_unit_test(another_version_ends_it),
    cmocka_unit_test(noise_ends_its_own_channel_alone),
    cmocka_unit_test(lost_descriptors_are_noticed),
};

TAP_RUN(tests)
