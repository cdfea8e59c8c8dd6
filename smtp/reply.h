/* SPDX-License-Identifier: ISC */
/*
 * reply - what a server says, line by line (RFC 5321 section 4.2).
 *
 * A pure parser: it gets lines without their ends, keeps at most
 * REPLY_TEXT_MAX bytes of them, and says when the reply is whole.  What is not
 * a reply is REPLY_BAD, and never guessed at: with several commands on the
 * way, one line too many or too few would put every later answer to the wrong
 * command, and tell of a delivery that was none.
 *
 *	struct reply r;
 *	reply_init(&r);
 *	while ((step = reply_add(&r, line)) == REPLY_MORE)
 *		...
 */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include "base/buf.h"
#include "base/str.h"

#define REPLY_LINE_MAX  4096
#define REPLY_LINES_MAX 500
#define REPLY_TEXT_MAX  8192
#define REPLY_DSN_MAX   12 /* "5.123.123" and the NUL */

struct reply {
	unsigned code;           /* of the last line */
	char dsn[REPLY_DSN_MAX]; /* as said, or "X.0.0" after the code */
	struct buf text; /* the lines with their codes, LF between them */
	unsigned lines;
};

enum reply_step {
	REPLY_MORE, /* "250-..." */
	REPLY_DONE,
	REPLY_BAD, /* the text holds the line; the rest is as it was */
};

void reply_init(struct reply *r);
void reply_reset(struct reply *r);
void reply_done(struct reply *r);

enum reply_step reply_add(struct reply *r, struct str line);

bool reply_is_positive(const struct reply *r); /* 2xx */

/* "X.Y.Z" at the front of `s`, followed by a blank or the end: its length, or
 * 0.  RFC 3463 section 2. */
size_t reply_dsn_length(struct str s);

#endif
