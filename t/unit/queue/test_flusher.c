/* SPDX-License-Identifier: ISC */
/* Jobs run elsewhere, in order, and end here; no lane starves the other. */
#include "tap.h"

#include "mail/queue/flusher.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define JOBS 1000

struct note {
	struct flusher_job job;
	int number;
	enum flusher_lane lane;
};

static int ran[FLUSHER_LANES], ended[FLUSHER_LANES], order[2 * JOBS];
static int nran;

static int
run(struct flusher_job *job)
{
	struct note *n = (struct note *)job;

	if (ran[n->lane]++ != n->number)
		return -EINVAL; /* out of order */
	order[nran++] = n->lane;
	return n->number % 7 == 0 ? -EIO : 0;
}

static void
done(struct flusher_job *job, int error)
{
	struct note *n = (struct note *)job;

	assert_int_equal(error, n->number % 7 == 0 ? -EIO : 0);
	assert_int_equal(n->number, ended[n->lane]);
	ended[n->lane]++;
	free(n);
}

static void
submit(struct flusher *f, enum flusher_lane lane, int number)
{
	struct note *n = calloc(1, sizeof(*n));

	n->number = number;
	n->lane = lane;
	flusher_submit(f, lane, &n->job, run, done);
}

static void
run_all(bool threaded)
{
	struct flusher *f = flusher_new(threaded);

	assert_non_null(f);
	nran = 0;
	for (int i = 0; i < FLUSHER_LANES; i++)
		ran[i] = ended[i] = 0;
	for (int i = 0; i < JOBS; i++) {
		submit(f, FLUSHER_FAST, i);
		submit(f, FLUSHER_SLOW, i);
		if (i % 10 == 0)
			flusher_collect(f);
	}
	while (flusher_wait(f))
		;
	assert_int_equal(ended[FLUSHER_FAST], JOBS);
	assert_int_equal(ended[FLUSHER_SLOW], JOBS);
	flusher_free(&f);
}

static void
test_threaded(void **state)
{
	(void)state;
	run_all(true);
}

static void
test_here(void **state)
{
	(void)state;
	run_all(false);
	for (int i = 0; i < 20; i++) /* they take turns */
		assert_int_equal(order[2 + i], i % 2);
}

static void
test_tells_by_descriptor(void **state)
{
	struct flusher *f = flusher_new(true);
	struct pollfd p = {.fd = flusher_fd(f), .events = POLLIN};

	(void)state;
	ran[FLUSHER_FAST] = ended[FLUSHER_FAST] = nran = 0;
	assert_int_equal(poll(&p, 1, 0), 0);
	submit(f, FLUSHER_FAST, 0);
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_true(flusher_collect(f));
	assert_int_equal(ended[FLUSHER_FAST], 1);
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_false(flusher_collect(f));
	assert_false(flusher_wait(f));
	flusher_free(&f);
}

/* What was submitted is done before it is gone. */
static void
test_free_waits(void **state)
{
	struct flusher *f = flusher_new(true);

	(void)state;
	ran[FLUSHER_SLOW] = ended[FLUSHER_SLOW] = nran = 0;
	for (int i = 0; i < 100; i++)
		submit(f, FLUSHER_SLOW, i);
	flusher_free(&f);
	assert_int_equal(ended[FLUSHER_SLOW], 100);
}

/* A brief job: where it ran, and for how long. */
static pthread_t ran_on;
static useconds_t sleeps;

static int
run_brief(struct flusher_job *job)
{
	(void)job;
	ran_on = pthread_self();
	return sleeps > 0 ? usleep(sleeps) : 0;
}

static void
done_brief(struct flusher_job *job, int error)
{
	(void)job;
	assert_int_equal(error, 0);
}

/* True when it ran here. */
static bool
run_one_brief(struct flusher *f)
{
	struct flusher_job job;
	bool is_due;

	flusher_submit_brief(f, &job, run_brief, done_brief);
	is_due = flusher_is_due(f);
	assert_true(flusher_wait(f));
	assert_false(flusher_is_due(f));
	assert_int_equal(pthread_equal(ran_on, pthread_self()) != 0, is_due);
	return is_due;
}

static void
test_brief(void **state)
{
	struct flusher *f = flusher_new(true);
	int n = 0;

	(void)state;
	assert_false(run_one_brief(f)); /* nothing is known yet */
	while (!run_one_brief(f) && ++n < 1000)
		;
	assert_in_range(n, 1, 999);
	sleeps = 20 * 1000;
	while (run_one_brief(f) && ++n < 1000)
		; /* the machine slept once */
	assert_false(run_one_brief(f));
	sleeps = 0;
	flusher_free(&f);
}

/* What was submitted before it, to the thread, runs before it. */
static void
test_brief_keeps_its_turn(void **state)
{
	struct flusher *f = flusher_new(true);
	struct flusher_job job;
	int n = 0;

	(void)state;
	while (!run_one_brief(f) && ++n < 1000)
		;
	ran[FLUSHER_FAST] = ended[FLUSHER_FAST] = nran = 0;
	submit(f, FLUSHER_FAST, 0);
	flusher_submit_brief(f, &job, run_brief, done_brief);
	assert_false(flusher_is_due(f));
	while (flusher_wait(f))
		;
	assert_int_equal(ended[FLUSHER_FAST], 1);
	flusher_free(&f);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_threaded),
    cmocka_unit_test(test_here),
    cmocka_unit_test(test_tells_by_descriptor),
    cmocka_unit_test(test_free_waits),
    cmocka_unit_test(test_brief),
    cmocka_unit_test(test_brief_keeps_its_turn),
};

TAP_RUN(tests)
