/* SPDX-License-Identifier: ISC */
/*
 * recall - the servers of a next hop, remembered for RECALL_TIME: many
 * messages for one destination ask the DNS once.  What could not be found is
 * not remembered.  At most RECALL_MAX next hops; the oldest goes first.
 */
#ifndef SMTP_RECALL_H
#define SMTP_RECALL_H

#include "target.h"

#include "base/aged.h"
#include "base/arena.h"

#define RECALL_TIME (5 * CLOCK_SEC)
#define RECALL_MAX  1000

/* What next hops are remembered in. */
struct aged *recall_new(void);

/* False: not known.  The copy lies in `a`. */
bool recall_get(
    struct aged *r, struct str nexthop, struct arena *a, struct targets *ret);
void recall_put(
    struct aged *r, struct str nexthop, const struct targets *targets);

#endif
