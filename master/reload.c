/* SPDX-License-Identifier: ISC */
/*
 * reload - another plan in place of this one.
 *
 * The new plan's processes start beside the old ones, which go on serving.
 * When all are ready, qmgr and memo, which stay, get their new configuration,
 * and the old ones are told to finish; the reload is done when they have
 * answered.  When one does not start, the new ones leave and all is as before.
 * keys stays as well, and gets its new configuration first, since the new ones
 * ask it for theirs.
 */
#include "master.h"

#include <errno.h>
#include <string.h>

#define UP_TIME         (30 * CLOCK_SEC)
#define HAND_OVER_TIME  (5 * CLOCK_SEC)
#define GENERATIONS_MAX 2 /* that may be leaving at a time */

/* One that stays through a reload. */
static struct child *
old_kept(const struct master *m, const struct service *s)
{
	if (!s->program->is_kept || m->old_plan == NULL)
		return NULL;
	return plan_find_like(m->old_plan, s)->current;
}

bool
reload_is_up(const struct master *m)
{
	const struct service *s;

	TAILQ_FOREACH (s, &m->plan->services, next)
		if (s->current == NULL && !s->program->is_on_demand &&
		    old_kept(m, s) == NULL)
			return false;
	return true;
}

/* One that ended before it was ready, though nothing is known to be wrong. */
static const struct service *
find_failed(const struct master *m)
{
	const struct service *s;

	TAILQ_FOREACH (s, &m->plan->services, next)
		if (s->current == NULL && s->coming == NULL && s->delay > 0 &&
		    !s->program->is_on_demand)
			return s;
	return NULL;
}

int
reload_wait_up(struct master *m)
{
	int64_t deadline = clock_after(UP_TIME);
	const struct service *failed = NULL;
	int r = 0;

	while (r == 0 && !reload_is_up(m)) {
		failed = find_failed(m);
		if (failed != NULL || m->is_stopping)
			break;
		r = task_wait(&m->ended, deadline);
	}
	if (failed != NULL)
		log_error("service %.*s (%s) does not start",
		    STR_ARG(failed->name), failed->program->name);
	if (r == -ETIMEDOUT)
		log_error("the services are not ready in time");
	return failed != NULL || m->is_stopping ? -ESRCH : r;
}

static void
drain_old(struct master *m)
{
	struct child *c, *after;

	TAILQ_FOREACH_SAFE (c, &m->children, next, after) {
		uint64_t age = m->generation - c->plan->generation;

		if (c->plan != m->plan)
			child_leave(c, age > GENERATIONS_MAX);
	}
}

static void
accept_plan(struct master *m)
{
	struct service *s;

	TAILQ_FOREACH (s, &m->plan->services, next) {
		struct child *kept = old_kept(m, s);

		if (kept != NULL && s->current == NULL)
			child_reconfigure(kept, s);
	}
	plan_unref(&m->old_plan);
	drain_old(m);
	listeners_prune(m);
}

static bool
is_handed_over(const struct master *m)
{
	const struct child *c;

	TAILQ_FOREACH (c, &m->children, next)
		if (c->asked > 0 && c->control != NULL)
			return false;
	return true;
}

/* Whoever asked for the reload may count on it at once: no old process takes
 * one more client, and qmgr routes by the new configuration.  One that stands
 * still is not waited for. */
static void
await_hand_over(struct master *m)
{
	int64_t deadline = clock_after(HAND_OVER_TIME);
	int r = 0;

	while (r == 0 && !m->is_stopping && !is_handed_over(m))
		r = task_wait(&m->ended, deadline);
	if (r == -ETIMEDOUT)
		log_warning("an old process does not answer: it may go on "
			    "with the old configuration");
}

/* keys goes over from the one plan to the other. */
static void
hand_keys(const struct plan *from, const struct plan *to)
{
	struct service *old = plan_find(from, STR("keys"));
	struct service *new = plan_find(to, STR("keys"));

	if (old->current != NULL && new->current == NULL &&new->coming == NULL)
		child_reconfigure(old->current, new);
}

static void
take_back(struct master *m)
{
	struct plan *failed = m->plan;
	struct child *c, *after;

	m->plan = m->old_plan;
	m->old_plan = NULL;
	hand_keys(failed, m->plan);
	TAILQ_FOREACH_SAFE (c, &m->children, next, after)
		if (c->plan == failed)
			child_leave(c, true);
	plan_unref(&failed);
	listeners_prune(m);
	target_reopen(m);
	log_error("reload failed: the old configuration stays");
}

static int
check_plan(
    const struct master *m, const struct plan *p, conf_remark_fn say, void *arg)
{
	struct conf_remark r = {
	    .severity = CONF_ERROR,
	    .file = STR("main.cf"),
	    .text = STR("queue_directory cannot change while the suite runs: "
			"stop and start it"),
	};

	if (str_eq(
		conf_str(p->conf, PARAM_queue_directory), m->queue_directory))
		return who_check(m);
	say(arg, &r);
	return -EINVAL;
}

static int
try_plan(struct master *m, struct plan *p, conf_remark_fn say, void *arg)
{
	int r = check_plan(m, p, say, arg);

	if (r == 0)
		r = listeners_bind(m, p);
	if (r < 0)
		return r;
	m->old_plan = m->plan;
	m->plan = plan_ref(p);
	p->generation = ++m->generation;
	r = target_reopen(m);
	if (r == 0) {
		hand_keys(m->old_plan, m->plan);
		log_info("reload -- version %s, configuration %s",
		    VALIJA_VERSION, m->conf_dir);
		keeper_wake(m);
		r = reload_wait_up(m);
	}
	if (r < 0)
		take_back(m);
	else
		accept_plan(m);
	if (r == 0)
		await_hand_over(m);
	return r;
}

int
reload_run(struct master *m, conf_remark_fn say, void *arg)
{
	struct plan *p;
	int r;

	/* One after the other. */
	while (m->old_plan != NULL && !m->is_stopping)
		if (task_wait(&m->ended, clock_after(UP_TIME)) == -ECANCELED)
			return -ECANCELED;
	if (m->is_stopping)
		return -ESHUTDOWN;
	p = plan_read(m->conf_dir, say, arg);
	if (p == NULL) {
		log_error("reload refused: the configuration has an error; "
			  "the old one stays");
		return -EINVAL;
	}
	r = try_plan(m, p, say, arg);
	plan_unref(&p);
	task_wake_all(&m->ended);
	return r;
}
