/* SPDX-License-Identifier: ISC */
/*
 * cache - answers of the DNS, kept as long as they say and we allow.
 *
 * A YES is kept for its TTL, within CACHE_TTL_MIN and CACHE_TTL_MAX; a NO for
 * what its SOA says (RFC 2308), up to CACHE_NO_MAX, and not at all without
 * one; a RETRY for CACHE_RETRY seconds, so that a dead zone is asked for once
 * and not once a message.  Bounded in entries and bytes; the one least
 * recently used goes first.  Answers are kept encoded, in one piece each.  A
 * key is whatever text stands for the question.
 */
#ifndef DNS_CACHE_H
#define DNS_CACHE_H

#include "base/arena.h"
#include "mail/proto/dns.h"

#include <stdbool.h>

#define CACHE_TTL_MIN   1
#define CACHE_TTL_MAX   3600
#define CACHE_NO_MAX    300
#define CACHE_RETRY     5
#define CACHE_MAX       20000
#define CACHE_BYTES_MAX (16 * 1024 * 1024)
#define CACHE_ENTRY_MAX (64 * 1024) /* a larger one is not kept */

struct cache;

struct cache *cache_new(void);
void cache_free(struct cache **c);

/* False: not there.  *ret lies in `a`; its ttl is what is left. */
bool cache_get(
    struct cache *c, struct str key, struct arena *a, struct dns_answer *ret);
void cache_put(
    struct cache *c, struct str key, const struct dns_answer *answer);

size_t cache_count(const struct cache *c);
size_t cache_bytes(const struct cache *c);

#endif
