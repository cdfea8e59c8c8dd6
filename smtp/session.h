/* SPDX-License-Identifier: ISC */
/*
 * session - a connection to a server, from connect to QUIT, and what the
 * server said that it can do.
 *
 * Everything here waits, in a task, each step up to its own time-out.  A
 * session whose stream broke, or that said something that is not SMTP, or
 * 421, is `is_dead`: it is closed without another word.
 */
#ifndef SMTP_SESSION_H
#define SMTP_SESSION_H

#include "fail.h"
#include "login.h"
#include "policy.h"
#include "reply.h"
#include "settings.h"
#include "target.h"

#include "base/buf.h"
#include "mail/transcript.h"
#include "net/stream.h"

#include <stdbool.h>
#include <sys/queue.h>

struct session {
	struct stream stream;
	const struct settings *settings;
	struct buf host;  /* as it was found for the message at hand */
	struct buf name;  /* "host[address]" */
	struct buf relay; /* "host[address]:port", "host[path]" */
	struct buf path;  /* of its socket; empty: an address */
	struct ip ip;
	uint16_t port;

	bool has_pipelining, has_size, has_8bit, has_utf8, has_dsn;
	bool has_starttls, has_auth;
	struct buf mechanisms; /* behind AUTH */
	uint64_t size_limit;   /* 0: none */

	struct login login; /* who we are there, if it asks */
	bool is_known;      /* and it was told */
	struct str secret; /* what was said last, and is not to be read again */
	const struct tls_policy *policy; /* while it is being opened */
	struct buf policy_key;           /* of it */
	bool is_proved;     /* the server's certificate is as it has to be */
	bool is_tls_broken; /* the handshake did not work */
	bool is_ready;      /* for messages */
	bool keeps;         /* for more than one */

	bool is_own; /* it says that it is us */
	bool is_dead;
	bool needs_rset; /* a transaction was left half done */
	unsigned uses;   /* messages sent before */
	int64_t opened;

	struct transcript transcript;

	int64_t idle_until; /* in the pool */
	TAILQ_ENTRY(session) link;
};

/* On which a session is opened, and used. */
struct terms {
	struct login login;
	struct tls_policy policy;
};

/* Connect, take the greeting, say EHLO, begin TLS, log in.  NULL with *why
 * set; or with *why set and a session that is dead. */
struct session *session_open(const struct settings *settings,
    const struct target *to, const struct terms *terms, struct fail *why);
void session_free(struct session **s); /* closes, without a word */
void session_quit(struct session **s); /* QUIT first, where that is of use */

/* QUIT without waiting for what is said to it; dead from here on. */
void session_leave(struct session *s);

/* Does it lead there, on the same terms?  SECURITY: what one may send there
 * another may not, and what is proved for one is not for another. */
bool session_serves(const struct session *s, const struct target *to,
    const struct terms *terms);

/* Its server goes by this name now; one address can have many. */
void session_call(struct session *s, struct str host);

/* Gathers "COMMAND\r\n"; goes out with what is read next. */
int session_send(struct session *s, struct str command);
/* At once, and not to be seen later; `shown` stands for it where what was
 * said is kept. */
int session_send_secret(
    struct session *s, struct str command, struct str shown);

/*
 * The next reply: 0 or -errno.  -EBADMSG: it is not SMTP, r->text is what it
 * was.  On any error and on 421 the session is dead.
 */
int session_reply(struct session *s, struct reply *r, int64_t timeout);

/* What a broken stream means while `doing` something; dead from here on. */
void session_broke(struct session *s, int error, const struct reply *r,
    const char *doing, struct fail *why);

/* A kept session can still be used: nothing came that nobody asked for. */
bool session_is_quiet(const struct session *s);

#endif
