/* SPDX-License-Identifier: ISC */
/* clock - both clocks, as of the loop's last turn. */
#include "base/clock.h"

#include <time.h>

static int64_t mono, wall;

static int64_t
read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * CLOCK_SEC + t.tv_nsec;
}

void
clock_update(void)
{
	mono = read_clock(CLOCK_MONOTONIC);
	wall = read_clock(CLOCK_REALTIME);
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
