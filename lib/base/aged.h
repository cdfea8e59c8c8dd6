/* SPDX-License-Identifier: ISC */
/*
 * aged - values under keys, each owned and all for the same time: bounded in
 * number, the oldest goes first.  What can be bytes, or has a time of its own,
 * is for base/cache.h.
 *
 *	struct aged *a = aged_new(1000, 5 * CLOCK_SEC, free);
 *
 *	aged_put(a, STR("key"), value);
 *	if ((value = aged_get(a, STR("key"))) != NULL)
 *		...
 */
#ifndef BASE_AGED_H
#define BASE_AGED_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

struct aged;

/* A lifetime of 0: nothing is kept.  `free_value` gets each value once, when
 * it is dropped. */
struct aged *aged_new(
    size_t max, int64_t lifetime, void (*free_value)(void *value));
void aged_free(struct aged **a);

/* NULL: not there, or its time is over.  Borrowed, until the next call. */
void *aged_get(struct aged *a, struct str key);
/* Takes the value, which is not NULL, instead of what was there; the key is
 * copied. */
void aged_put(struct aged *a, struct str key, void *value);
void aged_del(struct aged *a, struct str key);

#endif
