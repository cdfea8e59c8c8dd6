/* SPDX-License-Identifier: ISC */
/*
 * generic - addresses as others may see them (smtp_generic_maps): those of
 * this site that mean nothing outside become ones that do, in the envelope and
 * in the fields of a header that hold addresses.
 *
 * Keys are those of mail/address.h; "user" alone counts for $myorigin and
 * $mydestination.  A value "@domain" keeps the local part, one without a
 * domain gets $myorigin.
 */
#ifndef SMTP_GENERIC_H
#define SMTP_GENERIC_H

#include "base/find.h"
#include "mail/address.h"
#include "mail/conf.h"

struct generic {
	struct maps *maps;
	struct match *local;
	struct str origin;
	struct address_rule rule;
};

/* False with `why`. */
bool generic_open(struct generic *g, const struct conf *c, enum param maps,
    const struct dict_env *env, struct buf *why);
void generic_done(struct generic *g);
bool generic_is_empty(const struct generic *g);

/* FIND_YES with *ret (in `a`) when it becomes another; FIND_NO; or it could
 * not be asked. */
enum find generic_map(const struct generic *g, struct addr addr,
    struct arena *a, struct addr *ret);

/* The same of the address as it stands in an envelope, which may be null:
 * *ret is what is to be said.  0 or -EAGAIN. */
int generic_envelope(const struct generic *g, struct str address,
    struct arena *a, struct str *ret);

/* A whole field, appended with its addresses mapped, if it has any; what is
 * not well formed stays.  0 or -EAGAIN. */
int generic_field(const struct generic *g, struct str field, struct buf *out);

#endif
