/* SPDX-License-Identifier: ISC */
/* recall - a map from next hops to targets, and a list by age. */
#include "recall.h"

#include "base/log.h"
#include "base/map.h"

#include <stdlib.h>
#include <sys/queue.h>

#define ENTRY_MAX (256 * 1024) /* TARGET_MAX targets, TARGET_HOSTS names */

struct entry {
	TAILQ_ENTRY(entry) link;
	struct arena arena;
	struct str nexthop;
	struct targets targets;
	int64_t until;
};

struct recall {
	struct map map;
	TAILQ_HEAD(, entry) by_age; /* the oldest is first */
};

struct recall *
recall_new(void)
{
	struct recall *r = calloc(1, sizeof(*r));

	if (r == NULL)
		log_fatal("out of memory");
	map_init(&r->map);
	TAILQ_INIT(&r->by_age);
	return r;
}

static void
forget(struct recall *r, struct entry *e)
{
	map_del(&r->map, e->nexthop);
	TAILQ_REMOVE(&r->by_age, e, link);
	arena_done(&e->arena);
	free(e);
}

/* What is out of date, and what is one too many. */
static void
forget_old(struct recall *r)
{
	struct entry *e;

	while ((e = TAILQ_FIRST(&r->by_age)) != NULL &&
	       (e->until <= clock_mono() || r->map.count >= RECALL_MAX))
		forget(r, e);
}

void
recall_free(struct recall **r)
{
	if (*r == NULL)
		return;
	while (!TAILQ_EMPTY(&(*r)->by_age))
		forget(*r, TAILQ_FIRST(&(*r)->by_age));
	map_done(&(*r)->map);
	free(*r);
	*r = NULL;
}

static void
copy_targets(const struct targets *from, struct arena *a, struct targets *to)
{
	struct target *list = arena_array(a, from->n, sizeof(*list));

	for (size_t i = 0; i < from->n; i++) {
		list[i] = from->list[i];
		/* Addresses of one host stand together and share its name. */
		if (i > 0 && from->list[i].host.p == from->list[i - 1].host.p)
			list[i].host = list[i - 1].host;
		else
			list[i].host = arena_str(a, from->list[i].host);
		list[i].path = arena_str(a, from->list[i].path);
	}
	*to = (struct targets){list, from->n};
}

bool
recall_get(
    struct recall *r, struct str nexthop, struct arena *a, struct targets *ret)
{
	forget_old(r);
	const struct entry *e = map_get(&r->map, arena_lower(a, nexthop));
	if (e == NULL)
		return false;
	copy_targets(&e->targets, a, ret);
	return true;
}

static struct entry *
new_entry(struct str nexthop, const struct targets *targets)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (e == NULL)
		log_fatal("out of memory");
	arena_init(&e->arena, ENTRY_MAX);
	e->nexthop = arena_lower(&e->arena, nexthop);
	copy_targets(targets, &e->arena, &e->targets);
	e->until = clock_after(RECALL_TIME);
	return e;
}

void
recall_put(struct recall *r, struct str nexthop, const struct targets *targets)
{
	struct entry *e = new_entry(nexthop, targets);
	struct entry *old = map_get(&r->map, e->nexthop);

	if (old != NULL)
		forget(r, old);
	forget_old(r);
	map_put(&r->map, e->nexthop, e);
	TAILQ_INSERT_TAIL(&r->by_age, e, link);
}
