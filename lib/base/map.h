/* SPDX-License-Identifier: ISC */
/*
 * map - a hash table from text to a pointer.
 *
 * The hash is SipHash with a key drawn at random once a process, so that no
 * one outside can aim at a bucket.  Keys are borrowed: the bytes must live
 * as long as the entry (most often they are a field of the value).  Values
 * are never touched and never NULL.  Grows by itself; out of memory ends the
 * process, so whoever puts what came from outside bounds the count first.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

struct map_slot {
	struct str key;
	uint64_t hash;
	void *value; /* NULL: free */
};

struct map {
	struct map_slot *slots;
	size_t count;
	size_t cap; /* a power of two, or 0 */
};

void map_init(struct map *m);
void map_done(struct map *m); /* frees the table, not the values */
void map_clear(struct map *m);

void *map_get(const struct map *m, struct str key);        /* NULL: not there */
void *map_put(struct map *m, struct str key, void *value); /* the old value */
void *map_del(struct map *m, struct str key);              /* the old value */

/* All entries in no order; the map must not change meanwhile. */
#define MAP_FOREACH(slot, m)                                                   \
	for (struct map_slot *slot = (m)->slots; slot < (m)->slots + (m)->cap; \
	     slot++)                                                           \
		if (slot->value != NULL)

#endif
