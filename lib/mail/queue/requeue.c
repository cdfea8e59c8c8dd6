/* SPDX-License-Identifier: ISC */
/* requeue - recipients once more.  Owns nothing. */
#include "mail/queue/requeue.h"

#include "base/map.h"

#include <errno.h>
#include <stdlib.h>

struct gathering {
	struct arena *arena;
	struct map seen; /* addresses, lower case */
	struct recipient *list;
	size_t n, room;
	const struct recipient *from; /* the one that is being asked about */
	bool is_full;
};

static void
add(struct gathering *g, const struct recipient *r)
{
	struct recipient *more;

	if (g->n == ENVELOPE_RCPT_MAX) {
		g->is_full = true;
		return;
	}
	if (g->n == g->room) {
		g->room = g->room == 0 ? 16 : 2 * g->room;
		more = arena_array(g->arena, g->room, sizeof(*more));
		for (size_t i = 0; i < g->n; i++)
			more[i] = g->list[i];
		g->list = more;
	}
	g->list[g->n++] = *r;
}

static void
add_address(void *arg, struct addr addr)
{
	struct gathering *g = arg;
	struct recipient r = *g->from;
	struct str key = arena_lower(g->arena, addr.text);

	if (map_get(&g->seen, key) != NULL)
		return;
	map_put(&g->seen, key, g);
	r.address = arena_str(g->arena, addr.text);
	add(g, &r);
}

static int
gather(struct gathering *g, struct expansion *x, const struct store_body *old,
    struct buf *done, const char **ret_why)
{
	const struct recipient *r = old->envelope.recipients.p;
	const struct progress *p = &old->progress;
	struct addr addr;

	for (size_t i = 0; i < p->n; i++) {
		if (p->marks[i].done || progress_is_unsaid(&p->marks[i]))
			continue;
		g->from = &r[i];
		if (r[i].action.n > 0 || addr_parse(r[i].address, &addr) < 0)
			add(g, &r[i]);
		else if (expansion_run(x, addr, add_address, g, ret_why) !=
			 FIND_YES)
			return -EAGAIN;
		if (entry_add_done(done, (uint32_t)i) < 0)
			return -E2BIG;
	}
	return g->is_full ? -E2BIG : g->n == 0 ? -ENOENT : 0;
}

int
requeue_envelope(struct expansion *x, const struct store_body *old,
    struct str id, int64_t now, struct arena *a, struct envelope *ret,
    struct buf *ret_done, const char **ret_why)
{
	struct gathering g = {.arena = a};
	int r;

	map_init(&g.seen);
	r = gather(&g, x, old, ret_done, ret_why);
	map_done(&g.seen);
	if (r < 0)
		return r;
	*ret = old->envelope;
	ret->id = id;
	ret->arrival = now;
	ret->hold = 0;
	ret->recipients = (struct rows){g.list, g.n};
	return 0;
}
