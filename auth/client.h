/* SPDX-License-Identifier: ISC */
/*
 * client - a conversation with a program whose users want to authenticate, as
 * the server of the Dovecot authentication protocol (version 1.2): smtpd over
 * a socketpair, others over $queue_directory/private/valija-auth.
 *
 *	us                                    the client
 *	  VERSION, MECH ..., SPID, CUID,
 *	  COOKIE, DONE                     ->
 *	                                   <- VERSION, CPID
 *	                                   <- AUTH 1 SCRAM-SHA-256 ... resp=...
 *	  CONT 1 BASE64                    ->
 *	                                   <- CONT 1 BASE64
 *	  OK 1 user=NAME                   ->  or FAIL 1 user=NAME [temp]
 *
 * Any number of requests may be open, up to CLIENT_REQUESTS_MAX; each ends
 * with OK or FAIL.  A line that is not of the protocol ends the conversation.
 * When the mechanisms change, or we leave, a conversation ends as soon as no
 * request of it is open: the client comes again and hears the new ones.
 */
#ifndef AUTH_CLIENT_H
#define AUTH_CLIENT_H

#include "mechanism.h"
#include "turns.h"
#include "users.h"

#include "base/task.h"

#include <stdbool.h>
#include <sys/queue.h>

#define CLIENT_REQUESTS_MAX 5000
#define CLIENTS_MAX         500
#define CLIENT_TIME         (10 * 60 * CLOCK_SEC) /* of a request */

struct client;
struct request;

/* What all conversations share. */
struct desk {
	struct users *users;
	bool offers[MECHANISMS]; /* by mechanism_at() */
	struct turns turns;
	TAILQ_HEAD(, client) clients;
	unsigned nclients;
	unsigned last_id;        /* CUID */
	struct task_queue ended; /* a conversation has */
};

void desk_init(struct desk *d);

/* Takes the descriptor, a stream's, non-blocking. */
void client_start(struct desk *d, int fd);
/* All that are there now end when they are idle. */
void clients_retire(struct desk *d);

/* ---- for requests (request.h) ---- */

void client_say(struct client *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* It has ended, and is no more among the client's. */
void client_forget(struct client *c, struct request *q);

#endif
