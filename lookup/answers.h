/* SPDX-License-Identifier: ISC */
/*
 * answers - those of lookup, kept for ANSWERS_SECONDS, so that a busy minute
 * asks the system once about each user; what could not be asked as well, so
 * that a directory that is down is waited for once and not once a message.
 */
#ifndef LOOKUP_ANSWERS_H
#define LOOKUP_ANSWERS_H

#include "base/arena.h"
#include "base/cache.h"
#include "mail/proto/lookup.h"

#include <stdbool.h>

#define ANSWERS_MAX       1000
#define ANSWERS_BYTES_MAX (32 * 1024 * 1024)
#define ANSWERS_SECONDS   5

/* The cache that answers are kept in. */
struct cache *answers_new(void);

/* False: not there.  *ret lies in `a`. */
bool answers_get(struct cache *c, const struct lookup_ask *ask, struct arena *a,
    struct lookup_answer *ret);
/* One that a packet cannot hold is not kept. */
void answers_put(struct cache *c, const struct lookup_ask *ask,
    const struct lookup_answer *answer);

#endif
