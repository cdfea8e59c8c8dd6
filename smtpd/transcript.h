/* SPDX-License-Identifier: ISC */
/*
 * transcript - what a client and we said, for a postmaster who wants to know
 * of trouble (notify_classes; mail/notice_class.h): kept while a session has
 * its errors, sent at its end, from double_bounce_sender to
 * error_notice_recipient, or bounce_notice_recipient for mail that its class
 * is about.
 *
 * SECURITY: it is the clients who make most of the trouble: it has a bound,
 * so have the notices of a minute, and what a client says of a password is
 * not kept.
 */
#ifndef SMTPD_TRANSCRIPT_H
#define SMTPD_TRANSCRIPT_H

#include "base/str.h"

struct session;

#define TRANSCRIPT_MAX       (8 * 1024) /* the oldest lines go */
#define TRANSCRIPT_LINE      500
#define TRANSCRIPTS_A_MINUTE 30

/* A line of the client's; one of ours, with the class of its trouble. */
void transcript_heard(struct session *s, struct str line);
void transcript_said(struct session *s, struct str line);
/* Trouble that the reply does not tell by its code: enum notice_class. */
void transcript_note(struct session *s, unsigned class);

/* The class of trouble (enum notice_class) that a reply tells of; 0: none. */
unsigned transcript_class(struct str reply);

/* All is well: what was said so far is of no use. */
void transcript_forget(struct session *s);

/* At the session's end.  Waits for the disk, when there is anything to say. */
void transcript_send(struct session *s);

#endif
