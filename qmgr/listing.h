/* SPDX-License-Identifier: ISC */
/*
 * listing - all messages, as they are at one moment: read by a forked copy of
 * this process, which nothing waits for and which changes nothing.  It writes
 * straight into a pipe of the tool's and goes at the tool's pace; it ends
 * with the tool, with us, or after LISTING_TIME.
 */
#ifndef QMGR_LISTING_H
#define QMGR_LISTING_H

#include "base/clock.h"
#include "base/str.h"

#include <stdbool.h>
#include <sys/types.h>

#define LISTING_TIME (600 * CLOCK_SEC)

/* SECURITY: copies at a time, all users'; and of them one user's. */
#define LISTINGS_MAX  6
#define LISTINGS_USER 2

struct qmgr;

/*
 * Start a copy that lists (proto/admin): *ret_fd is what is to be read, the
 * caller's.  Its end is seen to.  Waits a little for its turn.  0; -EBUSY: too
 * many; or -errno.
 */
int listing_start(struct qmgr *q, uid_t user, bool only_names, int *ret_fd);

/* Waits.  `each` gets the id of every message with a recipient that waits
 * and whose domain (or [domain]) is `site`.  0 or -errno. */
int listing_find(struct qmgr *q, uid_t user, struct str site,
    void (*each)(void *arg, struct str id), void *arg);

#endif
