/* SPDX-License-Identifier: ISC */
/* retry - two bounds and a chance. */
#include "retry.h"

#include "base/clock.h"

#define SOON_FIRST     (5 * CLOCK_SEC)
#define SOON_DOUBLINGS 6

static int64_t
with_chance(int64_t wait, uint32_t chance)
{
	return wait + wait / 1000 * chance;
}

int64_t
retry_wait(const struct retry_bounds *b, int64_t age, uint32_t chance)
{
	int64_t wait = age < b->least ? b->least : age;

	if (wait > b->most)
		wait = b->most;
	return with_chance(wait, chance);
}

int64_t
retry_wait_told(const struct retry_bounds *b, uint64_t attempt, uint32_t chance)
{
	int64_t soon = b->least;

	if (attempt <= SOON_DOUBLINGS)
		soon = SOON_FIRST << (attempt > 0 ? attempt - 1 : 0);
	return with_chance(soon < b->least ? soon : b->least, chance);
}

int64_t
retry_longest(const struct retry_bounds *b)
{
	return b->most + b->most / 4;
}
