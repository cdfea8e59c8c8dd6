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
	bool has_auth;
	struct buf mechanisms; /* behind AUTH */
	uint64_t size_limit;   /* 0: none */

	struct login login; /* who we are there, if it asks */
	bool is_known;      /* and it was told */
	bool is_proved;     /* the server's certificate is as it has to be */

	bool is_own; /* it says that it is us */
	bool is_dead;
	bool needs_rset; /* a transaction was left half done */
	unsigned uses;   /* messages sent before */
	int64_t opened;

	struct transcript transcript;

	int64_t idle_until; /* in the pool */
	TAILQ_ENTRY(session) link;
};

/* Connect, take the greeting, say EHLO, log in as `login`.  NULL with *why
 * set; or with *why set and a session that is dead. */
struct session *session_open(const struct settings *settings,
    const struct target *to, const struct login *login, struct fail *why);
void session_free(struct session **s); /* closes, without a word */
void session_quit(struct session **s); /* QUIT first, where that is of use */

/* QUIT without waiting for what is said to it; dead from here on. */
void session_leave(struct session *s);

/* Does it lead there, and for the same login?  SECURITY: what one may send
 * there another may not. */
bool session_serves(const struct session *s, const struct target *to,
    const struct login *login);

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
