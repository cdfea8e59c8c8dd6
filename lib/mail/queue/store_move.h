/* SPDX-License-Identifier: ISC */
/*
 * store_move - a message on its way into a file, or a file's state on its way
 * to the disk: what store_move.c, which knows the way, and store_group.c,
 * which does what the disk has to do for many, share.
 */
#ifndef MAIL_QUEUE_STORE_MOVE_H
#define MAIL_QUEUE_STORE_MOVE_H

#include "mail/queue/store_impl.h"

struct store_move {
	struct flusher_job job; /* a save's */
	struct journal_wait wait;
	struct store *store;
	struct store_item *item; /* NULL: gone meanwhile */
	char id[ENVELOPE_QID_MAX + 1];
	enum entry_queue queue;
	uint32_t nonce;
	bool is_new;
	bool is_file;              /* already: it changes its place alone */
	int error;                 /* the group's: what the disk said */
	uint32_t nspoken;          /* of the item's, what the file will hold */
	struct journal_place at;   /* of `moved` ... */
	struct journal_hold guard; /* ... which stays until we are done */
	struct store_body *body;   /* our own */
	struct content *content;
	size_t bytes; /* of it, counted among those that are on their way */
	struct queue_file_draft draft;
	int fd; /* a save's */
	/* A new message's. */
	struct store_item *parent;
	struct entry_marks about;
	struct arena arena;
	struct journal_wait *owner;
};

/* store_group.c: with others, by store_send_group() at the latest, its file
 * in tmp/ is written; then store_move_written() is called. */
void store_group_write(struct store_move *m);
/* The same: it gets its name; then store_move_named(). */
void store_group_name(struct store_move *m);

/* store_move.c, by m->error. */
void store_move_written(struct store_move *m);
void store_move_named(struct store_move *m);

#endif
