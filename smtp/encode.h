/* SPDX-License-Identifier: ISC */
/*
 * encode - a body in the two encodings of RFC 2045 sections 6.7 and 6.8: lines
 * of at most 76 characters of ASCII, ended by LF (body.h makes CRLF of it).
 *
 * Bytes and ends of lines are told apart: an end is a hard line break in
 * quoted-printable, and CR LF in base64, as it would be on the wire.
 */
#ifndef SMTP_ENCODE_H
#define SMTP_ENCODE_H

#include "body.h"

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define ENCODE_COLUMNS 76

struct encode {
	struct body *out;
	bool is_base64;
	char line[ENCODE_COLUMNS];
	size_t column; /* bytes of `line` */
	char held[3];  /* base64: not yet a group; else: a blank that may be the
	                  line's last */
	size_t n;
};

void encode_init(struct encode *e, struct body *out, bool is_base64);
int encode_bytes(struct encode *e, struct str bytes); /* without LF */
int encode_line_end(struct encode *e);
/* The last line had no end; or, in base64, whatever is left. */
int encode_end(struct encode *e);

/* Must quoted-printable write it as "=XX", wherever it stands? */
bool encode_is_special(char c);

#endif
