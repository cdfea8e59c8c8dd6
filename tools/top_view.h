/* SPDX-License-Identifier: ISC */
/*
 * top_view - what `valija top` shows, as text: qmgr's state, and its
 * destinations joined with what a listing says of their domains.
 */
#ifndef TOOLS_TOP_VIEW_H
#define TOOLS_TOP_VIEW_H

#include "base/arena.h"
#include "mail/proto/admin.h"
#include "sites.h"

#include <stdio.h>

/* One destination, or a domain that has no job now. */
struct top_row {
	struct str transport; /* empty: none yet */
	struct str name;      /* next hop, or domain */
	uint64_t waiting, busy, window;
	uint64_t deferred, held;
	bool is_dead;
	int64_t next; /* ns */
	struct str why;
};

/* The busiest first; in `a`, borrowing from both. */
struct top_rows {
	struct top_row *p;
	size_t n;
};
struct top_rows top_view_join(
    const struct admin_state *s, const struct sites *sites, struct arena *a);

/* A message, as the list of one destination's shows it. */
struct top_message {
	struct str queue, id;
	int64_t arrival;
	uint64_t size, recipients;
	struct str sender, recipient, reason;
};

/* Each line is cut to `width` columns; 0: it is not. */
void top_view_head(FILE *out, const struct admin_state *s, unsigned width);
void top_view_titles(FILE *out, unsigned width);
void top_view_row(FILE *out, const struct top_row *r, unsigned width);
void top_view_message_titles(FILE *out, unsigned width);
void top_view_message(
    FILE *out, const struct top_message *m, int64_t now, unsigned width);

#endif
