/* SPDX-License-Identifier: ISC */
/*
 * tickets - the keys of a service's session tickets (RFC 5077, RFC 8446
 * section 4.6.1).
 *
 * A service has two secrets, the newest and the one before it, each drawn at
 * random and the newest for `life` nanoseconds: so a ticket is good for one to
 * two lives, and what is recorded of a session is out of reach afterwards.
 * What a client is given is derived of a secret, of the name of its service
 * and of what else it binds its tickets to: all processes of a service have
 * the same, no two services do.
 */
#ifndef KEYS_TICKETS_H
#define KEYS_TICKETS_H

#include "base/str.h"
#include "mail/proto/keys.h"

#define TICKETS_SECRET 64

struct tickets {
	unsigned char secrets[KEYS_TICKETS_MAX][TICKETS_SECRET];
	size_t n; /* 0: not begun */
	int64_t life, since;
};

/* Draw what is due: true when something changed.  *ret_next is when to call
 * again. */
bool tickets_tend(
    struct tickets *t, int64_t life, int64_t now, int64_t *ret_next);

/* Ticket keys `i`, below t->n, 0 the newest. */
void tickets_get(const struct tickets *t, size_t i, struct str client,
    struct str binding, unsigned char ret[static KEYS_TICKET]);

#endif
