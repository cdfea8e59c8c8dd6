/* SPDX-License-Identifier: ISC */
/* clock - both clocks, as of the loop's last turn, and how the wall clock has
 * been set. */
#include "base/clock.h"

#include <stdlib.h>
#include <time.h>

#define SETTINGS 8                /* that are remembered */
#define JUMP     (10 * CLOCK_SEC) /* less is how any clock goes */

static int64_t mono, wall;
static int64_t settings[SETTINGS]; /* wall - mono, in turns */
static uint64_t nsettings;

static int64_t
read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * CLOCK_SEC + t.tv_nsec;
}

void
clock_set(int64_t new_mono, int64_t new_wall)
{
	int64_t setting = new_wall - new_mono;

	mono = new_mono;
	wall = new_wall;
	if (nsettings == 0 ||
	    llabs(setting - settings[(nsettings - 1) % SETTINGS]) > JUMP)
		settings[nsettings++ % SETTINGS] = setting;
}

void
clock_update(void)
{
	clock_set(read_clock(CLOCK_MONOTONIC), read_clock(CLOCK_REALTIME));
}

int64_t
clock_mono(void)
{
	if (mono == 0)
		clock_update();
	return mono;
}

int64_t
clock_wall(void)
{
	if (wall == 0)
		clock_update();
	return wall;
}

int64_t
clock_after(int64_t ns)
{
	int64_t t;

	return __builtin_add_overflow(clock_mono(), ns, &t) ? CLOCK_NEVER : t;
}

int64_t
clock_exact(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t
clock_age(int64_t date)
{
	int64_t now = clock_mono(), least = CLOCK_NEVER;

	for (size_t i = 0; i < SETTINGS && i < nsettings; i++) {
		int64_t age;

		if (!__builtin_sub_overflow(now + settings[i], date, &age) &&
		    age >= 0 && age < least)
			least = age;
	}
	return least == CLOCK_NEVER ? 0 : least;
}
