/* SPDX-License-Identifier: ISC */
/*
 * cache - a map from "database/key" to an answer, and a list in the order of
 * use.  An entry owns an arena that holds its key and its answer.
 */
#include "cache.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"

#include <stdlib.h>
#include <sys/queue.h>

#define ENTRY_MAX (32 * 1024) /* key, and six texts at their bounds */

struct entry {
	TAILQ_ENTRY(entry) link;
	struct arena arena;
	struct str key;
	struct lookup_answer answer;
	int64_t until;
};

struct cache {
	struct map map;
	TAILQ_HEAD(, entry) used; /* the least recently used is first */
};

struct cache *
cache_new(void)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		log_fatal("out of memory");
	map_init(&c->map);
	TAILQ_INIT(&c->used);
	return c;
}

static void
drop(struct cache *c, struct entry *e)
{
	map_del(&c->map, e->key);
	TAILQ_REMOVE(&c->used, e, link);
	arena_done(&e->arena);
	free(e);
}

void
cache_free(struct cache **c)
{
	if (*c == NULL)
		return;
	while (!TAILQ_EMPTY(&(*c)->used))
		drop(*c, TAILQ_FIRST(&(*c)->used));
	map_done(&(*c)->map);
	free(*c);
	*c = NULL;
}

static struct str
make_key(struct arena *a, const struct lookup_ask *ask)
{
	return arena_strf(a, "%llu/%.*s", (unsigned long long)ask->database,
	    STR_ARG(ask->key));
}

static struct entry *
find_entry(struct cache *c, const struct lookup_ask *ask)
{
	ARENA_CLEANUP struct arena a = {0};

	arena_init(&a, ENTRY_MAX);
	return map_get(&c->map, make_key(&a, ask));
}

const struct lookup_answer *
cache_get(struct cache *c, const struct lookup_ask *ask)
{
	struct entry *e = find_entry(c, ask);

	if (e == NULL)
		return NULL;
	if (e->until <= clock_mono()) {
		drop(c, e);
		return NULL;
	}
	TAILQ_REMOVE(&c->used, e, link);
	TAILQ_INSERT_TAIL(&c->used, e, link);
	return &e->answer;
}

void
cache_put(struct cache *c, const struct lookup_ask *ask,
    const struct lookup_answer *answer)
{
	struct entry *old = find_entry(c, ask);

	if (old != NULL)
		drop(c, old);
	if (c->map.count >= CACHE_MAX)
		drop(c, TAILQ_FIRST(&c->used));

	struct entry *e = calloc(1, sizeof(*e));
	if (e == NULL)
		log_fatal("out of memory");
	arena_init(&e->arena, ENTRY_MAX);
	e->key = make_key(&e->arena, ask);
	shape_copy(&lookup_answer_shape, answer, &e->arena, &e->answer);
	e->until = clock_after(CACHE_SECONDS * CLOCK_SEC);
	map_put(&c->map, e->key, e);
	TAILQ_INSERT_TAIL(&c->used, e, link);
}

size_t
cache_count(const struct cache *c)
{
	return c->map.count;
}
