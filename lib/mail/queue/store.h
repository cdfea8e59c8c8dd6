/* SPDX-License-Identifier: ISC */
/*
 * store - messages in the queue: journal, files and the moves between them,
 * by the truth table of doc/queue.md.  Who owns a store decides what is to be
 * done with mail; the store sees that it is never lost and never returns.
 *
 * A store_item is what stays in memory of every message, embedded in the
 * owner's own struct; a store_body is what a message is made of, there while
 * it is worked on.
 *
 * What changes the disk says so later: a journal_wait's `done` gets 0 once it
 * is durable.  Nothing here waits for the disk but store_open() and, a moment
 * at most, store_load() and store_content(), which read.
 */
#ifndef MAIL_QUEUE_STORE_H
#define MAIL_QUEUE_STORE_H

#include "mail/content.h"
#include "mail/queue/dirs.h"
#include "mail/queue/journal.h"
#include "mail/queue/progress.h"
#include "mail/queue/queue_file.h"

#include <stdbool.h>

/* A message larger than this, envelope and all, has a file from the start. */
#define STORE_INLINE_MAX (256 * 1024)

#define STORE_MARKS_MAX 200

enum store_where {
	STORE_NOWHERE, /* not durable (yet), or gone */
	STORE_JOURNAL,
	STORE_FILE,
};

struct store_item {
	char id[ENVELOPE_QID_MAX + 1];
	uint8_t where;  /* enum store_where */
	uint8_t queue;  /* enum entry_queue, of a file */
	bool in_tmp;    /* its file has not got its name yet */
	bool is_copied; /* there is, or may be, more than one record of it: the
	                   end of all of them is said in so many words */
	bool is_doubtful; /* a flush of its file failed: to be written anew */
	bool in_use;      /* the owner works on it: move it only if need be */
	uint32_t nonce;   /* of its name in tmp/, the last that it had */
	uint32_t nspoken;
	struct store_move *move; /* on its way into a file, or its state */
	struct journal_place place;
	struct journal_place *spoken; /* records with marks not in a file */
	struct journal_hold hold;
};

struct store_body {
	struct arena arena;
	struct buf bytes; /* what the envelope borrows from, if a record */
	struct envelope envelope;
	struct progress progress;
	struct content *content; /* NULL: not in memory */
	struct queue_file file;  /* of one in a file */
};

struct store;

struct store_config {
	int dirfd;
	const struct disk *disk;
	bool threaded;
	uint32_t segment_size;
	uint64_t journal_size;
	size_t keep; /* segments that may be in use before waiting mail moves */
};

struct store_events {
	void (*alarm)(void *arg, bool on); /* stop, begin taking mail */
	/* Something that an administrator should know. */
	void (*say)(void *arg, const char *text);
	void *arg;
};

/* A new, zeroed item for a message that an earlier run left in the journal. */
typedef struct store_item *(*store_found_fn)(void *arg, struct str id);

/*
 * Make the directories, replay, start.  `found` gives the item for each
 * message that the journal speaks of.  NULL with `why`.
 */
struct store *store_open(const struct store_config *c,
    const struct store_events *e, store_found_fn found, struct buf *why);
void store_close(struct store **s); /* waits for what is on its way */
/* Blocks until all that was appended is durable, or failed. */
void store_sync(struct store *s);

/* store_collect() when the descriptor is readable, and when it is due. */
int store_fd(const struct store *s);
bool store_is_due(const struct store *s);
void store_collect(struct store *s);
void store_submit(struct store *s);            /* at the end of each turn */
int64_t store_late(const struct store *s);     /* journal_late() */
void store_tick(struct store *s, int64_t now); /* once a second or so */
bool store_has_room(const struct store *s);    /* for a message */
/* How much of the journal is in use, in percent. */
unsigned store_fill(const struct store *s);

/* A generation of ids (mail/qid.h) that was never given out: 0 or -EAGAIN. */
int store_generation(struct store *s, uint64_t *ret);

/*
 * Files that wait, as their names tell: call until it is false; each name
 * that is not known to `is_known` comes to `each` with its mtime.  Names that
 * no record made true are removed on the way; one in another directory than
 * its own is left, and said.
 */
struct store_scan {
	struct store_item *(*known)(void *arg, struct str id);
	void (*each)(
	    void *arg, struct str id, enum entry_queue queue, int64_t next);
	void *arg;
};
bool store_scan(struct store *s, const struct store_scan *scan);

/*
 * The messages that lie in files (store_has_name()), in the order in which a
 * disk reads them best.  `wanted`: the item of an id, or NULL to pass by.
 * Nothing is changed, and what changes meanwhile may be told or not: for a
 * copy of the process.  `each` gets the body where it is wanted, else NULL;
 * < 0 ends the walk and is what it returns.
 */
struct store_walk {
	struct store_item *(*wanted)(void *arg, struct str id);
	int (*each)(
	    void *arg, struct store_item *item, const struct store_body *body);
	void *arg;
	bool wants_body;
};
int store_walk(struct store *s, const struct store_walk *walk);

/* It is a file that has got its name. */
static inline bool
store_has_name(const struct store_item *item)
{
	return item->where == STORE_FILE && !item->in_tmp;
}

/* The body of a new message; envelope copied.  content is shared. */
struct store_body *store_body_new(
    const struct envelope *e, struct content *content);
void store_body_free(struct store_body **b);

/*
 * Take a new message in.  `parent` (may be NULL) gets what is new `about` it
 * by the same record.  The item must stay until `w` is told; on an error
 * (-ENOSPC, -EIO, -EMFILE ...) it is as before and `w` is not.
 */
int store_add(struct store *s, struct store_item *item, struct store_body *body,
    struct store_item *parent, const struct entry_marks *about,
    struct journal_wait *w);

/*
 * Record outcomes, of at most STORE_MARKS_MAX recipients.  1: recorded, `w`
 * will be told; 0: nothing that has to be durable (deferrals of a message in a
 * file); or -errno: try again later. The body's progress is the caller's to
 * change.
 */
int store_status(struct store *s, struct store_item *item,
    const struct entry_status *status, struct journal_wait *w);

/* It waits for its next attempt: a file's state is brought up to date (not
 * flushed).  The body may then be freed. */
void store_rest(
    struct store *s, struct store_item *item, struct store_body *body);

/* All recipients are done, durably: forget it on disk. */
void store_finish(struct store *s, struct store_item *item);

/*
 * Whatever is left to do for it: it is void.  The item must stay until `w` is
 * told; after 0 it is forgotten, after an error as before.  -EBUSY: it is not
 * durable yet; -ENOSPC, -EIO ...: nothing was begun.
 */
int store_delete(
    struct store *s, struct store_item *item, struct journal_wait *w);
/* Files that were ended and still have to go. */
size_t store_removals(const struct store *s);

/* The owner's memory of it ends; on disk nothing changes. */
void store_forget(struct store_item *item);

/*
 * Read envelope and progress.  -EBADMSG: damaged (store_put_aside());
 * -EPROTONOSUPPORT: a file of another version; or -errno.
 */
int store_load(struct store *s, struct store_item *item,
    struct store_body **ret, const char **ret_why);
/* See that the content is in memory. */
int store_content(
    struct store *s, struct store_item *item, struct store_body *body);

/* What cannot be read goes to corrupt/ and is forgotten. */
void store_put_aside(struct store *s, struct store_item *item);

/*
 * Into hold/, or out of it: a file there, in the end.  `w` (may be NULL) is
 * told once that is durable, and the item must stay until then.  -EBUSY: it
 * is on its way somewhere already; or -errno: nothing was begun.
 */
int store_move(struct store *s, struct store_item *item, enum entry_queue queue,
    struct journal_wait *w);

/* A message in the journal gets its file now if few others do. */
void store_want_file(struct store *s, struct store_item *item);

#endif
