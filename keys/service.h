/* SPDX-License-Identifier: ISC */
/*
 * service - what one service of master.cf may use: its chains, its server
 * names, its ticket keys; and the one way to a signature.
 *
 * A service is known by the name that master gives its conversations, and once
 * known stays, with its secrets and what it used up of its rate, whatever
 * configurations come.  What is not in the last configuration has nothing.
 */
#ifndef KEYS_SERVICE_H
#define KEYS_SERVICE_H

#include "chain.h"
#include "names.h"
#include "rate.h"
#include "sources.h"
#include "tickets.h"

#include <sys/queue.h>

struct service {
	LIST_ENTRY(service) next;
	struct str client;
	enum keys_role role;
	uint64_t generation; /* of what it is told; 0: nothing yet */
	struct chain_list chains;
	struct chain_list before; /* sign until ... */
	int64_t before_until;
	struct names *names;
	struct tickets tickets;
	int64_t ticket_life;
	uint64_t rate_limit; /* a second; 0: none */
	struct rate rate;
	int64_t said_at; /* when it was last told off in the log */
};

struct services {
	LIST_HEAD(, service) list;
	size_t n;
	struct sources *sources;
	struct chain_list own; /* read or made when it is first needed */
};

/* Where keys come from: `env` gives the files; `own_fd` (-1: none) the kept
 * self-signed certificate. */
struct services_from {
	const struct dict_env *env;
	int own_fd;
	time_t wall;  /* seconds since 1970 */
	int64_t mono; /* clock_mono() */
};

/* Take another configuration.  Services of which something changed have
 * another generation. */
void services_load(struct services *all, const struct keys_config *c,
    const struct services_from *from);
void services_done(struct services *all);

/* Makes one that is not known; NULL when there are KEYS_SERVICES_MAX. */
struct service *services_get(struct services *all, struct str client);

/* Ticket keys that are due, of all, and keys that signed for long enough;
 * when to call again. */
int64_t services_tend(struct services *all, int64_t now);

/* The signature in `ret` with KEYS_OK; else said in the log, at most once a
 * second. */
enum keys_verdict service_sign(
    struct service *s, const struct keys_sign *q, int64_t now, struct buf *ret);

#endif
