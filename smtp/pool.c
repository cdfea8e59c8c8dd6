/* SPDX-License-Identifier: ISC */
/* pool - idle sessions, and the task that ends them. */
#include "pool.h"

void
pool_init(struct pool *p)
{
	*p = (struct pool){.n = 0};
	TAILQ_INIT(&p->idle);
	task_queue_init(&p->sweeper);
}

static void
take_out(struct pool *p, struct session *s)
{
	TAILQ_REMOVE(&p->idle, s, link);
	p->n--;
}

/* A session may be used; one that the server ended meanwhile is closed. */
static bool
is_good(struct pool *p, struct session *s)
{
	take_out(p, s);
	if (session_is_quiet(s))
		return true;
	session_free(&s);
	return false;
}

/* The newest first: the others come to their end, and fewer are open. */
struct session *
pool_take(struct pool *p, const struct target *to, const struct terms *terms)
{
	struct session *s, *before;

	TAILQ_FOREACH_REVERSE_SAFE(s, &p->idle, session_list, link, before)
	if (session_serves(s, to, terms) && is_good(p, s))
		return s;
	return NULL;
}

/* Ends with the last idle session. */
static void
sweep(void *arg)
{
	struct pool *p = arg;
	struct session *s;

	while ((s = TAILQ_FIRST(&p->idle)) != NULL) {
		if (s->idle_until > clock_mono() && !p->is_closed) {
			task_wait(&p->sweeper, s->idle_until);
			continue;
		}
		take_out(p, s);
		session_quit(&s);
	}
	p->is_swept = false;
}

static bool
is_worth_keeping(const struct pool *p, const struct session *s)
{
	const struct settings *c = s->settings;

	return !p->is_closed && s->keeps && session_is_quiet(s) &&
	       (c->reuse_limit == 0 || s->uses < c->reuse_limit) &&
	       clock_mono() - s->opened < c->reuse_time;
}

void
pool_put(struct pool *p, struct session **s)
{
	struct session *me = *s;

	*s = NULL;
	if (!is_worth_keeping(p, me)) {
		session_quit(&me);
		return;
	}
	me->idle_until = clock_after(POOL_IDLE);
	stream_idle(&me->stream);
	TAILQ_INSERT_TAIL(&p->idle, me, link);
	p->n++;
	if (!p->is_swept) {
		p->is_swept = true;
		task_start(sweep, p);
	}
	if (p->n > POOL_MAX) {
		me = TAILQ_FIRST(&p->idle);
		take_out(p, me);
		session_quit(&me);
	}
}

void
pool_close(struct pool *p)
{
	struct session *s;

	p->is_closed = true;
	task_wake_all(&p->sweeper);
	while ((s = TAILQ_FIRST(&p->idle)) != NULL) {
		take_out(p, s);
		session_quit(&s);
	}
}
