/* SPDX-License-Identifier: ISC */
/*
 * answers - those of the DNS, kept as long as they say and we allow.
 *
 * A YES is kept for its TTL, within ANSWERS_TTL_MIN and ANSWERS_TTL_MAX; a NO
 * for what its SOA says (RFC 2308), up to ANSWERS_NO_MAX, and not at all
 * without one; a RETRY for ANSWERS_RETRY seconds, so that a dead zone is asked
 * for once and not once a message.  A key is whatever text stands for the
 * question.
 */
#ifndef DNS_ANSWERS_H
#define DNS_ANSWERS_H

#include "base/arena.h"
#include "base/cache.h"
#include "mail/proto/dns.h"

#include <stdbool.h>

#define ANSWERS_TTL_MIN   1
#define ANSWERS_TTL_MAX   3600
#define ANSWERS_NO_MAX    300
#define ANSWERS_RETRY     5
#define ANSWERS_MAX       20000
#define ANSWERS_BYTES_MAX (16 * 1024 * 1024)
#define ANSWERS_ONE_MAX   (64 * 1024) /* a larger one is not kept */

/* The cache that answers are kept in. */
struct cache *answers_new(void);

/* False: not there.  *ret lies in `a`; its ttl is what is left. */
bool answers_get(
    struct cache *c, struct str key, struct arena *a, struct dns_answer *ret);
void answers_put(
    struct cache *c, struct str key, const struct dns_answer *answer);

#endif
