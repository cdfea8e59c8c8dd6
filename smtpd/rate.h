/* SPDX-License-Identifier: ISC */
/*
 * rate - a session's client and login held to the limits: asked at each thing
 * that is counted, refused in Postfix's words.
 *
 * All that ask may wait for memo.  True: go on, also when it cannot be asked
 * (limit.h).  False: the client was told, and the log.
 */
#ifndef SMTPD_RATE_H
#define SMTPD_RATE_H

#include "base/str.h"

#include <stdbool.h>

struct session;

/* Before anything is asked, so also before a handshake: the client is one of
 * those who are counted, or is not.  Does not wait. */
void rate_enter(struct session *s);

/* smtpd_client_connection_count_limit, smtpd_client_connection_rate_limit.
 * Once a session, before its greeting and its handshake: false, and it is
 * over; with smtpd_tls_wrappermode it is not told why. */
bool rate_connect(struct session *s);
/* Each MAIL, each RCPT, taken or not. */
bool rate_mail(struct session *s);
bool rate_recipient(struct session *s);

/*
 * smtpd_client_new_tls_session_rate_limit.  Before STARTTLS is answered; and
 * after a handshake in which no old session was resumed: false, and the
 * session is over.
 */
bool rate_starttls(struct session *s);
bool rate_new_tls(struct session *s);

/*
 * Authentication.  Each AUTH: the client's rate, and what failed of it lately;
 * 421, and the session is over, is among the refusals.  After it: what failed;
 * and, before a success is told, whether so many failed for the login that
 * it counts for nothing from a network where the login is a stranger.
 *
 * SECURITY: guesses that are made side by side all pass rate_auth(): so after
 * them as well, right or wrong, 421 is all that is told of one that is beyond
 * the client's limit.
 */
bool rate_auth(struct session *s);
bool rate_auth_failed(struct session *s, struct str login);
bool rate_login(struct session *s, struct str login);

/*
 * The message of one who has authenticated (session.login.user), with all its
 * recipients, before it is queued: past the login's rate it is put on hold,
 * and the first time in an hour the postmaster is told.
 */
void rate_message(struct session *s);

#endif
