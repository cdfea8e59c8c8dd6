/* SPDX-License-Identifier: ISC */
/*
 * sites - what waits in the queue, by the domain of its recipients: counted
 * from a listing, one entry after the other.  Case is ignored.  Beyond
 * SITES_MAX domains the rest is counted together.
 */
#ifndef TOOLS_SITES_H
#define TOOLS_SITES_H

#include "base/map.h"
#include "mail/proto/admin.h"

#include <stdbool.h>

#define SITES_MAX        20000
#define SITES_REASON_MAX 255
#define SITES_OTHERS     "(others)"

struct site {
	char *name;                        /* in lower case */
	uint64_t deferred, held;           /* recipients */
	char reason[SITES_REASON_MAX + 1]; /* the last one seen */
};

struct sites {
	struct map all; /* struct site */
};

void sites_init(struct sites *s);
void sites_done(struct sites *s);
void sites_add(struct sites *s, const struct admin_entry *e);
const struct site *sites_get(const struct sites *s, struct str name);

/* Is the address there?  `site` is a domain, or an address. */
bool sites_is_at(struct str address, struct str site);
/* The first of its recipients there; NULL: none is. */
const struct admin_recipient *sites_find(
    const struct admin_entry *e, struct str site);

#endif
