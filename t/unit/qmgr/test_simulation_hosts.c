/* SPDX-License-Identifier: ISC */
/*
 * What doc/schedule.md promises of hosts, shown in simulated time: those that
 * take only so many at a time, or none, or come and go.
 */
#include "letters.h"

/* ---- hosts that take only so many ---- */

static void
test_processes(void **state)
{
	struct schedule_limits limits = usual;
	struct sim sim;

	(void)state;
	limits.processes = 7;
	sim_init(&sim, &limits);
	sim_host(&sim, "a", CLOCK_SEC);
	sim_host(&sim, "b", CLOCK_SEC);
	post_slow(&sim, "a", 100, 0);
	post_slow(&sim, "b", 100, 0);
	check_all_done(&sim, 200);
	assert_int_equal(sim.busiest, 7);
	sim_done(&sim);
}

static void
test_concurrency_grows(void **state)
{
	struct schedule_limits limits = usual;
	struct sim_host *host;
	struct sim sim;

	(void)state;
	sim_init(&sim, &limits);
	host = sim_host(&sim, "a", CLOCK_SEC);
	post_slow(&sim, "a", 500, 0);
	sim_run(&sim, CLOCK_SEC + CLOCK_MS);
	assert_int_equal(host->busiest, 5);
	sim_run(&sim, 2 * CLOCK_SEC + 500 * CLOCK_MS);
	assert_int_equal(host->busiest, 10);
	sim_run(&sim, 3 * CLOCK_SEC + 500 * CLOCK_MS);
	assert_int_equal(host->busiest, 20);
	check_all_done(&sim, 500);
	assert_int_equal(host->busiest, 20);
	sim_done(&sim);
}

/* A host that takes seven at a time and refuses the others, to which mail
 * comes as fast as it goes: what is refused, in percent. */
static size_t
refused(const char *positive, const char *negative)
{
	struct schedule_limits limits = usual;
	struct sim_host *host;
	struct sim sim;
	size_t percent;

	assert_int_equal(
	    feedback_parse(str_c(positive), &limits.pace.positive), 0);
	assert_int_equal(
	    feedback_parse(str_c(negative), &limits.pace.negative), 0);
	limits.pace.cohort = 100;
	sim_init(&sim, &limits);
	host = sim_host(&sim, "a", CLOCK_SEC);
	host->most = 7;
	post_slow(&sim, "a", 5000, 0);
	sim_run(&sim, CLOCK_NEVER);
	assert_int_equal(sim.done, 5000);
	assert_int_equal(host->busiest, 7);
	percent = host->failed * 100 / host->jobs;
	sim_done(&sim);
	return percent;
}

static void
test_concurrency_falls(void **state)
{
	size_t old = refused("1", "1"), gentle = refused("1/concurrency", "1");

	(void)state;
	assert_in_range(old, 40, 60);
	assert_in_range(gentle, 5, 20);
}

static void
test_rate_delay(void **state)
{
	struct schedule_limits limits = usual;
	struct sim_host *host, *other;
	struct sim sim;

	(void)state;
	limits.rate_delay = CLOCK_SEC;
	sim_init(&sim, &limits);
	host = sim_host(&sim, "a", 300 * CLOCK_MS);
	other = sim_host(&sim, "b", 300 * CLOCK_MS);
	post_slow(&sim, "a", 50, 0);
	post_slow(&sim, "b", 50, 0);
	check_all_done(&sim, 100);
	assert_int_equal(host->busiest, 1);
	assert_int_equal(host->shortest_pause, CLOCK_SEC);
	assert_int_equal(other->shortest_pause, CLOCK_SEC);
	/* Each at its own pace: 50 times 1.3 s. */
	assert_in_range(sim.now / CLOCK_SEC, 64, 67);
	sim_done(&sim);
}

/* Where a delivery has one recipient, he is the destination: the rate and the
 * concurrency are his. */
static void
test_rate_of_a_recipient(void **state)
{
	struct schedule_limits limits = usual;
	struct schedule_goal to = {STR("smtp"), STR("h1"), STR("x@h1")},
			     too = {STR("smtp"), STR("h1"), STR("y@h1")};
	struct errand e[3] = {{.index = 0}};
	struct schedule_message m[3] = {{.rank = 0}};
	struct schedule_job jobs[3];
	struct str why;
	struct sim sim;
	int64_t when;

	(void)state;
	limits.recipients = 1;
	limits.rate_delay = CLOCK_SEC;
	sim_init(&sim, &limits);
	schedule_add(sim.schedule, &e[0], &m[0], &to, 0, &why);
	schedule_add(sim.schedule, &e[1], &m[1], &to, 0, &why);
	schedule_add(sim.schedule, &e[2], &m[2], &too, 0, &why);
	assert_true(schedule_next(sim.schedule, 0, &jobs[0], &when));
	assert_true(schedule_next(sim.schedule, 0, &jobs[1], &when));
	assert_ptr_equal(TAILQ_FIRST(&jobs[0].errands), &e[0]);
	assert_ptr_equal(TAILQ_FIRST(&jobs[1].errands), &e[2]);
	assert_str(jobs[1].nexthop, "h1");
	assert_false(schedule_next(sim.schedule, 0, &jobs[2], &when));
	schedule_done(
	    sim.schedule, jobs[0].destination, SCHEDULE_REACHED, STR_NONE, 10);
	assert_false(schedule_next(sim.schedule, 10, &jobs[2], &when));
	assert_int_equal(when, CLOCK_SEC + 10);
	assert_true(schedule_next(sim.schedule, when, &jobs[2], &when));
	schedule_done(sim.schedule, jobs[1].destination, SCHEDULE_REACHED,
	    STR_NONE, CLOCK_SEC + 10);
	schedule_done(sim.schedule, jobs[2].destination, SCHEDULE_REACHED,
	    STR_NONE, CLOCK_SEC + 10);
	sim_done(&sim);
}

/* ---- hosts that take none ---- */

/* MANY messages in the course of an hour for a host that is down: it is tried
 * by one each five minutes, and nobody else notices. */
static void
test_dead(void **state)
{
	struct sim_host *dead;
	struct letters l;
	struct sim sim;

	(void)state;
	sim_init(&sim, &usual);
	dead = sim_host(&sim, "dead", 0);
	dead->is_down = true;
	sim_host(&sim, "quick", 5 * CLOCK_MS);
	post_slow(&sim, "dead", MANY, MANY / 3600);
	post_letters(&sim, &l, NULL);
	check_letters(&sim, &l);
	sim_run(&sim, CLOCK_NEVER);
	assert_int_equal(sim.done, MANY + LETTERS);
	assert_int_equal(sim.deferred, MANY);
	/* At most five at first, and then one a probe. */
	assert_in_range(dead->jobs, 13, 5 + 3700 / 300);
	sim_done(&sim);
}

/* All MANY at once, most of them without room: they hear of it too. */
static void
test_dead_line(void **state)
{
	struct sim_host *dead;
	struct letters l;
	struct sim sim;

	(void)state;
	sim_init(&sim, &usual);
	dead = sim_host(&sim, "dead", 60 * CLOCK_SEC);
	sim_host(&sim, "quick", 5 * CLOCK_MS);
	post_slow(&sim, "dead", MANY, 0);
	post_letters(&sim, &l, NULL);
	sim_run(&sim, 40 * CLOCK_SEC);
	dead->is_down = true;
	check_letters(&sim, &l);
	sim_run(&sim, 200 * CLOCK_SEC);
	assert_int_equal(sim.deferred, MANY - 5);
	sim_run(&sim, CLOCK_NEVER);
	assert_int_equal(sim.done, MANY + LETTERS);
	sim_done(&sim);
}

static void
test_alive_again(void **state)
{
	struct sim_host *host;
	struct sim sim;

	(void)state;
	sim_init(&sim, &usual);
	host = sim_host(&sim, "a", CLOCK_SEC);
	host->is_down = true;
	post_slow(&sim, "a", 100, 0);
	sim_run(&sim, 100 * CLOCK_SEC);
	assert_int_equal(sim.deferred, 100);
	host->is_down = false;
	for (size_t i = 0; i < 100; i++)
		sim_post(&sim, 400 * CLOCK_SEC, "a", 1);
	sim_run(&sim, CLOCK_NEVER);
	assert_int_equal(sim.done, 200);
	/* What came with the probe or after it is delivered. */
	assert_int_equal(sim.deferred, 100);
	sim_done(&sim);
}

/* ---- anything ---- */

static struct sim_message *
post_random(struct sim *sim, int64_t at)
{
	static const char *const hosts[] = {
	    "a", "b", "c", "d", "e", "f", "h*", "slow"};
	size_t n = rand() % 4 == 0 ? 1 + (size_t)rand() % 60 : 1;
	const char *host = hosts[(size_t)rand() % 8];

	if (rand() % 3 == 0)
		return sim_post_both(sim, at, host, hosts[(size_t)rand() % 8]);
	return sim_post(sim, at, host, n);
}

/* Little room, hosts that come and go, mailings of all sizes: all that came
 * ends, and nothing of it is left. */
static void
run_random(unsigned seed)
{
	struct schedule_limits limits = usual;
	struct sim_host *host[6];
	struct sim sim;
	size_t n = 0;

	srand(seed);
	limits.recipients = 1 + (unsigned)rand() % 4;
	limits.errands = 30 + (size_t)rand() % 100;
	limits.processes = 5 + (unsigned)rand() % 20;
	limits.rate_delay = rand() % 3 == 0 ? CLOCK_MS : 0;
	sim_init(&sim, &limits);
	sim.room.messages_max = 10 + (size_t)rand() % 50;
	sim.room.recipients_max = 100 + (size_t)rand() % 200;
	for (size_t i = 0; i < 6; i++)
		host[i] = sim_host(&sim,
		    (const char *const[]){"a", "b", "c", "d", "e", "f"}[i],
		    rand() % 100 * CLOCK_MS);
	sim_host(&sim, "h*", 30 * CLOCK_MS);
	sim_host(&sim, "slow", 2 * CLOCK_SEC);
	host[0]->most = 3;
	for (size_t i = 0; i < 1000; i++)
		n += post_random(&sim, rand() % 20000 * CLOCK_MS)->n;
	for (int64_t t = 1; t < 25; t++) {
		host[1]->is_down = rand() % 2 == 0;
		host[2]->is_down = rand() % 5 == 0;
		sim_run(&sim, t * CLOCK_SEC);
		assert_true(sim.room.messages <= sim.room.messages_max);
		assert_true(sim.busy <= limits.processes);
	}
	sim_run(&sim, CLOCK_NEVER);
	assert_int_equal(sim.done, n);
	assert_int_equal(sim.room.messages, 0);
	assert_int_equal(sim.room.recipients, 0);
	assert_int_equal(schedule_errands(sim.schedule), 0);
	assert_int_equal(schedule_busy(sim.schedule), 0);
	sim_done(&sim); /* which asserts that nobody stands in a line */
}

static void
test_anything(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 50; seed++)
		run_random(seed);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_processes),
    cmocka_unit_test(test_concurrency_grows),
    cmocka_unit_test(test_concurrency_falls),
    cmocka_unit_test(test_rate_delay),
    cmocka_unit_test(test_rate_of_a_recipient),
    cmocka_unit_test(test_dead),
    cmocka_unit_test(test_dead_line),
    cmocka_unit_test(test_alive_again),
    cmocka_unit_test(test_anything),
};

TAP_RUN(tests)
