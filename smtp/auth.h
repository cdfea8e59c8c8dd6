/* SPDX-License-Identifier: ISC */
/*
 * auth - logging in at a server that says AUTH (RFC 4954), by the strongest
 * mechanism of both that smtp_sasl_security_options and its kin and
 * smtp_sasl_mechanism_filter allow on this connection.
 */
#ifndef SMTP_AUTH_H
#define SMTP_AUTH_H

#include "session.h"

#define AUTH_OFFER_MAX 1024

/* What stands behind AUTH in the reply to EHLO. */
void auth_offer(struct session *s, struct str mechanisms);

/* Log in as s->login, where the server asks for it and we have one.  False
 * with *why: it did not work, the session has said QUIT. */
bool auth_log_in(struct session *s, struct fail *why);

#endif
