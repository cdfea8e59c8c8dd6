/* SPDX-License-Identifier: ISC */
/*
 * sessions - how many are open of each client, in all smtpd processes.
 *
 * Each process says what it has; the sum is over all of them.  One that ends
 * takes its share with it.
 *
 *	sessions_init(&all);
 *	sessions_join(&share, &all);		a process comes
 *	sessions_set(&share, key, 3, &sum);	it has three of that client
 *	sessions_leave(&share);			it goes
 */
#ifndef MEMO_SESSIONS_H
#define MEMO_SESSIONS_H

#include "base/map.h"

#include <stdbool.h>
#include <stdint.h>

/* More clients than a process has descriptors for. */
#define SESSIONS_SHARE_MAX 20000

struct sessions {
	struct map sums; /* struct session_sum, by client */
};

struct sessions_share {
	struct sessions *all;
	struct map parts; /* struct session_part, by client */
};

void sessions_init(struct sessions *all);
void sessions_done(struct sessions *all); /* all shares have left */

void sessions_join(struct sessions_share *share, struct sessions *all);
void sessions_leave(struct sessions_share *share);

/* False: a share has no room for one more client; nothing has changed. */
bool sessions_set(struct sessions_share *share, struct str key, uint64_t n,
    uint64_t *ret_sum);

#endif
