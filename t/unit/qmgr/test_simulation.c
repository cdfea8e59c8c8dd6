/* SPDX-License-Identifier: ISC */
/*
 * What doc/schedule.md promises of mail, shown in simulated time: letters to
 * quick hosts beside 100,000 messages to slow ones, and beside mailings.
 */
#include "letters.h"

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
};

TAP_RUN(tests)
