/* SPDX-License-Identifier: ISC */
/*
 * world - a queue on a rig's disk, and the letters in it: things happen to
 * them, and what was promised of each is known.  One at a time: callbacks of
 * the store get no argument.
 */
#ifndef WORLD_H
#define WORLD_H

#include "rig.h"

#define LETTERS_MAX 2000
#define RCPTS       3

/* A message as the test knows it: when what was promised of it, counted in
 * calls that the disk had seen by then (SIZE_MAX: not yet). */
struct letter {
	struct store_item item;
	struct journal_wait wait, status_wait;
	struct store_body *body;
	unsigned seed;
	size_t size;
	bool is_large;
	struct letter *parent; /* whose recipient 0 is done by this one */
	size_t acked, refused, finished;
	size_t asked[RCPTS], done[RCPTS]; /* a final status: begun, promised */
	struct journal_wait delete_wait, place_wait;
	size_t delete_asked, deleted, delete_failed;
	size_t placed; /* in `queue`, durably; SIZE_MAX: who knows */
	enum entry_queue queue;
	int pending; /* waits outstanding */
	int pending_rcpt;
	bool is_told, is_telling;
	bool gone;
};

struct world {
	struct rig rig;
	struct store *store;
	struct letter *letters[LETTERS_MAX];
	size_t n;
	struct arena arena;
	unsigned seed;
};

void world_open(struct world *w, unsigned seed);
void world_close(struct world *w);

/* What its store is opened with; after a store_close() that is done again, as
 * here or otherwise.  `alarm`: as in store_events, may be NULL. */
struct store_config world_config(const struct world *w);
void world_start(struct world *w, const struct store_config *c,
    void (*alarm)(void *arg, bool on), store_found_fn found);
/* For an empty queue. */
struct store_item *world_none_found(void *arg, struct str id);

/* A turn of the owner's loop; as many as all that is on its way needs. */
void world_turn(struct world *w);
void world_settle(struct world *w);

/* NULL: the store had no room.  `parent`: its recipient 0 is done by it. */
struct letter *world_add(struct world *w, size_t size, struct letter *parent);
void world_status(
    struct world *w, struct letter *l, int rcpt, enum outcome_state state);
/* If all of its recipients are. */
void world_finish(struct world *w, struct letter *l);

/* One thing that happens to a queue, by the world's seed. */
void world_step(struct world *w);

#endif
