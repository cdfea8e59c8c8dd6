/* SPDX-License-Identifier: ISC */
/*
 * reply - what the client hears, in one place: line by line, with its
 * enhanced code (RFC 2034) in the text, CRLF added, bytes that would break
 * the line or a terminal made '?'.
 *
 * A 4yz or 5yz reply counts as an error of the client; beyond
 * smtpd_soft_error_limit it is slow in coming.  Nothing leaves before
 * reply_flush() or the next wait for input, so that a group of commands
 * (RFC 2920) gets its replies in one packet.
 */
#ifndef SMTPD_REPLY_H
#define SMTPD_REPLY_H

#include "session.h"

#define REPLY_LINE_MAX 512 /* RFC 5321 section 4.5.3.1.5, CRLF included */

void reply(struct session *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* One line of a reply of several: "250-text" until the last. */
void reply_line(struct session *s, unsigned code, bool last, struct str text);

/* "334 challenge", as long as it is: base64 of a server that we trust. */
void reply_challenge(struct session *s, struct str challenge);

void reply_flush(struct session *s);

#endif
