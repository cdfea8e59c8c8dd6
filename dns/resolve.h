/* SPDX-License-Identifier: ISC */
/*
 * resolve - a question answered: from the cache, with the answer that another
 * task is already waiting for, or by asking the resolvers in turn.
 *
 * NXDOMAIN and NODATA are FIND_NO.  Silence, SERVFAIL, REFUSED, a lame or a
 * broken server, too many aliases, too many questions at a time: FIND_RETRY.
 * NXDOMAIN from a resolver that does not know the root either is FIND_RETRY
 * as well: it denies everything, and mail would bounce.
 */
#ifndef DNS_RESOLVE_H
#define DNS_RESOLVE_H

#include "resolver.h"
#include "wire.h"

#include "base/arena.h"
#include "mail/proto/dns.h"

#define RESOLVE_OPEN_MAX 2000             /* different questions at a time */
#define RESOLVE_TIME     (25 * CLOCK_SEC) /* below DNS_DEADLINE */
#define RESOLVE_ROUNDS   3
#define RESOLVE_DOWN     (10 * CLOCK_SEC) /* a silent one is asked last */
#define RESOLVE_ROOT     (3600 * CLOCK_SEC)

struct resolve;

struct resolve *resolve_new(const struct resolvers *resolvers);
void resolve_free(struct resolve **r); /* when nobody asks any more */

/* Without waiting: true when the answer is known.  *ret lies in `a`, which
 * has WIRE_ANSWER_MAX bytes left. */
bool resolve_known(struct resolve *r, struct str name, uint16_t type,
    struct arena *a, struct dns_answer *ret);

/* The same, waiting, in a task. */
void resolve_ask(struct resolve *r, struct str name, uint16_t type,
    struct arena *a, struct dns_answer *ret);

#endif
