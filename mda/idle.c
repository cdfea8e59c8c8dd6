/* SPDX-License-Identifier: ISC */
/* idle - the end of a child.  Owns the count of open requests. */
#include "idle.h"

#include "base/clock.h"
#include "base/task.h"
#include "mail/proto/spawn.h"

#include <stdbool.h>

static unsigned open_requests;
static int64_t idle_since;
static bool has_left;

static void
wait_for_end(void *arg)
{
	const int64_t limit = SPAWN_IDLE_SECONDS * CLOCK_SEC;

	(void)arg;
	for (;;) {
		int64_t end = idle_since + limit;

		if (open_requests > 0)
			end = clock_after(limit);
		else if (end <= clock_mono())
			break;
		if (task_sleep(end) < 0)
			break;
	}
	loop_stop();
}

void
idle_init(void)
{
	open_requests = 0;
	has_left = false;
	idle_since = clock_mono();
	task_start(wait_for_end, NULL);
}

void
idle_begin(void)
{
	open_requests++;
}

void
idle_end(void)
{
	open_requests--;
	clock_update(); /* the work may have taken long */
	idle_since = clock_mono();
	if (has_left && open_requests == 0)
		loop_stop();
}

void
idle_leave(void)
{
	has_left = true;
	if (open_requests == 0)
		loop_stop();
}
