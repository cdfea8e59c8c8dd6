/* SPDX-License-Identifier: ISC */
/*
 * dsn - the values of the DSN extension of SMTP (RFC 3461): RET and ENVID of
 * MAIL, NOTIFY and ORCPT of RCPT, as text and as struct envelope and struct
 * recipient have them; and what becomes of them when others take a
 * recipient's place.
 *
 * All texts are one line of printable ASCII: what is not is refused.
 */
#ifndef MAIL_DSN_H
#define MAIL_DSN_H

#include "base/arena.h"
#include "base/buf.h"

#include <stdint.h>

/*
 * xtext (section 4): "+3D" stands for "=".  0 with the text in `a`, or
 * -EINVAL: not xtext, or of something that is not printable ASCII.
 */
int dsn_xtext_decode(struct str in, struct arena *a, struct str *ret);
void dsn_xtext_encode(struct str text, struct buf *out);

/* "FULL", "HDRS": enum ret.  0 or -EINVAL. */
int dsn_ret_parse(struct str word, uint64_t *ret);
const char *dsn_ret_word(uint64_t ret); /* of one that was said */

/* "SUCCESS,DELAY": bits of enum notify; "NEVER" alone.  0 or -EINVAL. */
int dsn_notify_parse(struct str list, uint64_t *ret);
void dsn_notify_format(uint64_t notify, struct buf *out);

/* An ENVID: 0 with it decoded; -EINVAL, also when it is longer than
 * BOUND_ENVID. */
int dsn_envid_parse(struct str value, struct arena *a, struct str *ret);

/* "rfc822;xtext": 0 with the type and the address decoded, as they stand in
 * an Original-Recipient field; -EINVAL, also when it is longer than
 * BOUND_ORCPT. */
int dsn_orcpt_parse(struct str value, struct arena *a, struct str *ret);
/* 0, or -EINVAL with nothing added: it has no type. */
int dsn_orcpt_format(struct str orcpt, struct buf *out);

/*
 * RFC 3461 section 5.2.7.2 (b): what those are asked who take the place of a
 * recipient: the same but for SUCCESS, of which the sender hears that it was
 * expanded.
 */
uint64_t dsn_notify_of_members(uint64_t notify);

/* "5.7.1 text": take the enhanced code (RFC 3463) off the front of *text, if
 * there is one; else empty. */
struct str dsn_cut_status(struct str *text);

#endif
