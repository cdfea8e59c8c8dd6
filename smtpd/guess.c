/* SPDX-License-Identifier: ISC */
/* guess - the time that a wrong password costs. */
#include "guess.h"

#include "base/clock.h"
#include "base/task.h"
#include "session.h"

void
guess_failed(struct session *s, int64_t since)
{
	int64_t delay = (2 * CLOCK_SEC) << s->guesses++;

	s->is_waiting = true;
	(void)task_sleep(since + delay);
	s->is_waiting = false;
}

void
guess_told(struct session *s)
{
	if (s->guesses >= GUESSES_MAX && s->end == SESSION_GOES_ON)
		s->end = SESSION_ERRORS;
}
