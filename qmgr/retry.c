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

static int64_t
plain_wait(const struct retry_bounds *b, int64_t age)
{
	int64_t wait = age < b->least ? b->least : age;

	return wait > b->most ? b->most : wait;
}

int64_t
retry_wait(const struct retry_bounds *b, int64_t age, uint32_t chance)
{
	return with_chance(plain_wait(b, age), chance);
}

int64_t
retry_wait_ours(const struct retry_bounds *b, int64_t age, uint64_t attempt,
    uint32_t chance)
{
	int64_t wait = plain_wait(b, age), soon = wait;

	if (attempt <= SOON_DOUBLINGS)
		soon = SOON_FIRST << (attempt > 0 ? attempt - 1 : 0);
	return with_chance(soon < wait ? soon : wait, chance);
}

int64_t
retry_longest(const struct retry_bounds *b)
{
	return b->most + b->most / 4;
}
