/* SPDX-License-Identifier: ISC */
/* recall - copies of targets, each in an arena of its own. */
#include "recall.h"

#include "base/log.h"

#include <stdlib.h>

#define ENTRY_MAX (256 * 1024) /* TARGET_MAX targets, TARGET_HOSTS names */

struct entry {
	struct arena arena;
	struct targets targets;
};

static void
free_entry(void *value)
{
	struct entry *e = value;

	arena_done(&e->arena);
	free(e);
}

struct aged *
recall_new(void)
{
	return aged_new(RECALL_MAX, RECALL_TIME, free_entry);
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
    struct aged *r, struct str nexthop, struct arena *a, struct targets *ret)
{
	const struct entry *e = aged_get(r, arena_lower(a, nexthop));

	if (e == NULL)
		return false;
	copy_targets(&e->targets, a, ret);
	return true;
}

void
recall_put(struct aged *r, struct str nexthop, const struct targets *targets)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (e == NULL)
		log_fatal("out of memory");
	arena_init(&e->arena, ENTRY_MAX);
	copy_targets(targets, &e->arena, &e->targets);
	aged_put(r, arena_lower(&e->arena, nexthop), e);
}
