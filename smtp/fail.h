/* SPDX-License-Identifier: ISC */
/*
 * fail - why something did not work: what the log and the sender will read.
 * The class of the enhanced code says whether it is for now or for good.
 *
 * Set again and again while servers are tried; the memory is used again.
 */
#ifndef SMTP_FAIL_H
#define SMTP_FAIL_H

#include "reply.h"

#include "base/buf.h"
#include "mail/outcome.h"

#include <stdbool.h>

struct fail {
	char dsn[REPLY_DSN_MAX]; /* empty: nothing failed yet */
	struct buf text;
	struct buf diagnostic; /* the server's reply; empty: our own words */
};

void fail_init(struct fail *f);
void fail_done(struct fail *f);
void fail_reset(struct fail *f);

/* In our own words. */
void fail_set(struct fail *f, const char *dsn, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* In the server's: "host NAME said: REPLY (in reply to COMMAND)". */
void fail_said(struct fail *f, const struct reply *r, const char *name,
    const char *command);
/* "host NAME refused to talk to me: REPLY". */
void fail_refused(struct fail *f, const struct reply *r, const char *name);

/* "SASL authentication failed; server NAME said: REPLY". */
void fail_login(struct fail *f, const struct reply *r, const char *name);

/* "TLS is required, but host NAME refused to start TLS: REPLY". */
void fail_tls(struct fail *f, const struct reply *r, const char *name);

/* Not a failure at all: the server's words as they stand. */
void fail_quote(struct fail *f, const struct reply *r);

bool fail_is_set(const struct fail *f);
bool fail_is_hard(const struct fail *f);           /* 5.x.x */
void fail_soften(struct fail *f, const char *dsn); /* "4.x.x" instead */

#endif
