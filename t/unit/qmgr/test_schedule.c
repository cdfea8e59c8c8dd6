/* SPDX-License-Identifier: ISC */
/* The schedule by simulation: hosts that take their time, or do not answer,
 * and a clock that is a number. */
#include "tap.h"

#include "base/clock.h"
#include "schedule.h"

#include <stdlib.h>
#include <string.h>

struct world {
	struct schedule *schedule;
	struct schedule_limits limits;
	struct schedule_room room;
	size_t suspended;
	char why[64];
	int64_t now;
};

static void
give_limits(void *arg, struct str transport, struct schedule_limits *ret)
{
	struct world *w = arg;

	(void)transport;
	*ret = w->limits;
}

static void
note_suspended(
    void *arg, struct schedule_message *m, struct errand *e, struct str why)
{
	struct world *w = arg;

	assert_non_null(m);
	assert_null(e->mailing);
	snprintf(w->why, sizeof(w->why), "%.*s", STR_ARG(why));
	w->suspended++;
}

static void
init_world(struct world *w, struct schedule_limits limits)
{
	struct schedule_events events = {
	    .limits = give_limits, .suspended = note_suspended, .arg = w};

	*w = (struct world){
	    .limits = limits,
	    .room = {.messages_max = SIZE_MAX, .recipients_max = SIZE_MAX},
	    .now = CLOCK_SEC,
	};
	w->schedule = schedule_new(&events, &w->room);
}

static enum schedule_answer
ask(struct world *w, struct errand *e, struct schedule_message *m,
    const char *transport, const char *host)
{
	struct schedule_goal to = {
	    .transport = str_c(transport),
	    .nexthop = str_c(host),
	    .recipient = str_c(host),
	};
	struct str why = STR_NONE;
	enum schedule_answer answer =
	    schedule_add(w->schedule, e, m, &to, w->now, &why);

	snprintf(w->why, sizeof(w->why), "%.*s", STR_ARG(why));
	return answer;
}

static bool
add(struct world *w, struct errand *e, struct schedule_message *m,
    const char *host)
{
	return ask(w, e, m, "smtp", host) == SCHEDULE_TAKEN;
}

static bool
next(struct world *w, struct schedule_job *job)
{
	int64_t when;

	return schedule_next(w->schedule, w->now, job, &when);
}

static void
done(struct world *w, const struct schedule_job *job,
    enum schedule_result result)
{
	schedule_done(
	    w->schedule, job->destination, result, STR("no route"), w->now);
}

static const struct schedule_limits usual = {
    .pace = {5, 20, 1, {1, FEEDBACK_EACH}, {1, FEEDBACK_EACH}},
    .recipients = 50,
    .probe_after = 300 * CLOCK_SEC,
};

static void
test_recipients_share_a_job(void **state)
{
	struct errand e[120] = {0};
	struct schedule_job job;
	struct world w;
	struct schedule_message message = {0};

	(void)state;
	init_world(&w, usual);
	for (size_t i = 0; i < 120; i++)
		assert_true(add(&w, &e[i], &message, "a"));
	assert_true(next(&w, &job));
	assert_int_equal(job.count, 50);
	assert_str(job.nexthop, "a");
	assert_ptr_equal(job.message, &message);
	done(&w, &job, SCHEDULE_REACHED);
	assert_true(next(&w, &job));
	done(&w, &job, SCHEDULE_REACHED);
	assert_true(next(&w, &job));
	assert_int_equal(job.count, 20);
	done(&w, &job, SCHEDULE_REACHED);
	assert_false(next(&w, &job));
	assert_int_equal(schedule_destinations(w.schedule), 0);
	schedule_free(&w.schedule);
}

/* One letter beside a mailing of thousands to the same host. */
static void
test_mailings_take_turns(void **state)
{
	struct errand *big = calloc(5000, sizeof(*big)), one = {0};
	struct schedule_job job;
	struct world w;
	struct schedule_message mailing = {0}, letter = {0};
	int jobs = 0;
	bool seen = false;

	(void)state;
	init_world(&w, usual);
	for (size_t i = 0; i < 5000; i++)
		add(&w, &big[i], &mailing, "a");
	add(&w, &one, &letter, "a");
	while (!seen) {
		assert_true(next(&w, &job));
		seen = job.message == &letter;
		jobs++;
		done(&w, &job, SCHEDULE_REACHED);
	}
	assert_true(jobs <= 2);
	while (next(&w, &job))
		done(&w, &job, SCHEDULE_REACHED);
	assert_int_equal(schedule_errands(w.schedule), 0);
	schedule_free(&w.schedule);
	free(big);
}

static size_t
give_all(struct world *w, struct schedule_job *jobs)
{
	size_t n = 0;

	while (next(w, &jobs[n]))
		n++;
	return n;
}

static void
test_concurrency_grows_and_falls(void **state)
{
	struct errand *e = calloc(2000, sizeof(*e));
	struct schedule_message *m = calloc(2000, sizeof(*m));
	struct schedule_limits limits = usual;
	struct schedule_job jobs[64];
	struct world w;
	size_t n = 0;

	(void)state;
	limits.pace.cohort = 0;
	init_world(&w, limits);
	for (size_t i = 0; i < 2000; i++)
		add(&w, &e[i], &m[i], "a");
	for (int round = 0; round < 40; round++) {
		n = give_all(&w, jobs);
		for (size_t i = 0; i < n; i++)
			done(&w, &jobs[i], SCHEDULE_REACHED);
	}
	assert_int_equal(n, 20);
	for (int round = 0; round < 10; round++) {
		n = give_all(&w, jobs);
		for (size_t i = 0; i < n; i++)
			done(&w, &jobs[i], SCHEDULE_FAILED);
	}
	assert_int_equal(give_all(&w, jobs), 1);
	done(&w, &jobs[0], SCHEDULE_REACHED);
	while ((n = give_all(&w, jobs)) > 0)
		while (n-- > 0)
			done(&w, &jobs[n], SCHEDULE_UNKNOWN);
	schedule_free(&w.schedule);
	free(e);
	free(m);
}

/* A dead host costs one probe each time one is due. */
static void
test_dead_destination(void **state)
{
	struct errand *e = calloc(1000, sizeof(*e)), late = {0}, more = {0};
	struct schedule_message *m = calloc(1000, sizeof(*m)), mine = {0},
				other = {0};
	struct schedule_job jobs[64];
	struct world w;
	size_t n;

	(void)state;
	init_world(&w, usual);
	for (size_t i = 0; i < 1000; i++)
		add(&w, &e[i], &m[i], "a");
	n = give_all(&w, jobs);
	assert_int_equal(n, 5);
	while (n-- > 0)
		done(&w, &jobs[n], SCHEDULE_FAILED);
	assert_int_equal(w.suspended, 995);
	assert_string_equal(w.why, "no route");
	assert_int_equal(ask(&w, &late, &mine, "smtp", "a"), SCHEDULE_DEAD);
	assert_string_equal(w.why, "no route");
	w.now += 301 * CLOCK_SEC;
	assert_true(add(&w, &late, &mine, "a"));
	assert_true(add(&w, &more, &other, "a"));
	assert_int_equal(give_all(&w, jobs), 1); /* the probe alone */
	done(&w, &jobs[0], SCHEDULE_FAILED);
	assert_int_equal(w.suspended, 996);
	assert_false(add(&w, &late, &mine, "a"));
	w.now += 301 * CLOCK_SEC;
	assert_true(add(&w, &late, &mine, "a"));
	assert_int_equal(give_all(&w, jobs), 1);
	done(&w, &jobs[0], SCHEDULE_REACHED); /* it lives */
	for (size_t i = 0; i < 10; i++)
		assert_true(add(&w, &e[i], &m[i], "a"));
	n = give_all(&w, jobs);
	assert_true(n >= 5);
	while (n-- > 0)
		done(&w, &jobs[n], SCHEDULE_REACHED);
	while ((n = give_all(&w, jobs)) > 0)
		while (n-- > 0)
			done(&w, &jobs[n], SCHEDULE_REACHED);
	assert_int_equal(schedule_destinations(w.schedule), 0);
	schedule_free(&w.schedule);
	free(e);
	free(m);
}

static void
test_rate_and_processes(void **state)
{
	struct errand e[10] = {0};
	struct schedule_message m[10] = {0};
	struct schedule_limits limits = usual;
	struct schedule_job job, other;
	struct world w;
	int64_t when;

	(void)state;
	limits.rate_delay = CLOCK_SEC;
	init_world(&w, limits);
	add(&w, &e[0], &m[0], "a");
	add(&w, &e[1], &m[1], "a");
	assert_true(next(&w, &job));
	assert_false(schedule_next(w.schedule, w.now, &other, &when));
	w.now += 5 * CLOCK_SEC; /* the job took longer than the pause is */
	done(&w, &job, SCHEDULE_REACHED);
	assert_false(schedule_next(w.schedule, w.now, &other, &when));
	assert_int_equal(when, w.now + CLOCK_SEC);
	w.now += CLOCK_SEC;
	assert_true(next(&w, &other));
	done(&w, &other, SCHEDULE_REACHED);
	schedule_free(&w.schedule);

	limits.rate_delay = 0;
	limits.processes = 1;
	init_world(&w, limits);
	add(&w, &e[0], &m[0], "a");
	add(&w, &e[1], &m[1], "b");
	assert_true(next(&w, &job));
	assert_false(next(&w, &other));
	done(&w, &job, SCHEDULE_REACHED);
	assert_true(next(&w, &other));
	done(&w, &other, SCHEDULE_REACHED);
	schedule_free(&w.schedule);
}

/* A transport's pause is between all its jobs, one at a time, and holds up no
 * other transport. */
static void
test_transport_pause(void **state)
{
	struct errand e[3] = {0}, other = {0};
	struct schedule_message m[3] = {0}, mine = {0};
	struct schedule_limits limits = usual;
	struct schedule_job job;
	struct world w;
	int64_t when;

	(void)state;
	limits.pause = 3 * CLOCK_SEC;
	init_world(&w, limits);
	add(&w, &e[0], &m[0], "a");
	add(&w, &e[1], &m[1], "a");
	add(&w, &e[2], &m[2], "b");
	for (int i = 0; i < 3; i++) {
		assert_true(next(&w, &job));
		assert_false(schedule_next(w.schedule, w.now, &job, &when));
		w.now += CLOCK_SEC;
		done(&w, &job, SCHEDULE_REACHED);
		if (i == 2)
			break;
		assert_false(schedule_next(w.schedule, w.now, &job, &when));
		assert_int_equal(when, w.now + 3 * CLOCK_SEC);
		w.now = when;
	}
	assert_int_equal(ask(&w, &other, &mine, "relay", "c"), SCHEDULE_TAKEN);
	assert_true(next(&w, &job));
	assert_str(job.transport, "relay");
	done(&w, &job, SCHEDULE_REACHED);
	schedule_free(&w.schedule);
}

static void
test_remove(void **state)
{
	struct errand e[3] = {0};
	struct schedule_message m = {0};
	struct schedule_job job;
	struct world w;

	(void)state;
	init_world(&w, usual);
	for (size_t i = 0; i < 3; i++)
		add(&w, &e[i], &m, "a");
	schedule_remove(w.schedule, &e[1], w.now);
	assert_true(next(&w, &job));
	assert_int_equal(job.count, 2);
	done(&w, &job, SCHEDULE_REACHED);
	add(&w, &e[0], &m, "a");
	schedule_remove(w.schedule, &e[0], w.now);
	schedule_remove(w.schedule, &e[0], w.now);
	assert_false(next(&w, &job));
	assert_int_equal(schedule_destinations(w.schedule), 0);
	schedule_free(&w.schedule);
}

/* Ten thousand random steps; what was added comes out once. */
static void
test_random_steps(void **state)
{
	struct schedule_limits limits = usual;
	struct errand *e = calloc(3000, sizeof(*e));
	struct schedule_message *m = calloc(3000, sizeof(*m));
	struct schedule_job jobs[256];
	struct world w;
	size_t njobs = 0, added = 0, out = 0, n;
	char host[8];

	(void)state;
	srand(7);
	limits.recipients = 3;
	limits.rate_delay = CLOCK_MS;
	init_world(&w, limits);
	for (int step = 0; step < 10000; step++) {
		w.now += rand() % (int)CLOCK_MS;
		if (rand() % 2 == 0 && added < 3000) {
			snprintf(host, sizeof(host), "h%d", rand() % 20);
			if (add(&w, &e[added], &m[added / 4 * 4], host))
				added++;
		}
		if (rand() % 2 == 0 && njobs < 200 && next(&w, &jobs[njobs]))
			out += jobs[njobs++].count;
		if (rand() % 3 == 0 && njobs > 0) {
			n = (size_t)rand() % njobs;
			done(&w, &jobs[n],
			    (enum schedule_result)(rand() % 9 == 0));
			jobs[n] = jobs[--njobs];
		}
		assert_int_equal(
		    out + w.suspended + schedule_errands(w.schedule), added);
		assert_int_equal(schedule_busy(w.schedule), njobs);
	}
	for (int i = 0;
	     i < 100000 && (njobs > 0 || schedule_errands(w.schedule)); i++) {
		w.now += CLOCK_SEC;
		while (njobs > 0)
			done(&w, &jobs[--njobs], SCHEDULE_REACHED);
		while (njobs < 200 && next(&w, &jobs[njobs]))
			out += jobs[njobs++].count;
	}
	assert_int_equal(out + w.suspended, added);
	schedule_free(&w.schedule);
	free(e);
	free(m);
}

static void
test_view(void **state)
{
	struct errand e[7] = {0};
	struct schedule_message m[7] = {0};
	struct schedule_job jobs[64];
	struct schedule_view v;
	struct world w;
	size_t n, at = 0;

	(void)state;
	init_world(&w, usual);
	assert_false(schedule_see(w.schedule, &at, &v));
	for (size_t i = 0; i < 7; i++)
		add(&w, &e[i], &m[i], "a");
	n = give_all(&w, jobs);
	assert_int_equal(n, 5);
	at = 0;
	assert_true(schedule_see(w.schedule, &at, &v));
	assert_str(v.transport, "smtp");
	assert_str(v.nexthop, "a");
	assert_int_equal(v.errands, 2);
	assert_int_equal(v.busy, 5);
	assert_int_equal(v.window, 5);
	assert_false(v.is_dead);
	assert_str(v.why, "");
	assert_false(schedule_see(w.schedule, &at, &v));
	while (n-- > 0)
		done(&w, &jobs[n], SCHEDULE_FAILED);
	at = 0;
	assert_true(schedule_see(w.schedule, &at, &v));
	assert_true(v.is_dead);
	assert_int_equal(v.errands, 0);
	assert_int_equal(v.window, 1);
	assert_int_equal(v.next_at, w.now + 300 * CLOCK_SEC);
	assert_str(v.why, "no route");
	schedule_free(&w.schedule);
}

/* The last eighth of the memory: one message for whoever has none there. */
static void
test_last_room(void **state)
{
	struct errand e[3] = {0};
	struct schedule_message m[3] = {0};
	struct schedule_job job;
	struct world w;

	(void)state;
	init_world(&w, usual);
	w.room.messages_max = 80;
	w.room.messages = 75;
	assert_int_equal(ask(&w, &e[0], &m[0], "smtp", "a"), SCHEDULE_TAKEN);
	assert_int_equal(ask(&w, &e[1], &m[1], "smtp", "a"), SCHEDULE_FULL);
	assert_int_equal(ask(&w, &e[2], &m[2], "smtp", "b"), SCHEDULE_TAKEN);
	assert_null(schedule_call(w.schedule));
	assert_true(next(&w, &job));
	done(&w, &job, SCHEDULE_REACHED);
	assert_ptr_equal(schedule_call(w.schedule), &m[1]);
	schedule_forget(w.schedule, &m[1], w.now);
	assert_true(next(&w, &job));
	done(&w, &job, SCHEDULE_REACHED);
	schedule_free(&w.schedule);
}

/* Who hears that a host is dead has his own time from then on. */
static void
test_no_ticket_for_the_dead(void **state)
{
	struct errand e[2] = {0};
	struct schedule_message m[2] = {0};
	struct schedule_limits limits = usual;
	struct schedule_job job;
	struct world w;

	(void)state;
	limits.pace.initial = 1;
	init_world(&w, limits);
	w.room.messages_max = 80;
	w.room.messages = 75;
	assert_true(add(&w, &e[0], &m[0], "a"));
	assert_int_equal(ask(&w, &e[1], &m[1], "smtp", "a"), SCHEDULE_FULL);
	assert_true(next(&w, &job));
	done(&w, &job, SCHEDULE_FAILED);
	assert_int_equal(ask(&w, &e[1], &m[1], "smtp", "a"), SCHEDULE_DEAD);
	assert_null(schedule_call(w.schedule));
	schedule_free(&w.schedule);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_recipients_share_a_job),
    cmocka_unit_test(test_mailings_take_turns),
    cmocka_unit_test(test_concurrency_grows_and_falls),
    cmocka_unit_test(test_dead_destination),
    cmocka_unit_test(test_rate_and_processes),
    cmocka_unit_test(test_transport_pause),
    cmocka_unit_test(test_remove),
    cmocka_unit_test(test_random_steps),
    cmocka_unit_test(test_view),
    cmocka_unit_test(test_last_room),
    cmocka_unit_test(test_no_ticket_for_the_dead),
};

TAP_RUN(tests)
