/* SPDX-License-Identifier: ISC */
/*
 * turns - who is next: the one with the least key, and among equals the one
 * that came first.
 *
 * A pairing heap whose nodes stand in their owners, so that nothing is
 * allocated: putting one in is a few stores, taking out any of n takes
 * log n steps in the long run.
 *
 *	turns_put(&all, &x->turn, when);
 *	struct turn *first = turns_first(&all);
 */
#ifndef QMGR_TURNS_H
#define QMGR_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct turn {
	uint64_t key;
	uint64_t number; /* in the order they came */
	struct turn *child, *next;
	struct turn *back; /* the one before, or the parent of the first */
};

struct turns {
	struct turn *first; /* NULL: nobody */
	uint64_t number;
};

static inline struct turn *
turns_first(const struct turns *t)
{
	return t->first;
}

static inline bool
turns_is_empty(const struct turns *t)
{
	return t->first == NULL;
}

void turns_put(struct turns *t, struct turn *one, uint64_t key);
void turns_take(struct turns *t, struct turn *one); /* it is in there */

#endif
