/* SPDX-License-Identifier: ISC */
/*
 * retry - how long a message waits for its next attempt.
 *
 * As long as it is old, within bounds, so that the waits double; and up to a
 * quarter more by chance, so that what failed together does not come back
 * together.  Times are nanoseconds.
 */
#ifndef QMGR_RETRY_H
#define QMGR_RETRY_H

#include <stdint.h>

#define RETRY_CHANCES 250 /* of a thousandth more each */

struct retry_bounds {
	int64_t least, most; /* minimal_, maximal_backoff_time */
};

/* `chance` is below RETRY_CHANCES, and anew each time. */
int64_t retry_wait(const struct retry_bounds *b, int64_t age, uint32_t chance);

/* The same of a notification that was not made, at its message's attempt
 * number `attempt` (from 1): soon at first, and never later than `least`. */
int64_t retry_wait_told(
    const struct retry_bounds *b, uint64_t attempt, uint32_t chance);

/* What no wait is longer than. */
int64_t retry_longest(const struct retry_bounds *b);

#endif
