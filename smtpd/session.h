/* SPDX-License-Identifier: ISC */
/*
 * session - one client's conversation, in a task of its own.
 *
 *	greet -> a command, its reply, a command ... -> QUIT, or an end
 *
 * What belongs to the client lives as long as the session; what belongs to
 * a mail transaction (RFC 5321 section 3.3) lies in struct transaction and
 * has one end, session_reset(), whatever the end's reason.
 */
#ifndef SMTPD_SESSION_H
#define SMTPD_SESSION_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/task.h"
#include "client.h"
#include "command.h"
#include "limit.h"
#include "mail/addr.h"
#include "mail/intake.h"
#include "net/stream.h"
#include "mail/params.h"
#include "mail/transcript.h"
#include "server.h"
#include "treatment.h"

#include <sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

#define SESSION_HELO_MAX    512
#define SESSION_SCRATCH_MAX ((size_t)64 * 1024 * 1024)

/* Words for the end (check.h) that a stage left, where stages are judged at
 * their own commands (smtpd_delay_reject = no). */
enum kept_stage {
	KEPT_CLIENT,
	KEPT_HELO,
	KEPT_SENDER,
	KEPT_STAGES
};
struct kept {
	bool is_set;
	unsigned code;
	struct buf text;
};

/* Who has logged in (RFC 4954); empty: nobody. */
struct login {
	struct str method; /* "PLAIN" */
	struct str user;
};

struct transaction {
	struct arena arena;
	bool has_sender;
	struct addr sender;
	struct params params;
	size_t recipients;    /* that were accepted */
	struct str recipient; /* the last one; empty when there are others */
	size_t overshoot;     /* RCPTs beyond the limit */
	struct treatment treatment;
	uint64_t instance;     /* this transaction's number */
	struct intake *intake; /* from the first accepted recipient on */
};

enum session_end {
	SESSION_GOES_ON,
	SESSION_DONE,    /* QUIT */
	SESSION_REFUSED, /* we said our last */
	SESSION_LOST,    /* the client is gone */
	SESSION_TIMEOUT,
	SESSION_ERRORS, /* too many of them */
	SESSION_SHUTDOWN,
};

struct session {
	struct server *server;
	struct task *task;
	struct stream stream;
	struct arena arena;   /* the client's names */
	struct arena scratch; /* of one command */
	struct client client;
	struct limit_ticket ticket;
	bool is_own;      /* comes from this host itself */
	bool is_tls;      /* nobody on the way reads what is said */
	bool may_bare_lf; /* by its address: session_may_bare_lf() */
	struct login login;
	unsigned guesses; /* logins that failed */
	bool is_hiding;   /* the last command was AUTH: passwords may follow */
	bool is_pipelining_ill;
	bool is_waiting; /* for its client: may be cancelled */
	bool esmtp;
	struct buf helo; /* empty: not said yet */
	struct kept kept_permit[KEPT_STAGES], kept_reject[KEPT_STAGES];
	const char *where;   /* the stage, for the log: "CONNECT", "RCPT" */
	uint64_t data_bytes; /* in the DATA under way */
	struct transaction txn;
	struct command_count counts[COMMAND_COUNT];
	unsigned errors, junk; /* since the last message */
	unsigned refusals;     /* replies 4yz and 5yz in all */
	struct transcript transcript;
	enum session_end end;
	LIST_ENTRY(session) next;
};

/* Takes the descriptor and starts the task. */
void session_start(
    struct server *server, int fd, const struct ip *ip, uint16_t port);

/* End the mail transaction, whatever is in it. */
void session_reset(struct session *s);

/* STARTTLS: what the client said of itself before counts no more (RFC 3207
 * section 4.2). */
void session_forget(struct session *s);

/* The queue id, or "NOQUEUE". */
struct str session_id(const struct session *s);
const char *session_proto(const struct session *s); /* "SMTP", "ESMTP" */
const char *session_with(const struct session *s);  /* RFC 3848: "ESMTPSA" */

/* Has somebody logged in who has a name (smtpd_sasl_security_options without
 * noanonymous lets in others)?  Trusted as a client of mynetworks is. */
bool session_has_login(const struct session *s);
/* Does a bare LF end a line of this client's?  A stranger's does not. */
bool session_may_bare_lf(const struct session *s);
/* Whoever has logged in is forgotten: a new conversation begins. */
void session_log_out(struct session *s);

/* Our end of the connection; false: it has no address. */
bool session_local(
    const struct session *s, struct ip *ret_ip, uint16_t *ret_port);

int64_t session_timeout(const struct session *s);

/* A stranger's line ended in a bare LF: say so, and end the session. */
void session_refuse_bare_lf(struct session *s);

/* The stream gave `error`: note how the session ends. */
void session_fail(struct session *s, int error);

#endif
