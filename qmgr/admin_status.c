/* SPDX-License-Identifier: ISC */
/* admin_status - what the queue is doing, in one answer: numbers that are
 * there anyway, and the destinations that have most to do. */
#include "admin.h"

#include "qmgr.h"

/* One that is dead and has nothing left still says something. */
static size_t
weight(const struct schedule_view *v)
{
	return 2 * (v->errands + v->busy) + (v->is_dead ? 1 : 0);
}

/* A heap of the weightiest seen so far, the lightest of them in front. */
struct heaviest {
	struct schedule_view *views;
	size_t n, max;
};

static void
sink(struct heaviest *h, size_t place)
{
	struct schedule_view moved = h->views[place];

	for (size_t child; (child = 2 * place + 1) < h->n; place = child) {
		if (child + 1 < h->n &&
		    weight(&h->views[child + 1]) < weight(&h->views[child]))
			child++;
		if (weight(&h->views[child]) >= weight(&moved))
			break;
		h->views[place] = h->views[child];
	}
	h->views[place] = moved;
}

static void
weigh(struct heaviest *h, const struct schedule_view *v)
{
	if (h->n < h->max) {
		h->views[h->n++] = *v;
		if (h->n == h->max)
			for (size_t i = h->n / 2; i-- > 0;)
				sink(h, i);
		return;
	}
	if (h->max == 0 || weight(v) <= weight(&h->views[0]))
		return;
	h->views[0] = *v;
	sink(h, 0);
}

static struct admin_destination
show(const struct schedule_view *v, int64_t now)
{
	return (struct admin_destination){
	    .transport = v->transport,
	    .nexthop = v->nexthop,
	    .waiting = v->errands + v->tickets,
	    .busy = v->busy,
	    .window = v->window,
	    .is_dead = v->is_dead,
	    .next = v->next_at > now ? v->next_at - now : 0,
	    .why = v->why,
	};
}

static struct rows
show_heaviest(const struct schedule *s, size_t max, struct arena *a)
{
	struct heaviest h = {.max = max};
	struct admin_destination *shown;
	struct schedule_view v;
	int64_t now = clock_mono();

	h.views = arena_array(a, max + 1, sizeof(*h.views));
	for (size_t at = 0; schedule_see(s, &at, &v);)
		weigh(&h, &v);
	shown = arena_array(a, h.n + 1, sizeof(*shown));
	for (size_t i = 0; i < h.n; i++)
		shown[i] = show(&h.views[i], now);
	return (struct rows){shown, h.n};
}

static struct admin_counts
show_counts(const struct stats_counts *c)
{
	return (struct admin_counts){
	    .taken = c->taken,
	    .bytes = c->bytes,
	    .sent = c->sent,
	    .deferred = c->deferred,
	    .bounced = c->bounced,
	    .removed = c->removed,
	};
}

void
admin_status(struct admin_request *r)
{
	ARENA_CLEANUP struct arena a = {0};
	const struct admin_status *asked = r->parcel.value;
	const struct qmgr *q = r->qmgr;
	struct stats_counts recent;
	struct admin_state state = {
	    .started = q->started,
	    .now = clock_wall(),
	    .active = q->room.messages,
	    .deferred = q->nheap,
	    .held = qmgr_held(q),
	    .waiting = schedule_errands(q->schedule),
	    .busy = q->jobs,
	    .journal = store_fill(q->store),
	    .all = show_counts(&q->stats.now),
	    .span = stats_recent(&q->stats, clock_mono(), &recent),
	    .destinations = schedule_destinations(q->schedule),
	};

	arena_init(&a, SIZE_MAX / 2); /* of ADMIN_SITES_MAX rows */
	state.recent = show_counts(&recent);
	state.is_open = takers_are_served(q, &state.why);
	state.shown =
	    show_heaviest(q->schedule, (size_t)asked->destinations, &a);
	admin_send(r, ADMIN_STATE, &state, NULL, 0);
}
