/* SPDX-License-Identifier: ISC */
/* Requests that wait, that are answered at once, and whose asker leaves. */
#include "tap.h"

#include "base/requests.h"

struct number {
	uint64_t n;
};
static const struct field number_fields[] = {
    SHAPE_U64(struct number, n, 1000),
};
static const struct shape ask_shape =
    SHAPE("ask", struct number, number_fields);
static const struct shape told_shape =
    SHAPE("told", struct number, number_fields);
static const struct field leaving_fields[] = {
    SHAPE_U64(struct requests_leaving, open, 1000),
};
static const struct shape leaving_shape =
    SHAPE("leaving", struct requests_leaving, leaving_fields);
static const struct shape *const shapes[] = {
    &ask_shape, &told_shape, &leaving_shape};
static const struct protocol protocol = {"test", 1, shapes, 3};
enum kind {
	ASK,
	TOLD,
	LEAVING
};

static struct task_queue gate;

/* Odd numbers wait at the gate; the answer is one more. */
static void
carry_out(struct asked *q, void *arg)
{
	const struct number *asked = q->parcel.value;
	struct number told = {asked->n + 1};

	assert_ptr_equal(arg, &gate);
	if (asked->n % 2 == 1)
		task_wait(&gate, CLOCK_NEVER);
	assert_int_equal(requests_answer(q, TOLD, &told), 0);
}

static bool
answer_at_once(struct chan *c, struct parcel *p, void *arg)
{
	const struct number *asked = p->value;
	struct number told = {500};

	(void)arg;
	if (asked->n < 100)
		return false;
	assert_int_equal(chan_send(c, TOLD, p->exchange, &told, NULL, 0), 0);
	return true;
}

static struct requests requests = {
    .proto = &protocol,
    .kind = ASK,
    .carry_out = carry_out,
    .at_once = answer_at_once,
    .arg = &gate,
};

static uint64_t
call(struct chan *c, uint64_t n)
{
	const struct number ask = {n}, *told;
	struct parcel answer;
	uint64_t result;

	assert_int_equal(chan_call(c, ASK, &ask, NULL, 0, &answer,
			     clock_after(10 * CLOCK_SEC)),
	    0);
	told = answer.value;
	result = told->n;
	parcel_done(&answer);
	return result;
}

static void
open_gate(void *arg)
{
	(void)arg;
	task_sleep(clock_after(10 * CLOCK_MS));
	task_wake_all(&gate);
}

static size_t leavings;

static void
hear_leaving(struct chan *c, struct parcel *p, void *arg)
{
	(void)c;
	(void)arg;
	if (p->kind != LEAVING)
		return; /* the answer */
	assert_int_equal(p->exchange, 0);
	assert_int_equal(((const struct requests_leaving *)p->value)->open, 1);
	leavings++;
}

static void
close_client(void *arg)
{
	task_wake_all(&gate);
	task_sleep(clock_after(10 * CLOCK_MS));
	chan_close(arg);
}

/* Clients are told, once; who leaves stays until they have gone. */
static void
leave(void)
{
	static const struct chan_events events = {hear_leaving, NULL};
	const struct number one = {1};
	struct chan *c;
	int fds[2];

	requests.leaving = LEAVING;
	assert_int_equal(chan_pair(fds), 0);
	requests_linked(&requests, fds[0]);
	c = chan_new(fds[1], &protocol, &events, NULL);
	assert_int_equal(chan_send(c, ASK, 7, &one, NULL, 0), 0);
	assert_int_equal(call(c, 10), 11);
	assert_int_equal(leavings, 0);
	task_start(close_client, &c);
	assert_int_equal(requests_wait(&requests), 0);
	assert_int_equal(requests.open, 0);
	assert_int_equal(leavings, 1);
	assert_null(c);
}

static void
run(void *arg)
{
	const struct number one = {1};
	struct chan *c;
	int fds[2];

	(void)arg;
	assert_int_equal(chan_pair(fds), 0);
	requests_linked(&requests, fds[0]);
	c = chan_new(fds[1], &protocol, NULL, NULL);
	assert_int_equal(chan_send(c, ASK, 7, &one, NULL, 0), 0);
	assert_int_equal(call(c, 10), 11); /* while the first waits */
	assert_int_equal(call(c, 200), 500);
	assert_int_equal(requests.open, 1);
	chan_close(&c);
	task_start(open_gate, NULL);
	assert_int_equal(requests_wait(&requests), 0);
	assert_int_equal(requests.open, 0);
	leave();
	loop_stop();
}

static void
test_requests(void **state)
{
	(void)state;
	task_queue_init(&gate);
	assert_int_equal(loop_init(), 0);
	task_start(run, NULL);
	loop_run();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_requests),
};

TAP_RUN(tests)
