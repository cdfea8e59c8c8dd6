/* SPDX-License-Identifier: ISC */
/*
 * rewrite - addresses made whole: "joe" becomes joe@$myorigin
 * (append_at_myorigin), joe@host becomes joe@host.$mydomain
 * (append_dot_mydomain).  Envelopes always; headers only in mail of this
 * site's own (local_header_rewrite_clients).  '%' and '!' say nothing here.
 */
#ifndef MAIL_REWRITE_H
#define MAIL_REWRITE_H

#include "base/arena.h"
#include "mail/addr.h"
#include "mail/conf.h"

struct rewrite {
	struct str origin;   /* empty: do not append */
	struct str mydomain; /* empty: do not append */
};

/* Borrows from `c`. */
struct rewrite rewrite_of(const struct conf *c);

/* The address made whole, in `a` when it changed.  The null address, and
 * what would be too long, stay as they are. */
struct addr rewrite_addr(
    const struct rewrite *w, struct addr addr, struct arena *a);

#endif
