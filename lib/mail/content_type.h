/* SPDX-License-Identifier: ISC */
/*
 * content_type - the value of a Content-Type field (RFC 2045 section 5.1), as
 * far as it tells how a message is built: its type and its boundary.
 *
 * Folds and comments may stand anywhere.  Reads what mailers write rather than
 * the grammar alone: an unquoted boundary ends at a blank or a ';'.  RFC 2231's
 * boundary*0 is not put together, as no mailer writes it.
 */
#ifndef MAIL_CONTENT_TYPE_H
#define MAIL_CONTENT_TYPE_H

#include "base/buf.h"
#include "base/str.h"

/* RFC 2046 allows 70; there are longer ones, with names of hosts in them. */
#define BOUNDARY_MAX 1000

struct content_type {
	struct str type, subtype; /* as written, into the value */
};

/*
 * 0, with the boundary added to `boundary`: nothing when there is none, or
 * when its maximum does not hold it (then it is `full`).  -EINVAL: not
 * "type/subtype".
 */
int content_type_parse(
    struct str value, struct content_type *ret, struct buf *boundary);

#endif
