/* SPDX-License-Identifier: ISC */
/*
 * resume - TLS sessions to be taken up again, by server and policy: at most
 * RESUME_MAX, in memory; the oldest goes first.
 */
#ifndef SMTP_RESUME_H
#define SMTP_RESUME_H

#include "net/tls.h"

#define RESUME_MAX 1000

struct resume;

struct resume *resume_new(int64_t lifetime); /* 0: nothing is kept */
void resume_free(struct resume **r);

/* NULL: none.  Borrowed, until the next put. */
struct tls_session *resume_get(struct resume *r, struct str key);
/* Takes the session, which may be NULL. */
void resume_put(struct resume *r, struct str key, struct tls_session *session);
void resume_drop(struct resume *r, struct str key);

#endif
