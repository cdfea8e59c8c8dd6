/* SPDX-License-Identifier: ISC */
/*
 * listing - all messages, as they are at one moment: read by a forked copy of
 * this process, which nothing waits for and which changes nothing.
 */
#ifndef QMGR_LISTING_H
#define QMGR_LISTING_H

#include "mail/proto/admin.h"

#include <stdbool.h>

#define LISTINGS_MAX 2

struct qmgr;

/* Call `each` for every message until it is false; waits.  0 or -errno. */
typedef bool (*listing_fn)(void *arg, const struct admin_entry *e);
int listing_run(
    struct qmgr *q, listing_fn each, void *arg, uint64_t *ret_count);

#endif
