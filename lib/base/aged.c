/* SPDX-License-Identifier: ISC */
/* aged - a map from a key to an entry, and a list by age. */
#include "base/aged.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct entry {
	TAILQ_ENTRY(entry) link;
	int64_t until;
	void *value;
	struct str key; /* into bytes */
	char bytes[];
};

struct aged {
	struct map map;
	TAILQ_HEAD(, entry) by_age; /* the oldest is first */
	size_t max;
	int64_t lifetime;
	void (*free_value)(void *value);
};

struct aged *
aged_new(size_t max, int64_t lifetime, void (*free_value)(void *value))
{
	struct aged *a = calloc(1, sizeof(*a));

	if (a == NULL)
		log_fatal("out of memory");
	map_init(&a->map);
	TAILQ_INIT(&a->by_age);
	a->max = max;
	a->lifetime = lifetime;
	a->free_value = free_value;
	return a;
}

static void
drop(struct aged *a, struct entry *e)
{
	map_del(&a->map, e->key);
	TAILQ_REMOVE(&a->by_age, e, link);
	a->free_value(e->value);
	free(e);
}

void
aged_free(struct aged **a)
{
	if (*a == NULL)
		return;
	while (!TAILQ_EMPTY(&(*a)->by_age))
		drop(*a, TAILQ_FIRST(&(*a)->by_age));
	map_done(&(*a)->map);
	free(*a);
	*a = NULL;
}

static void
drop_old(struct aged *a)
{
	struct entry *e;

	while ((e = TAILQ_FIRST(&a->by_age)) != NULL &&
	       (e->until <= clock_mono() || a->map.count > a->max))
		drop(a, e);
}

void *
aged_get(struct aged *a, struct str key)
{
	const struct entry *e;

	drop_old(a);
	e = map_get(&a->map, key);
	return e == NULL ? NULL : e->value;
}

void
aged_del(struct aged *a, struct str key)
{
	struct entry *e = map_get(&a->map, key);

	if (e != NULL)
		drop(a, e);
}

void
aged_put(struct aged *a, struct str key, void *value)
{
	struct entry *e = malloc(sizeof(*e) + key.len);

	if (e == NULL)
		log_fatal("out of memory");
	memcpy(e->bytes, key.p, key.len);
	e->key = str_n(e->bytes, key.len);
	e->value = value;
	e->until = clock_after(a->lifetime);
	aged_del(a, e->key);
	map_put(&a->map, e->key, e);
	TAILQ_INSERT_TAIL(&a->by_age, e, link);
	drop_old(a);
}
