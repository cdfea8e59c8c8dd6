/* SPDX-License-Identifier: ISC */
/*
 * saslprep - SASLprep (RFC 4013): the one form of a name or password that can
 * be written in several: "ü" as one character or as two, a space that is a
 * wider one.  By libidn's stringprep, which knows Unicode 3.2; characters of
 * later versions stand for themselves.
 *
 * SCRAM demands it of both sides (RFC 5802 section 5.1), and PLAIN of the
 * server (RFC 4616 section 3).
 */
#ifndef MAIL_SASLPREP_H
#define MAIL_SASLPREP_H

#include "base/buf.h"
#include "base/str.h"

#define SASLPREP_MAX 4096 /* bytes of what is prepared */

/*
 * Adds to `out`.  0; -EINVAL: not UTF-8, control characters, others that are
 * prohibited, characters of both directions, nothing left; -EMSGSIZE.
 * Printable ASCII is what it is, at no cost.  SECURITY: for other text the
 * library leaves copies in freed memory: users' passwords are prepared in a
 * process that ends then.  (Those that smtp logs in with it has in its tables.)
 */
int saslprep(struct str in, struct buf *out);

/* The same; what cannot be prepared is added as it is.  0, or -EMSGSIZE: out
 * has no room for it. */
int saslprep_or_same(struct str in, struct buf *out);

#endif
