/* SPDX-License-Identifier: ISC */
/*
 * header - the header section of a message (RFC 5322 section 2.2): fields of
 * one line or, folded, of several.  Lines here end in LF.  Copies nothing;
 * whatever does not look like a field ends the header, as for every mail
 * reader.
 *
 *	struct str rest = text;
 *	struct header h;
 *	while (header_next(&rest, &h))
 *		if (str_eq_case(h.name, STR("subject")))
 *			...
 */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

#define HEADER_NAME_MAX 127

struct header {
	struct str name;  /* as written, without blanks */
	struct str value; /* behind the ':', folds as they are, no last LF */
	struct str whole; /* name to value */
};

/* Does the line (without its LF) begin a field?  "Name: value"; blanks in
 * front of the ':' are the past's (RFC 5322 section 4.5) and taken. */
bool header_parse_line(struct str line, struct header *ret);

/* Does it go on with the field before? */
bool header_is_folded(struct str line);

/* Take the next field off *rest; false at the empty line, at what is no
 * field, and at the end: *rest is left there. */
bool header_next(struct str *rest, struct header *ret);

/* The value in one line: each line break and the blanks after it become one
 * blank, none around.  -EMSGSIZE: only what fitted. */
int header_unfold(struct str value, struct buf *out);

#endif
