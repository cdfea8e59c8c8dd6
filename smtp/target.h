/* SPDX-License-Identifier: ISC */
/*
 * target - the servers of a next hop, in the order in which they are tried.
 *
 * RFC 5321 section 5.1: the MX records of the domain, or without any its
 * addresses; by preference, those with the same one shuffled; none that is
 * this host, and none that is not better than this host.  RFC 7505: a null MX
 * takes no mail.
 */
#ifndef SMTP_TARGET_H
#define SMTP_TARGET_H

#include "fail.h"
#include "nexthop.h"
#include "own.h"
#include "settings.h"

#include "base/arena.h"
#include "base/serve.h"

#define TARGET_MAX   200
#define TARGET_HOSTS 30 /* MX hosts whose addresses are looked up */
#define TARGET_TIME  (60 * CLOCK_SEC) /* for all look-ups */

struct target {
	struct str host; /* its name, or its address as text */
	struct str path; /* a socket's; else empty */
	struct ip ip;
	uint16_t port;
	unsigned preference;
	uint32_t order; /* among those of one preference */
};

struct targets {
	struct target *list; /* in the arena */
	size_t n;
};

struct target_finder {
	const struct settings *settings;
	const struct own *own;
	struct link *dns, *lookup;
};

/*
 * Waits.  True with at least one target, in no order; false with *why: soft
 * when it could not be asked, hard when there is no such domain, or it is us,
 * or it takes no mail.
 */
bool target_find(const struct target_finder *f, const struct nexthop *to,
    struct arena *a, struct targets *ret, struct fail *why);

/* The order in which they are tried, drawn anew each time, and only as many
 * as will be. */
void target_order(struct targets *t, const struct settings *c);

#endif
