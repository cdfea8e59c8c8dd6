/* SPDX-License-Identifier: ISC */
/* listing - how entries of the queue are shown, for people and programs. */
#ifndef TOOLS_LISTING_H
#define TOOLS_LISTING_H

#include "mail/proto/admin.h"

#include <stdio.h>

struct listing {
	FILE *out;
	uint64_t count, bytes;
};

/* As postqueue -p: the entry with the listing's head before the first, and
 * what stands at the end. */
void listing_entry(struct listing *l, const struct admin_entry *e);
void listing_end(struct listing *l);

/* As postqueue -j: one object a line. */
void listing_json(struct listing *l, const struct admin_entry *e);

#endif
