/* SPDX-License-Identifier: ISC */
/*
 * keeper - master's one task for all that has a time: starts that are due,
 * processes whose time is over, tables that may have changed, the steps of a
 * stop.  It looks at everything whenever it is woken, and sleeps until the
 * next thing is due.
 */
#include "master.h"

#include <errno.h>

#define TABLES_TICK (2 * CLOCK_SEC)

void
keeper_wake(struct master *m)
{
	task_wake_all(&m->wake);
}

static bool
is_startable(const struct master *m, const struct service *s)
{
	const struct service *old;

	if (s->current != NULL || s->coming != NULL)
		return false;
	/* There is one of it, now and after the reload. */
	if (s->program->is_kept && m->old_plan != NULL) {
		old = plan_find_like(m->old_plan, s);
		if (old->current != NULL || old->coming != NULL)
			return false;
	}
	return !s->program->is_on_demand || broker_is_wanted(m, s);
}

static int64_t
start_due(struct master *m)
{
	int64_t next = CLOCK_NEVER;
	struct service *s;

	if (m->is_stopping)
		return next;
	TAILQ_FOREACH (s, &m->plan->services, next) {
		if (is_startable(m, s) && s->start_at <= clock_mono())
			child_start(m, s);
		if (is_startable(m, s) && s->start_at < next)
			next = s->start_at;
	}
	return next;
}

static int64_t
end_overdue(struct master *m)
{
	int64_t next = CLOCK_NEVER;
	struct child *c, *after;

	TAILQ_FOREACH_SAFE (c, &m->children, next, after) {
		if (c->deadline <= clock_mono()) {
			log_warning("process %s pid %d does not %s: killed",
			    c->service->program->name, (int)c->pid,
			    c->state == CHILD_STARTING ? "start" : "end");
			child_kill(c);
		}
		if (c->deadline < next)
			next = c->deadline;
	}
	return next;
}

static int64_t
watch_tables(struct master *m)
{
	if (m->is_stopping)
		return CLOCK_NEVER;
	if (m->tables_at <= clock_mono()) {
		tables_watch(m);
		m->tables_at = clock_after(TABLES_TICK);
	}
	return m->tables_at;
}

static int64_t
sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void
keeper_run(void *arg)
{
	struct master *m = arg;
	int r = 0;

	while (r != -ECANCELED) {
		int64_t next = start_due(m);

		next = sooner(next, end_overdue(m));
		next = sooner(next, watch_tables(m));
		next = sooner(next, stop_go_on(m));
		r = task_wait(&m->wake, next);
	}
}
