/* SPDX-License-Identifier: ISC */
/*
 * limit - how many sessions one client has at a time, in all processes of
 * the service (smtpd_client_connection_count_limit).
 *
 * IPv6 clients count by their /64: a host owns at least that.
 */
#ifndef SMTPD_LIMIT_H
#define SMTPD_LIMIT_H

#include "base/map.h"
#include "net/ip.h"

#include <stdbool.h>

struct limit {
	unsigned max; /* 0: none */
	struct map counts;
};

/* A session's place in the count.  All zero: it has none. */
struct limit_ticket {
	struct limit_count *count;
};

void limit_init(struct limit *l, unsigned max);
void limit_done(struct limit *l); /* all tickets were given back */

/* Count the client in.  *ret_n is how many sessions it has now; false when
 * they are too many (the ticket is taken all the same). */
bool limit_enter(struct limit *l, const struct ip *ip, struct limit_ticket *ret,
    unsigned *ret_n);
void limit_leave(struct limit *l, struct limit_ticket *t);

#endif
