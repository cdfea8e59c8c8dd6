/* SPDX-License-Identifier: ISC */
/*
 * secure - a session under TLS, as its policy wants it: STARTTLS (RFC 3207)
 * or from the first byte on, who is at the other end, what the log reads.
 */
#ifndef SMTP_SECURE_H
#define SMTP_SECURE_H

#include "session.h"

#include "base/aged.h"
#include "net/tls.h"

struct secure {
	struct tls_context *context;
	struct aged *sessions; /* to take up again, by server and policy */
	int64_t time;          /* for STARTTLS and the handshake */
	unsigned loglevel;     /* smtp_tls_loglevel */
};

/* `identify`: whose certificate we show, where we are asked for one; may be
 * NULL.  False with `why`. */
bool secure_init(struct secure *s, const struct conf *c, bool is_lmtp,
    struct str service, struct str authorities, tls_identify identify,
    void *identify_arg, struct buf *why);
void secure_done(struct secure *s);

/* A handshake, now.  False with *why: the session is dead, or was left. */
bool secure_shake_hands(struct session *s, struct fail *why);

/*
 * After EHLO: STARTTLS, where the policy wants it.  *ret_is_new: we are under
 * TLS from here on, and all that the server said counts no more.  False as
 * above.
 */
bool secure_start(struct session *s, struct fail *why, bool *ret_is_new);

/* At the end of a session: what is worth keeping for the next one. */
void secure_keep(struct session *s);

#endif
