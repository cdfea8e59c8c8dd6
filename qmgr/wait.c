/* SPDX-License-Identifier: ISC */
/* wait - a binary heap whose root is at 1; each message knows its place. */
#include "wait.h"

#include "base/log.h"
#include "qmgr.h"

#include <stdlib.h>

#define ROOM_MIN 64

static void
set(struct qmgr *q, size_t place, struct message *m)
{
	q->heap[place] = m;
	m->place = place;
}

static void
rise(struct qmgr *q, size_t place)
{
	struct message *m = q->heap[place];

	while (place > 1 && q->heap[place / 2]->due > m->due) {
		set(q, place, q->heap[place / 2]);
		place /= 2;
	}
	set(q, place, m);
}

static void
sink(struct qmgr *q, size_t place)
{
	struct message *m = q->heap[place];

	for (size_t child; (child = 2 * place) <= q->nheap; place = child) {
		if (child < q->nheap &&
		    q->heap[child + 1]->due < q->heap[child]->due)
			child++;
		if (q->heap[child]->due >= m->due)
			break;
		set(q, place, q->heap[child]);
	}
	set(q, place, m);
}

void
wait_add(struct qmgr *q, struct message *m, int64_t due)
{
	if (q->nheap + 1 >= q->heap_room) {
		q->heap_room = q->heap_room == 0 ? ROOM_MIN : q->heap_room * 2;
		q->heap = reallocarray(
		    q->heap, q->heap_room, sizeof(struct message *));
		if (q->heap == NULL)
			log_fatal("out of memory for the messages that wait");
	}
	m->state = MESSAGE_WAITING;
	m->due = due;
	set(q, ++q->nheap, m);
	rise(q, q->nheap);
}

void
wait_del(struct qmgr *q, struct message *m)
{
	size_t place = m->place;
	struct message *last = q->heap[q->nheap--];

	m->place = 0;
	if (last == m)
		return;
	set(q, place, last);
	rise(q, place);
	sink(q, last->place);
}
