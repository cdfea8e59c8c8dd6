/* SPDX-License-Identifier: ISC */
/*
 * clock - the two clocks.
 *
 * Deadlines and intervals are taken from the monotonic clock, which no
 * administrator and no NTP moves; dates that people read from the wall
 * clock.  The loop refreshes both once a turn (clock_update), so that
 * reading them costs nothing; what a turn takes is far below a millisecond.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_MS    INT64_C(1000000)
#define CLOCK_SEC   INT64_C(1000000000)
#define CLOCK_NEVER INT64_MAX

void clock_update(void);
int64_t clock_mono(void);        /* nanoseconds since some start */
int64_t clock_wall(void);        /* nanoseconds since 1970-01-01 UTC */
int64_t clock_after(int64_t ns); /* the deadline ns from now, saturating */
int64_t clock_exact(void);       /* monotonic and of now; any thread */

/*
 * Nanoseconds since something was dated by the wall clock: the least that it
 * can be, however the clock was set meanwhile; 0 when it is of the future.
 * Setting the clock makes nothing old that was dated since the start of this
 * process, or before it by a clock that was right.
 */
int64_t clock_age(int64_t date);

/* What clock_update() does with the real ones. */
void clock_set(int64_t mono, int64_t wall);

#endif
