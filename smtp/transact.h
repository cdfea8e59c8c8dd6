/* SPDX-License-Identifier: ISC */
/*
 * transact - one message over one session: MAIL, RCPT, DATA (RFC 5321 section
 * 3.3), in groups where the server knows PIPELINING (RFC 2920).
 */
#ifndef SMTP_TRANSACT_H
#define SMTP_TRANSACT_H

#include "letter.h"
#include "session.h"

/* Commands on the way without an answer: so many that the replies of a server
 * that answers at length fit into the socket's buffer while we still send. */
#define TRANSACT_GROUP 40

/*
 * Every recipient that is left gets its outcome or stays left, see letter.h.
 * False: the session was a kept one and its server had left it before it
 * heard of this message; nothing was said of any recipient, and a new session
 * will do.
 */
bool transact(struct letter *l, struct session *s);

#endif
