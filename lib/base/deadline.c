/* SPDX-License-Identifier: ISC */
/*
 * deadline - the tasks that wait for a time, in a binary heap.  Each knows
 * its place in it, so that a wait that ends early is taken out at once.
 */
#include "base/log.h"
#include "base/task_impl.h"

#include <stdlib.h>

/* heap[1] is the soonest; the children of i are 2i and 2i + 1. */
static struct task **heap;
static size_t count, cap;

static void
set_at(size_t i, struct task *t)
{
	heap[i] = t;
	t->heap_at = i;
}

static void
sift_up(size_t i, struct task *t)
{
	for (; i > 1 && t->deadline < heap[i / 2]->deadline; i /= 2)
		set_at(i, heap[i / 2]);
	set_at(i, t);
}

static void
sift_down(size_t i, struct task *t)
{
	for (;;) {
		size_t child = 2 * i;

		if (child < count &&
		    heap[child + 1]->deadline < heap[child]->deadline)
			child++;
		if (child > count || heap[child]->deadline >= t->deadline)
			break;
		set_at(i, heap[child]);
		i = child;
	}
	set_at(i, t);
}

void
deadline_add(struct task *t)
{
	if (count + 1 >= cap) {
		cap = cap == 0 ? 64 : cap * 2;
		heap = reallocarray(heap, cap, sizeof(struct task *));
		if (heap == NULL)
			log_fatal("out of memory for %zu deadlines", cap);
	}
	sift_up(++count, t);
}

void
deadline_del(struct task *t)
{
	size_t i = t->heap_at;
	struct task *last;

	if (i == 0)
		return;
	t->heap_at = 0;
	last = heap[count--];
	if (last == t)
		return;
	if (i > 1 && last->deadline < heap[i / 2]->deadline)
		sift_up(i, last);
	else
		sift_down(i, last);
}

struct task *
deadline_first(void)
{
	return count == 0 ? NULL : heap[1];
}

void
deadline_clear(void)
{
	count = 0;
}
