/* SPDX-License-Identifier: ISC */
/*
 * dovecot_server - the connection to an authentication server, for dovecot.c
 * alone: made, greeted, listened to by one task, closed.
 */
#ifndef SMTPD_DOVECOT_SERVER_H
#define SMTPD_DOVECOT_SERVER_H

#include "dovecot.h"
#include "mail/match.h"
#include "net/stream.h"

#define DOVECOT_MECHANISMS_MAX 32

struct dovecot_mechanism {
	char name[DOVECOT_MECHANISM_MAX + 1];
	unsigned properties;
};

/* What smtpd_sasl_security_options says. */
struct dovecot_limits {
	unsigned forbidden, required; /* enum dovecot_property, as bits */
};

struct dovecot {
	struct serve *sv;
	struct arena arena;
	struct str endpoint; /* empty: the suite's own program */
	struct str service;
	struct match *filter;
	struct dovecot_limits plain, tls;

	/* What the server said last; kept when the connection is gone. */
	struct dovecot_mechanism mechanisms[DOVECOT_MECHANISMS_MAX];
	size_t nmechanisms; /* 0: it was never reached */

	bool is_open;    /* the server's greeting was heard to its end */
	bool did_open;   /* this connection, or the last one */
	bool is_running; /* the task that makes and hears the connection */
	bool is_freed;   /* by its owner; the task leaves */
	int64_t again;   /* after a failure: not before */
	int error;       /* of the last connection, -errno */
	int64_t heard;   /* when the server said something */
	struct stream stream;
	bool is_writing;
	struct task_queue opening, writing;
	uint32_t last_id;
	LIST_HEAD(, dovecot_try) tries;
};

/* Wait until there is a connection: 0 or -errno. */
int dovecot_open(struct dovecot *d, int64_t deadline);

/* One line, with its LF; 0 or -errno, after which what it was about is lost. */
int dovecot_send(struct dovecot *d, struct str line, int64_t deadline);

/* Nothing good comes from it: end the connection, and all its tries. */
void dovecot_hang_up(struct dovecot *d);

#endif
