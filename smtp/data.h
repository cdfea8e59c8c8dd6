/* SPDX-License-Identifier: ISC */
/*
 * data - a message's content after the reply to DATA, and what the server says
 * at its end (RFC 5321 section 4.1.1.4; LMTP: RFC 2033 section 4.2): one step
 * of a transaction, for transact.c alone.
 */
#ifndef SMTP_DATA_H
#define SMTP_DATA_H

#include "letter.h"
#include "reply.h"
#include "session.h"

struct transaction {
	struct letter *l;
	struct session *s;
	struct reply reply;
	const size_t *rcpts; /* indices of those that are left */
	size_t n;
	size_t accepted;
	bool mail_ok;
	bool data_ok;  /* 354 */
	bool is_stale; /* the kept session was over */
	bool is_over;  /* refused: the replies that are left say no more */
};

/* The stream broke while `doing`: that is the end for all that are left. */
void transaction_broke(struct transaction *t, int error, const char *doing);

/* 354 was said.  All that were accepted have an outcome, or are left to the
 * next server. */
void data_send(struct transaction *t);

#endif
