/* SPDX-License-Identifier: ISC */
/*
 * server - what all sessions of a process share: the configuration, read
 * once into the form in which it is asked; the tables; the ways to the other
 * programs; the sessions themselves.
 */
#ifndef SMTPD_SERVER_H
#define SMTPD_SERVER_H

#include "base/arena.h"
#include "base/serve.h"
#include "base/str.h"
#include "dict/dict.h"
#include "dovecot.h"
#include "limit.h"
#include "mail/conf.h"
#include "mail/intake.h"
#include "mail/match.h"
#include "mail/route.h"
#include "mail/transcript.h"
#include "net/stream.h"
#include "peers.h"
#include "rules.h"
#include "starttls.h"

#include <sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is tighter in a time of stress. */
struct bounds {
	int64_t timeout;
	int64_t starttls; /* a handshake's */
	unsigned hard_errors;
	unsigned junk;
};

struct session;
LIST_HEAD(session_list, session);

struct server {
	struct serve *sv;
	const struct conf *conf;
	struct arena arena; /* of what is made at the start */
	struct dict_env env;
	struct link *dns, *lookup;
	struct router *router;
	struct taker *taker;
	struct match *mynetworks;
	struct match *bare_lf_clients;
	struct match *unlimited_clients;
	struct match *unlimited_logins;
	struct match *rewrite_clients;
	struct dovecot *dovecot; /* NULL: nobody may log in */
	struct match *no_auth_clients;
	struct maps *login_maps; /* smtpd_sender_login_maps */
	struct match *forbidden; /* smtpd_forbidden_commands */
	bool rewrite_own, rewrite_mynetworks, rewrite_logins;
	bool rewrite_known_certs, rewrite_trusted_certs;
	struct rulebook *rules;
	struct limits limits;
	struct peers peers;
	struct starttls starttls;
	struct maps *relay_clientcerts; /* fingerprints */

	struct str hostname;
	struct str banner;
	struct bounds normal, stressed;
	unsigned soft_errors;
	int64_t error_sleep;
	size_t line_max;
	size_t command_max;  /* the same, of an AUTH */
	size_t response_max; /* of a line within AUTH */
	bool auth_needs_tls;
	uint64_t size_max; /* of a message; 0: none */
	size_t recipients_max;
	bool delay_reject;
	unsigned notices; /* enum notice_class, as bits */
	struct transcript_post post;
	bool normalizes; /* anyone's bare LF, not just those of friends */

	size_t sessions_max;     /* what the descriptors allow, or master.cf */
	bool is_limited;         /* by master.cf: who is too many waits */
	bool was_full;           /* said once */
	struct task_queue place; /* where those wait who accept for them */
	size_t session_count;
	size_t crowd; /* the most sessions since memory was given back */
	struct session_list sessions;
	bool is_draining; /* no new clients */
	bool is_hurrying; /* and the old ones leave at their next command */

	char block[STREAM_IN + 16]; /* DATA on its way from stream to intake:
	                               used between two waits */
};

/* NULL with `why` set. */
struct server *server_new(struct serve *sv, const struct conf *conf,
    const struct dict_env *env, struct link *dns, struct link *lookup,
    struct buf *why);
void server_free(struct server **s); /* when no session is left */

/* Tighter while most of what the process can hold is taken. */
const struct bounds *server_bounds(const struct server *s);

/* No more are let in until one leaves; said the first time. */
bool server_is_full(struct server *s);
void server_entered(struct server *s, struct session *session);
void server_left(struct server *s); /* the last one, in a drain: exit */

/* No new sessions: exit with the last one. */
void server_drain(struct server *s);
/* All who wait for their clients tell them 421 and leave; what is on its way
 * to the disk gets its answer first. */
void server_hurry(struct server *s);

#endif
