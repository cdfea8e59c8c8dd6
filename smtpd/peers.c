/* SPDX-License-Identifier: ISC */
/* peers - a bounded table of names, the oldest going first. */
#include "peers.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

struct peer {
	struct buf address; /* the key */
	struct buf name, reverse;
	enum client_name status, reverse_status;
	int64_t until;
	TAILQ_ENTRY(peer) next;
};

void
peers_init(struct peers *p)
{
	map_init(&p->map);
	TAILQ_INIT(&p->list);
}

static void
forget(struct peers *p, struct peer *peer)
{
	map_del(&p->map, buf_str(&peer->address));
	TAILQ_REMOVE(&p->list, peer, next);
	buf_done(&peer->address);
	buf_done(&peer->name);
	buf_done(&peer->reverse);
	free(peer);
}

void
peers_done(struct peers *p)
{
	while (!TAILQ_EMPTY(&p->list))
		forget(p, TAILQ_FIRST(&p->list));
	map_done(&p->map);
}

bool
peers_recall(struct peers *p, struct client *c, bool with_port, struct arena *a)
{
	struct peer *peer = map_get(&p->map, c->address);

	if (peer == NULL)
		return false;
	if (peer->until < clock_mono()) {
		forget(p, peer);
		return false;
	}
	c->status = peer->status;
	c->reverse_status = peer->reverse_status;
	client_set_name(c, arena_str(a, buf_str(&peer->name)),
	    arena_str(a, buf_str(&peer->reverse)), with_port, a);
	return true;
}

static void
fill(struct buf *b, struct str s)
{
	buf_init(b, s.len);
	buf_add_str(b, s);
}

void
peers_remember(struct peers *p, const struct client *c)
{
	bool is_sure =
	    c->status != CLIENT_RETRY && c->reverse_status != CLIENT_RETRY;
	struct peer *peer = map_get(&p->map, c->address);

	if (peer != NULL)
		forget(p, peer);
	if (p->map.count >= PEERS_MAX)
		forget(p, TAILQ_FIRST(&p->list));
	peer = calloc(1, sizeof(*peer));
	if (peer == NULL)
		log_fatal("out of memory");
	fill(&peer->address, c->address);
	fill(&peer->name, c->name);
	fill(&peer->reverse, c->reverse);
	peer->status = c->status;
	peer->reverse_status = c->reverse_status;
	peer->until = clock_after(is_sure ? PEERS_TIME : PEERS_RETRY);
	TAILQ_INSERT_TAIL(&p->list, peer, next);
	map_put(&p->map, buf_str(&peer->address), peer);
}
