/* SPDX-License-Identifier: ISC */
/*
 * trouble - what a session's commands and replies are for its transcript
 * (mail/transcript.h), and of what trouble they tell.
 */
#ifndef SMTPD_TROUBLE_H
#define SMTPD_TROUBLE_H

#include "base/str.h"

struct session;

/* SECURITY: what a client says of a password is not kept. */
void trouble_heard(struct session *s, struct str line);
/* A reply, with the class of its trouble. */
void trouble_said(struct session *s, struct str line);
/* Trouble that the reply does not tell by its code: enum notice_class. */
void trouble_note(struct session *s, unsigned class);

/* The class of trouble (enum notice_class) that a reply tells of; 0: none. */
unsigned trouble_class(struct str reply);

/* At the session's end.  Waits for the disk, when there is anything to say. */
void trouble_tell(struct session *s);

#endif
