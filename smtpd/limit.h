/* SPDX-License-Identifier: ISC */
/*
 * limit - what a client may do in a time and at a time, in all processes of
 * the service: the limits, the sessions that each client has in this process,
 * and the questions to memo, which counts for all.
 *
 * Clients count by their network (smtpd_client_ipv4_prefix_length and
 * smtpd_client_ipv6_prefix_length): who has one IPv6 address has 2^64.
 *
 * Could not ask is not too much: when memo does not answer in time nobody is
 * refused, which is logged once, and for LIMIT_AWAY nobody waits for it.  The
 * sessions in this process are known all the same.
 *
 * A ticket is a session's place among those of its client; one that is not
 * counted has none, and nothing of it is told to anyone.
 */
#ifndef SMTPD_LIMIT_H
#define SMTPD_LIMIT_H

#include "base/clock.h"
#include "base/map.h"
#include "base/serve.h"
#include "mail/conf.h"
#include "mail/proto/memo.h"
#include "net/ip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIMIT_AWAY    (5 * CLOCK_SEC)
#define LIMIT_KEY_MAX MEMO_KEY_MAX

struct limits {
	/* 0: none */
	uint64_t sessions, connections, messages, recipients, tls_sessions,
	    auths;         /* of a client, for this service */
	uint64_t failures; /* of authentication, of a client */
	uint64_t refusals; /* the same, of a login */
	uint64_t login_recipients;
	unsigned bits4, bits6; /* of an address, that count */
	struct str service;

	struct link *memo;
	struct map clients; /* struct limit_client */
	struct chan *told;  /* the conversation in which memo knows our
	                       sessions; NULL: there is none */
	bool is_away;       /* was said */
	int64_t away_until;
};

struct limit_client {
	uint64_t n;         /* sessions here */
	struct str key;     /* "service:network" */
	struct str network; /* the end of it */
	char text[];
};

struct limit_ticket {
	struct limit_client *client; /* NULL: none */
};

void limit_init(struct limits *l, struct serve *sv, const struct conf *c);
void limit_done(struct limits *l); /* all tickets were given back */

/* Is any limit set that counts clients? */
bool limit_is_set(const struct limits *l);

/* "192.0.2.1", "2001:db8::/64": the client's network, or what came of it. */
void limit_network(
    const struct limits *l, const struct ip *ip, struct buf *out);

void limit_enter(
    struct limits *l, const struct ip *ip, struct limit_ticket *ret);
void limit_leave(struct limits *l, struct limit_ticket *t);

/*
 * How many sessions the client of the ticket has, and connections it has made
 * with this one.  Waits.  False: could not ask; sessions are those here.
 */
bool limit_connect(struct limits *l, const struct limit_ticket *t,
    uint64_t *ret_sessions, uint64_t *ret_connections);

/* Add to the counters, and get their totals (mail/proto/memo.h).  Waits.
 * False: could not ask. */
bool limit_count(struct limits *l, const struct memo_count *counts, size_t n,
    uint64_t *ret_totals);

#endif
