/* SPDX-License-Identifier: ISC */
/*
 * peers - the names of clients that were here a moment ago: a host that
 * opens a connection a message is looked up once a minute.
 */
#ifndef SMTPD_PEERS_H
#define SMTPD_PEERS_H

#include "base/map.h"
#include "client.h"

#include <sys/queue.h>

#define PEERS_MAX   1000
#define PEERS_TIME  (60 * CLOCK_SEC)
#define PEERS_RETRY (5 * CLOCK_SEC) /* what could not be asked */

struct peer;
TAILQ_HEAD(peer_list, peer);

struct peers {
	struct map map;        /* by address */
	struct peer_list list; /* oldest first */
};

void peers_init(struct peers *p);
void peers_done(struct peers *p);

/* Fill in the names (lying in `a`) of a client that is known; else false. */
bool peers_recall(
    struct peers *p, struct client *c, bool with_port, struct arena *a);
void peers_remember(struct peers *p, const struct client *c);

#endif
