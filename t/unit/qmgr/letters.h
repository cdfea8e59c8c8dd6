/* SPDX-License-Identifier: ISC */
/*
 * letters - one every tenth of a second, in simulated time, beside much for
 * slow hosts: what the tests of the simulation share.
 */
#ifndef T_QMGR_LETTERS_H
#define T_QMGR_LETTERS_H

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

static inline void
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

static inline int64_t
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
static inline void
post_slow(struct sim *sim, const char *host, size_t n, int64_t rate)
{
	for (size_t i = 0; i < n; i++)
		sim_post(sim,
		    rate == 0 ? -CLOCK_SEC : (int64_t)i * CLOCK_SEC / rate,
		    host, 1);
}

static inline void
check_letters(struct sim *sim, const struct letters *l)
{
	sim_run(sim, 65 * CLOCK_SEC);
	assert_true(slowest(l) < CLOCK_SEC);
	assert_true(sim->most_messages <= sim->room.messages_max);
}

static inline void
check_all_done(struct sim *sim, size_t n)
{
	sim_run(sim, CLOCK_NEVER);
	assert_int_equal(sim->done, n);
	assert_int_equal(sim->deferred, 0);
	assert_int_equal(schedule_errands(sim->schedule), 0);
	assert_int_equal(schedule_destinations(sim->schedule), 0);
	assert_int_equal(sim->room.messages, 0);
}

#endif
