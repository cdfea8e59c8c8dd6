/* SPDX-License-Identifier: ISC */
/*
 * stop - the end, in turns: those that take mail, then the queue's owner,
 * who finishes what is on its way, then those that worked for him.
 */
#include "master.h"

#include <errno.h>

void
stop_begin(struct master *m, int exit_code)
{
	if (m->is_stopping)
		return;
	m->is_stopping = true;
	m->exit_code = exit_code;
	m->turn = TURN_TAKERS;
	task_wake_all(&m->ended);
	keeper_wake(m);
}

/* How many of this turn there are; they are told, if they were not. */
static size_t
tell_turn(struct master *m)
{
	struct child *c, *after;
	size_t n = 0;

	TAILQ_FOREACH_SAFE (c, &m->children, next, after) {
		if (c->service->program->turn != m->turn)
			continue;
		child_leave(c, true);
		n++;
	}
	return n;
}

int64_t
stop_go_on(struct master *m)
{
	if (!m->is_stopping)
		return CLOCK_NEVER;
	while (m->turn < TURNS && tell_turn(m) == 0)
		m->turn++;
	if (m->turn == TURNS)
		loop_stop();
	/* Their deadlines are the keeper's to see. */
	return clock_after(CLOCK_SEC);
}
