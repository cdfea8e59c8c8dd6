/* SPDX-License-Identifier: ISC */
/*
 * talk - requests that were sent stand in a row of slots; a slot's number is
 * the exchange number of its request.  Those that wait for a conversation
 * stand in a list, and one task opens it for all of them.
 */
#include "talk.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>

STAILQ_HEAD(request_list, request);

struct talk {
	struct talk_way way;
	struct chan *chan; /* NULL: no conversation */
	struct request **slots;
	uint32_t *free_slots;
	uint32_t nslots, nfree;
	size_t sent;
	struct request_list waiting;
	size_t nwaiting;
	struct request_list failed; /* to be told, by the task */
	bool is_opening;            /* the task is at work */
	bool is_freed;
	int64_t idle_since;
};

static void on_parcel(struct chan *c, struct parcel *p, void *arg);
static void on_close(struct chan *c, const char *why, void *arg);

const struct chan_events talk_events = {
    .on_parcel = on_parcel, .on_close = on_close};

struct talk *
talk_new(const struct talk_way *way)
{
	struct talk *t = calloc(1, sizeof(*t));

	if (t == NULL)
		log_fatal("out of memory for a conversation");
	t->way = *way;
	STAILQ_INIT(&t->waiting);
	STAILQ_INIT(&t->failed);
	t->idle_since = clock_mono();
	return t;
}

static void
release(struct talk *t)
{
	struct talk_way way = t->way;

	free(t->slots);
	free(t->free_slots);
	free(t);
	if (way.freed != NULL)
		way.freed(way.arg);
}

static bool
is_busy(const struct talk *t)
{
	return t->sent > 0 || t->nwaiting > 0 || t->is_opening;
}

void
talk_free(struct talk **tp)
{
	struct talk *t = *tp;

	*tp = NULL;
	if (t == NULL)
		return;
	t->is_freed = true;
	if (is_busy(t))
		return;
	if (t->chan != NULL)
		t->way.close(t, t->way.arg);
	release(t);
}

/* The last word about a talk that somebody freed meanwhile. */
static void
settle(struct talk *t)
{
	if (is_busy(t))
		return;
	t->idle_since = clock_mono();
	if (t->is_freed)
		talk_free(&(struct talk *){t});
}

static uint32_t
take_slot(struct talk *t, struct request *r)
{
	uint32_t n = t->nslots;
	uint32_t slot;

	if (t->nfree == 0) {
		t->nslots = n == 0 ? 16 : n * 2;
		t->slots = reallocarray(t->slots, t->nslots, sizeof(*t->slots));
		t->free_slots = reallocarray(
		    t->free_slots, t->nslots, sizeof(*t->free_slots));
		if (t->slots == NULL || t->free_slots == NULL)
			log_fatal("out of memory for %u requests", t->nslots);
		for (uint32_t i = t->nslots; i-- > n;) {
			t->slots[i] = NULL;
			t->free_slots[t->nfree++] = i;
		}
	}
	slot = t->free_slots[--t->nfree];
	t->slots[slot] = r;
	t->sent++;
	return slot;
}

static struct request *
leave_slot(struct talk *t, uint32_t slot)
{
	struct request *r = slot < t->nslots ? t->slots[slot] : NULL;

	if (r == NULL)
		return NULL;
	t->slots[slot] = NULL;
	t->free_slots[t->nfree++] = slot;
	t->sent--;
	return r;
}

static void
fail_waiting(struct talk *t)
{
	STAILQ_CONCAT(&t->failed, &t->waiting);
	t->nwaiting = 0;
}

static void
tell_failed(struct talk *t)
{
	struct request *r;

	while ((r = STAILQ_FIRST(&t->failed)) != NULL) {
		STAILQ_REMOVE_HEAD(&t->failed, link);
		r->done(r, NULL);
	}
}

/* What cannot be sent joins the failed. */
static void
send_one(struct talk *t, struct request *r)
{
	uint32_t slot = take_slot(t, r);

	if (r->send(r, t->chan, slot + 1) == 0)
		return;
	leave_slot(t, slot);
	STAILQ_INSERT_TAIL(&t->failed, r, link);
}

static void
send_waiting(struct talk *t)
{
	struct request *r;

	while ((r = STAILQ_FIRST(&t->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&t->waiting, link);
		t->nwaiting--;
		send_one(t, r);
	}
}

static void
run(void *arg)
{
	struct talk *t = arg;

	if (t->chan == NULL && t->nwaiting > 0)
		t->chan = t->way.open(t, t->way.arg);
	if (t->chan == NULL)
		fail_waiting(t);
	else
		send_waiting(t);
	t->is_opening = false;
	tell_failed(t);
	settle(t);
}

static void
start_task(struct talk *t)
{
	if (t->is_opening)
		return;
	t->is_opening = true;
	task_start(run, t);
}

void
talk_submit(struct talk *t, struct request *r)
{
	t->idle_since = 0;
	if (t->chan != NULL && !t->is_opening) {
		send_one(t, r);
		if (!STAILQ_EMPTY(&t->failed))
			start_task(t);
		return;
	}
	STAILQ_INSERT_TAIL(&t->waiting, r, link);
	t->nwaiting++;
	start_task(t);
}

static void
on_parcel(struct chan *c, struct parcel *p, void *arg)
{
	struct talk *t = arg;
	struct request *r;

	(void)c;
	if (p->exchange == 0) {
		if (t->way.told != NULL)
			t->way.told(t, p, t->way.arg);
		return;
	}
	r = leave_slot(t, p->exchange - 1);
	if (r == NULL)
		return;
	r->done(r, p);
	settle(t);
}

/* Who may have ended it?  A crowd says nothing, one alone does. */
static void
blame(struct talk *t)
{
	size_t suspects = 0;

	for (uint32_t i = 0; i < t->nslots; i++)
		if (t->slots[i] != NULL && t->slots[i]->is_suspect)
			suspects++;
	for (uint32_t i = 0; i < t->nslots; i++) {
		struct request *r = t->slots[i];

		if (r == NULL)
			continue;
		r->is_among = true;
		r->is_alone = t->sent == 1 || (r->is_suspect && suspects == 1);
	}
}

static void
on_close(struct chan *c, const char *why, void *arg)
{
	struct talk *t = arg;
	struct request *r;

	(void)c;
	if (*why != '\0')
		log_warning("a conversation with an agent ended: %s", why);
	t->chan = NULL;
	t->way.close(t, t->way.arg);
	blame(t);
	for (uint32_t i = 0; i < t->nslots; i++) {
		r = leave_slot(t, i);
		if (r != NULL)
			STAILQ_INSERT_TAIL(&t->failed, r, link);
	}
	if (!STAILQ_EMPTY(&t->failed))
		start_task(t);
	else
		settle(t);
}

bool
talk_is_up(const struct talk *t)
{
	return t->chan != NULL;
}

int64_t
talk_idle_since(const struct talk *t)
{
	return is_busy(t) ? 0 : t->idle_since;
}
