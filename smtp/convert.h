/* SPDX-License-Identifier: ISC */
/*
 * convert - a message for a server that takes 7 bits only (RFC 6152 section 3,
 * RFC 2045 section 6): the parts that need it become quoted-printable, or
 * base64 where that is shorter, and say so; what encloses them says 7bit.
 *
 * The content is read twice: convert_survey() finds out which parts need what,
 * in a byte for each of the first CONVERT_PARTS_MAX; convert_write() writes.
 * Memory is that and mime.h's, however large the message.
 *
 * Left as they are: parts that are encoded already, whatever they hold; those
 * that mime.h cannot take apart; 8-bit bytes in headers, around parts, and in
 * parts beyond the bound.  A message without MIME fields gets them, with
 * charset unknown-8bit (RFC 1428).  A signature over what is converted breaks:
 * who signs 8-bit text asks for that (RFC 1847 section 2.1), and Postfix does
 * the same.
 *
 *	struct convert *c = convert_new();
 *	convert_survey(c, bytes); ... convert_surveyed(c)
 *	if (convert_is_needed(c)) {
 *		convert_begin(c, body);
 *		convert_write(c, bytes); ...
 *		convert_end(c);
 *	}
 *	convert_free(&c);
 */
#ifndef SMTP_CONVERT_H
#define SMTP_CONVERT_H

#include "body.h"

#include "base/str.h"

#include <stdbool.h>

#define CONVERT_PARTS_MAX 65536

struct convert;

struct convert *convert_new(void);
void convert_free(struct convert **c);

/* Blocks of any size, cut anywhere, lines ended by LF. */
void convert_survey(struct convert *c, struct str bytes);
void convert_surveyed(struct convert *c);
bool convert_is_needed(const struct convert *c);

/* The same blocks once more: 0 or what body_write() said. */
void convert_begin(struct convert *c, struct body *out);
int convert_write(struct convert *c, struct str bytes);
int convert_end(struct convert *c); /* not the body's own end */

#endif
