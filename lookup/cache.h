/* SPDX-License-Identifier: ISC */
/*
 * cache - answers of lookup, kept for CACHE_SECONDS, so that a busy minute
 * asks the system once about each user; what could not be asked as well, so
 * that a directory that is down is waited for once and not once a message.
 *
 * At most CACHE_MAX answers; the one least recently used goes first.
 */
#ifndef LOOKUP_CACHE_H
#define LOOKUP_CACHE_H

#include "mail/proto/lookup.h"

#define CACHE_MAX     1000
#define CACHE_SECONDS 5

struct cache;

struct cache *cache_new(void);
void cache_free(struct cache **c);

/* The answer kept for a question, or NULL.  Good until the next put. */
const struct lookup_answer *cache_get(
    struct cache *c, const struct lookup_ask *ask);
void cache_put(struct cache *c, const struct lookup_ask *ask,
    const struct lookup_answer *answer);
size_t cache_count(const struct cache *c);

#endif
