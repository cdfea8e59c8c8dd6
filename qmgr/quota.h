/* SPDX-License-Identifier: ISC */
/*
 * quota - how many of something there may be at a time, and how many of them
 * may be one user's.  SECURITY: no user's keep those of others out.
 */
#ifndef QMGR_QUOTA_H
#define QMGR_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <sys/types.h>

/* Embedded in what is counted. */
struct quota_use {
	LIST_ENTRY(quota_use) link;
	uid_t user;
};

/* The bounds set and the rest zero: nothing is in use. */
struct quota {
	size_t all_max;
	size_t free_min; /* of them, kept for who is not bound */
	size_t user_max;
	LIST_HEAD(, quota_use) uses;
};

/* False: there are too many.  `is_bound`: the user's own bound holds, and what
 * is kept for others. */
bool quota_take(
    struct quota *q, struct quota_use *u, uid_t user, bool is_bound);
void quota_give(struct quota_use *u);

#endif
