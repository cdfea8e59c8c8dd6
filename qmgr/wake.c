/* SPDX-License-Identifier: ISC */
/*
 * wake - messages that wait become active: those that are due, and those for
 * which there is room now.  Each is read from disk first.
 */
#include "message.h"

#include "inhand.h"
#include "qmgr.h"
#include "wait.h"

#define WAKE_TIME (2 * CLOCK_MS)

static void
wake(struct qmgr *q, struct message *m)
{
	struct store_body *body;
	bool is_flush = m->due == 0;
	const char *why = "";
	int r;

	wait_del(q, m);
	if (m->pins > 0) { /* what it says is not for good yet */
		wait_add(q, m, clock_after(CLOCK_SEC));
		return;
	}
	inhand_set(q->inhand, m->item.id);
	r = store_load(q->store, &m->item, &body, &why);
	if (r < 0)
		message_put_aside(q, m, r, why);
	else
		message_begin(q, m, body, is_flush);
	inhand_clear(q->inhand);
}

static void
wake_more(void *arg)
{
	struct qmgr *q = arg;

	task_yield();
	q->is_waking = false;
	qmgr_poke(q);
}

/* One has room where it waits for it. */
static void
call(struct qmgr *q, struct schedule_message *turns)
{
	struct message *m = message_of_turns(turns);

	switch (m->state) {
	case MESSAGE_TAKEN:
	case MESSAGE_ACTIVE: /* once it is passive it comes again at once */
		m->is_called = true;
		return;
	case MESSAGE_WAITING:
		m->is_called = true;
		wake(q, m);
		return;
	case MESSAGE_HELD:
	case MESSAGE_STOPPED: /* another attempt begins from the start */
		schedule_forget(q->schedule, turns, clock_mono());
		return;
	}
}

static bool
has_room(const struct qmgr *q)
{
	const struct schedule_room *r = &q->room;

	return r->messages == 0 || (r->messages < r->messages_max &&
				       r->recipients < r->recipients_max);
}

/* False: there is none. */
static bool
wake_one(struct qmgr *q)
{
	bool is_due = q->nheap > 0 && q->heap[1]->due <= clock_mono();
	struct schedule_message *called;

	if (is_due)
		wake(q, q->heap[1]);
	called = has_room(q) ? schedule_call(q->schedule) : NULL;
	if (called != NULL)
		call(q, called);
	return is_due || called != NULL;
}

/* They are read from disk: however many there are, others have their turn. */
void
message_wake(struct qmgr *q)
{
	int64_t end = clock_after(WAKE_TIME);

	while (!qmgr_is_at_rest(q) && has_room(q) && wake_one(q)) {
		clock_update(); /* which is as of the turn else */
		if (clock_mono() < end)
			continue;
		if (!q->is_waking)
			task_start(wake_more, q);
		q->is_waking = true;
		return;
	}
}

void
message_flush(struct qmgr *q)
{
	/* Not those that wait for room alone, which does not make any. */
	for (size_t i = 1; i <= q->nheap; i++)
		if (q->heap[i]->due < CLOCK_NEVER)
			q->heap[i]->due = 0;
	schedule_revive(q->schedule);
	qmgr_poke(q);
}
