/* SPDX-License-Identifier: ISC */
/*
 * body - a message's content as DATA wants it: CRLF at the end of each line,
 * a dot before a dot at its start (RFC 5321 section 4.5.2).
 *
 * What comes out holds CR and LF only together: a CR inside a line becomes a
 * blank (a server that took it for an end of line would see another message
 * than the one that was checked).  With a line limit longer lines are folded
 * by CR LF and a blank; without one they go out as they are.
 *
 * Works on blocks: lines are found with memchr and copied whole.
 */
#ifndef SMTP_BODY_H
#define SMTP_BODY_H

#include "base/str.h"
#include "net/stream.h"

#include <stdbool.h>
#include <stddef.h>

struct body {
	struct stream *out;
	size_t line_limit; /* 0: none */
	size_t column;     /* bytes of the line so far */
};

void body_init(struct body *b, struct stream *out, size_t line_limit);
int body_write(struct body *b, struct str bytes); /* lines ended by LF */
int body_end(struct body *b); /* the end of the last line, and the dot */

#endif
