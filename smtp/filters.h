/* SPDX-License-Identifier: ISC */
/*
 * filters - the tables that the client asks: of servers by address, of their
 * replies, of what a header holds, of what is said of a delivery.  Each may be
 * empty.  Looking up may wait.
 */
#ifndef SMTP_FILTERS_H
#define SMTP_FILTERS_H

#include "base/arena.h"
#include "base/buf.h"
#include "dict/dict.h"
#include "generic.h"
#include "mail/conf.h"
#include "mail/content.h"
#include "mail/outcome.h"
#include "net/ip.h"

struct filters {
	struct maps *keywords; /* smtp_discard_ehlo_keyword_address_maps */
	struct maps *replies;  /* smtp_reply_filter */
	struct maps *statuses; /* smtp_delivery_status_filter */
	struct maps *header;   /* smtp_header_checks */
	struct generic generic;
};

/* False with `why`: a table cannot be opened. */
bool filters_open(struct filters *r, const struct conf *c,
    const struct dict_env *env, struct buf *why);
void filters_done(struct filters *r);

/* In place of `otherwise`: the keywords that are not heard from this server;
 * a table that cannot be asked is none.  In `a`. */
struct str filters_keywords(const struct filters *r, const struct ip *server,
    struct str otherwise, struct arena *a);

/* The line of a reply, or what stands for it; in `a`. */
struct str filters_reply(
    const struct filters *r, struct str line, struct arena *a);

/*
 * "5.7.1 text" may say another code and text: of the same kind, but for
 * failures, which may be for now or for good.  SECURITY: what was delivered
 * stays delivered, and what was not is never said to be.  In `a`; the text has
 * at most `text_max` bytes.
 */
void filters_status(const struct filters *r, struct outcome *o, struct str id,
    size_t text_max, struct arena *a);

/*
 * The header of `c` with what smtp_header_checks makes of its fields (IGNORE,
 * STRIP, REPLACE, PREPEND, WARN, INFO), and then smtp_generic_maps of its
 * addresses, in `out`; *ret_end is where the rest
 * of the content begins.  0; -EAGAIN: a table could not be asked; or what
 * reading said.
 */
bool filters_change_header(const struct filters *f);
int filters_header(const struct filters *r, struct content *c, struct str id,
    struct buf *out, size_t *ret_end);

#endif
