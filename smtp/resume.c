/* SPDX-License-Identifier: ISC */
/* resume - a map from keys to TLS sessions, and a list by age. */
#include "resume.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"

#include <stdlib.h>
#include <sys/queue.h>

#define KEY_MAX (64 * 1024)

struct entry {
	TAILQ_ENTRY(entry) link;
	struct arena arena;
	struct str key;
	struct tls_session *session;
	int64_t until;
};

struct resume {
	struct map map;
	TAILQ_HEAD(, entry) by_age; /* the oldest is first */
	int64_t lifetime;
};

struct resume *
resume_new(int64_t lifetime)
{
	struct resume *r = calloc(1, sizeof(*r));

	if (r == NULL)
		log_fatal("out of memory");
	map_init(&r->map);
	TAILQ_INIT(&r->by_age);
	r->lifetime = lifetime;
	return r;
}

static void
forget(struct resume *r, struct entry *e)
{
	map_del(&r->map, e->key);
	TAILQ_REMOVE(&r->by_age, e, link);
	tls_session_free(&e->session);
	arena_done(&e->arena);
	free(e);
}

static void
forget_old(struct resume *r)
{
	struct entry *e;

	while ((e = TAILQ_FIRST(&r->by_age)) != NULL &&
	       (e->until <= clock_mono() || r->map.count >= RESUME_MAX))
		forget(r, e);
}

void
resume_free(struct resume **r)
{
	if (*r == NULL)
		return;
	while (!TAILQ_EMPTY(&(*r)->by_age))
		forget(*r, TAILQ_FIRST(&(*r)->by_age));
	map_done(&(*r)->map);
	free(*r);
	*r = NULL;
}

struct tls_session *
resume_get(struct resume *r, struct str key)
{
	const struct entry *e = map_get(&r->map, key);

	return e == NULL || e->until <= clock_mono() ? NULL : e->session;
}

void
resume_drop(struct resume *r, struct str key)
{
	struct entry *e = map_get(&r->map, key);

	if (e != NULL)
		forget(r, e);
}

void
resume_put(struct resume *r, struct str key, struct tls_session *session)
{
	struct entry *e;

	if (session == NULL)
		return;
	if (r->lifetime == 0 || key.len > KEY_MAX) {
		tls_session_free(&session);
		return;
	}
	resume_drop(r, key);
	forget_old(r);
	if ((e = calloc(1, sizeof(*e))) == NULL)
		log_fatal("out of memory");
	arena_init(&e->arena, 2 * KEY_MAX);
	e->key = arena_str(&e->arena, key);
	e->session = session;
	e->until = clock_after(r->lifetime);
	map_put(&r->map, e->key, e);
	TAILQ_INSERT_TAIL(&r->by_age, e, link);
}
