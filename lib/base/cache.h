/* SPDX-License-Identifier: ISC */
/*
 * cache - values under keys, each for a time: bounded in entries and bytes,
 * the one least recently used goes first.  Both are bytes, of which the cache
 * keeps copies; who puts a struct encodes it (base/shape.h).
 *
 *	struct cache *c = cache_new(1000, 1024 * 1024);
 *
 *	cache_put(c, STR("key"), STR("value"), clock_after(5 * CLOCK_SEC));
 *	if (cache_get(c, STR("key"), &value, &until))
 *		...
 */
#ifndef BASE_CACHE_H
#define BASE_CACHE_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cache;

struct cache *cache_new(size_t count_max, size_t bytes_max);
void cache_free(struct cache **c);

/* False: not there, or its time (clock_mono()) is over.  *ret is good until
 * the next call that takes a cache which is not const. */
bool cache_get(
    struct cache *c, struct str key, struct str *ret, int64_t *ret_until);
/* Instead of what was there. */
void cache_put(
    struct cache *c, struct str key, struct str value, int64_t until);
void cache_del(struct cache *c, struct str key);

size_t cache_count(const struct cache *c);
size_t cache_bytes(const struct cache *c); /* with what each entry costs */

#endif
