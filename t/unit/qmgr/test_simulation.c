/* SPDX-License-Identifier: ISC */
/*
 * What doc/schedule.md promises, shown in simulated time: mail to quick hosts
 * beside 100,000 messages to slow ones, letters beside mailings, hosts that
 * take only so many at a time, or none.
 */
#include "tap.h"

#include "sim.h"

#include <stdlib.h>

#define MANY 100000

static const struct schedule_limits usual = {
    .pace = {5, 20, 1, {1, FEEDBACK_EACH}, {1, FEEDBACK_EACH}},
    .recipients = 50,
    .processes = 100,
    .errands = 50000,
    .probe_after = 300 * CLOCK_SEC,
};

/* ---- letters, one every tenth of a second, and the slowest of them ---- */

#define LETTERS 600

struct letters {
	struct sim_message *all[LETTERS];
	size_t recipient; /* which of each one's */
};

static void
post_letters(struct sim *sim, struct letters *l, const char *slow)
{
	l->recipient = slow != NULL ? 1 : 0;
	for (size_t i = 0; i < LETTERS; i++) {
		int64_t at = (int64_t)i * CLOCK_SEC / 10 + 7 * CLOCK_MS;

		l->all[i] = slow == NULL
		                ? sim_post(sim, at, "quick", 1)
		                : sim_post_both(sim, at, slow, "quick");
	}
}

static int64_t
slowest(const struct letters *l)
{
	int64_t most = 0, done;

	for (size_t i = 0; i < LETTERS; i++) {
		done = l->all[i]->errands[l->recipient].done;
		if (done < 0)
			return CLOCK_NEVER;
		if (done > most)
			most = done;
	}
	return most;
}

/* MANY messages to each of `n` slow hosts, `rate` a second; 0: they were there
 * before, and qmgr has just started. */
static void
post_slow(struct sim *sim, const char *host, size_t n, int64_t rate)
{
	for (size_t i = 0; i < n; i++)
		sim_post(sim,
		    rate == 0 ? -CLOCK_SEC : (int64_t)i * CLOCK_SEC / rate,
		    host, 1);
}

static void
check_letters(struct sim *sim, const struct letters *l)
{
	sim_run(sim, 65 * CLOCK_SEC);
	assert_true(slowest(l) < CLOCK_SEC);
	assert_true(sim->most_messages <= sim->room.messages_max);
}

static void
check_all_done(struct sim *sim, size_t n)
{
	sim_run(sim, CLOCK_NEVER);
	assert_int_equal(sim->done, n);
	assert_int_equal(sim->deferred, 0);
	assert_int_equal(schedule_errands(sim->schedule), 0);
	assert_int_equal(schedule_destinations(sim->schedule), 0);
	assert_int_equal(sim->room.messages, 0);
}

/* 100,000 messages come for a host that takes ten seconds for each. */
static void
test_one_slow(void **state)
{
	struct letters l;
	struct sim sim;

	(void)state;
	sim_init(&sim, &usual);
	sim_host(&sim, "slow", 10 * CLOCK_SEC);
	sim_host(&sim, "quick", 5 * CLOCK_MS);
	post_slow(&sim, "slow", MANY, 5000);
	post_letters(&sim, &l, NULL);
	check_letters(&sim, &l);
	check_all_done(&sim, MANY + LETTERS);
	sim_done(&sim);
}

/* They were all there when qmgr started. */
static void
test_restart(void **state)
{
	struct letters l;
	struct sim sim;

	(void)state;
	sim_init(&sim, &usual);
	sim_host(&sim, "slow", 10 * CLOCK_SEC);
	sim_host(&sim, "quick", 5 * CLOCK_MS);
	post_slow(&sim, "slow", MANY, 0);
	post_letters(&sim, &l, NULL);
	check_letters(&sim, &l);
	check_all_done(&sim, MANY + LETTERS);
	sim_done(&sim);
}

/* Letters that go to the slow host as well: its recipient waits, the other
 * does not. */
static void
test_recipients_at_both(void **state)
{
	struct letters l;
	struct sim sim;

	(void)state;
	sim_init(&sim, &usual);
	sim_host(&sim, "slow", CLOCK_SEC);
	sim_host(&sim, "quick", 5 * CLOCK_MS);
	post_slow(&sim, "slow", MANY, 0);
	post_letters(&sim, &l, "slow");
	check_letters(&sim, &l);
	assert_true(l.all[0]->errands[0].done < 0);
	check_all_done(&sim, MANY + 2 * LETTERS);
	assert_true(l.all[0]->errands[0].done > 4000 * CLOCK_SEC);
	sim_done(&sim);
}

/* A message that waits at two slow hosts goes where there is room first. */
static void
test_two_lines(void **state)
{
	struct sim_message *m;
	struct sim sim;

	(void)state;
	sim_init(&sim, &usual);
	sim_host(&sim, "slow", 10 * CLOCK_SEC);
	sim_host(&sim, "other", CLOCK_SEC);
	post_slow(&sim, "slow", MANY, 0);
	post_slow(&sim, "other", MANY, 0);
	m = sim_post_both(&sim, 0, "slow", "other");
	check_all_done(&sim, 2 * MANY + 2);
	assert_true(m->errands[0].done > 49000 * CLOCK_SEC);
	assert_true(m->errands[1].done > 4900 * CLOCK_SEC);
	assert_true(m->errands[1].done < 5200 * CLOCK_SEC);
	sim_done(&sim);
}

/* Twenty slow hosts, more jobs than the transport may have together. */
static void
test_many_slow(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g",
	    "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"};
	struct letters l;
	struct sim sim;

	(void)state;
	sim_init(&sim, &usual);
	for (size_t i = 0; i < 20; i++) {
		sim_host(&sim, names[i], 10 * CLOCK_SEC);
		post_slow(&sim, names[i], MANY / 20, i % 2 * 1000);
	}
	sim_host(&sim, "quick", 5 * CLOCK_MS);
	post_letters(&sim, &l, NULL);
	check_letters(&sim, &l);
	assert_in_range(sim.busiest, 88, 100);
	check_all_done(&sim, MANY + LETTERS);
	sim_done(&sim);
}

/* First come, first served, also for those that waited on disk. */
static void
test_line_is_fair(void **state)
{
	struct sim_message **all = calloc(MANY, sizeof(struct sim_message *));
	struct sim sim;

	(void)state;
	sim_init(&sim, &usual);
	sim.room.messages_max = 1000;
	sim_host(&sim, "slow", 50 * CLOCK_MS);
	for (size_t i = 0; i < MANY; i++)
		all[i] = sim_post(&sim, (int64_t)i * 100000, "slow", 1);
	check_all_done(&sim, MANY);
	for (size_t i = 1; i < MANY; i++)
		assert_true(all[i - 1]->posted + all[i - 1]->errands[0].done <=
			    all[i]->posted + all[i]->errands[0].done);
	assert_true(sim.most_messages <= 1000);
	free(all);
	sim_done(&sim);
}

/* No more recipients in memory than were allowed, but for one message. */
static void
test_recipients_in_memory(void **state)
{
	struct schedule_limits limits = usual;
	struct letters l;
	struct sim sim;

	(void)state;
	limits.errands = 3000;
	sim_init(&sim, &limits);
	sim.room.recipients_max = 5000;
	sim_host(&sim, "slow", CLOCK_SEC);
	sim_host(&sim, "quick", 5 * CLOCK_MS);
	for (size_t i = 0; i < 200; i++)
		sim_post(&sim, -CLOCK_SEC, "slow", 1000);
	post_letters(&sim, &l, NULL);
	check_letters(&sim, &l);
	assert_true(sim.most_messages < 30);
	check_all_done(&sim, 200 * 1000 + LETTERS);
	sim_done(&sim);
}

/* ---- mailings ---- */

/* 50,000 recipients at one host, fifty a job, twenty jobs at a time: a letter
 * behind them waits for the jobs that are under way. */
static void
test_letter_behind_mailing(void **state)
{
	struct sim_message *mailing, *letter;
	struct sim sim;

	(void)state;
	sim_init(&sim, &usual);
	sim_host(&sim, "big", CLOCK_SEC);
	mailing = sim_post(&sim, 0, "big", 50000);
	letter = sim_post(&sim, 10 * CLOCK_SEC + 1, "big", 1);
	check_all_done(&sim, 50001);
	assert_true(letter->errands[0].done <= 2 * CLOCK_SEC);
	assert_true(mailing->errands[49999].done > 50 * CLOCK_SEC);
	sim_done(&sim);
}

/* Nor do letters stop the mailing, though they alone are all that the host can
 * take: each waits for one of its jobs at most, and it for each of them. */
static void
test_mailing_among_letters(void **state)
{
	struct sim_message *mailing;
	struct sim sim;

	(void)state;
	sim_init(&sim, &usual);
	sim_host(&sim, "big", CLOCK_SEC);
	mailing = sim_post(&sim, 0, "big", 5000);
	for (size_t i = 0; i < 2000; i++) /* as many as the host can take */
		sim_post(&sim, (int64_t)i * CLOCK_SEC / 20, "big", 1);
	check_all_done(&sim, 7000);
	assert_true(mailing->errands[1499].done < 45 * CLOCK_SEC);
	sim_done(&sim);
}

/* 50,000 recipients each at a host, or in a mailbox, of its own: a letter to
 * the last of them, and one to somebody else. */
static void
test_letter_behind_many_hosts(void **state)
{
	struct schedule_limits limits = usual;
	struct sim_message *mailing, *same, *other;
	struct sim sim;

	(void)state;
	limits.recipients = 1;
	sim_init(&sim, &limits);
	sim_host(&sim, "h*", CLOCK_SEC);
	sim_host(&sim, "quick", CLOCK_SEC);
	mailing = sim_post(&sim, 0, "h*", 50000);
	same = sim_post(&sim, 10 * CLOCK_SEC + 1, "h49999", 1);
	other = sim_post(&sim, 20 * CLOCK_SEC + 1, "quick", 1);
	check_all_done(&sim, 50002);
	assert_true(same->errands[0].done <= 2 * CLOCK_SEC);
	assert_true(other->errands[0].done <= 2 * CLOCK_SEC);
	assert_true(mailing->errands[49999].done > 400 * CLOCK_SEC);
	sim_done(&sim);
}

/* Two hosts with work for the same transport share its processes, however
 * much more there is for one. */
static void
test_hosts_share(void **state)
{
	struct schedule_limits limits = usual;
	struct sim sim;
	struct sim_host *more, *less;

	(void)state;
	limits.pace.most = 1000;
	limits.pace.initial = 1000;
	sim_init(&sim, &limits);
	more = sim_host(&sim, "more", CLOCK_SEC);
	less = sim_host(&sim, "less", CLOCK_SEC);
	post_slow(&sim, "more", 9000, 0);
	post_slow(&sim, "less", 900, 0);
	sim_run(&sim, 12 * CLOCK_SEC);
	assert_true(less->jobs * 10 > more->jobs * 8);
	check_all_done(&sim, 9900);
	sim_done(&sim);
}

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
    cmocka_unit_test(test_one_slow),
    cmocka_unit_test(test_restart),
    cmocka_unit_test(test_recipients_at_both),
    cmocka_unit_test(test_two_lines),
    cmocka_unit_test(test_many_slow),
    cmocka_unit_test(test_line_is_fair),
    cmocka_unit_test(test_recipients_in_memory),
    cmocka_unit_test(test_letter_behind_mailing),
    cmocka_unit_test(test_mailing_among_letters),
    cmocka_unit_test(test_letter_behind_many_hosts),
    cmocka_unit_test(test_hosts_share),
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
