/* SPDX-License-Identifier: ISC */
/*
 * recall - the servers of a next hop, remembered for RECALL_TIME: many
 * messages for one destination ask the DNS once.  What could not be found is
 * not remembered.  At most RECALL_MAX next hops; the oldest goes first.
 */
#ifndef SMTP_RECALL_H
#define SMTP_RECALL_H

#include "target.h"

#include "base/arena.h"

#define RECALL_TIME (5 * CLOCK_SEC)
#define RECALL_MAX  1000

struct recall;

struct recall *recall_new(void);
void recall_free(struct recall **r);

/* False: not known.  The copy lies in `a`. */
bool recall_get(
    struct recall *r, struct str nexthop, struct arena *a, struct targets *ret);
void recall_put(
    struct recall *r, struct str nexthop, const struct targets *targets);

#endif
