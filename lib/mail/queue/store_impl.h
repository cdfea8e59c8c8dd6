/* SPDX-License-Identifier: ISC */
/*
 * store_impl - what the files of store share: store.c (taking in,
 * statuses), store_end.c (finishing), store_remove.c (names that go),
 * store_load.c (reading), store_walk.c (all), store_move.c, store_group.c
 * (into files), store_together.c (one flush for many),
 * store_leave.c (segments that go), store_open.c (start, scan, end).
 */
#ifndef MAIL_QUEUE_STORE_IMPL_H
#define MAIL_QUEUE_STORE_IMPL_H

#include "base/map.h"
#include "mail/queue/store.h"

#define STORE_MOVES_MAX   256
#define STORE_MOVING_MAX  (8 * 1024 * 1024) /* bytes of content */
#define STORE_GENERATIONS 1024              /* kept in hand, durably */

/* Directories with names that came or went since they were last synced. */
struct dirt {
	bool hashed[DIRS_HASH];
	bool hold, tmp;
};

/* The oldest segment on its way out: all before is durable, then the names. */
struct leaving {
	struct store *store;
	struct journal_segment *segment;
	struct journal_wait wait;
	struct flusher_job job;
	struct dirt dirt;
	unsigned at;       /* the thread's: which directory is next ... */
	bool is_through;   /* ... and that there was none */
	uint64_t failures; /* of the journal, when it began */
};

struct move_group;
struct removals;
STAILQ_HEAD(removals_list, removals);
struct finished;
STAILQ_HEAD(finished_list, finished);

struct store {
	struct store_config config;
	struct store_events events;
	struct flusher *flusher;
	struct journal *journal;
	struct buf content; /* of a memfd, while it is appended */
	struct dirt dirt;
	struct leaving leaving;
	struct move_group *writing, *naming;  /* that gather */
	struct finished_list unfinished;      /* that failed: again */
	size_t nremovals;                     /* names that still have to go: */
	struct removals *gathering_names[2];  /* [1]: of ended messages */
	struct removals_list removals;        /* that wait for the thread */
	struct removals *removing;            /* the thread has it */
	struct removals_list failed_removals; /* again at the next tick */
	struct map ended;        /* ids: the scan may meet files of theirs */
	size_t moves;            /* on their way ... */
	size_t moving_bytes;     /* ... and the content that they hold */
	int64_t no_files_until;  /* making one failed */
	uint64_t generation;     /* the next to give out ... */
	uint64_t generation_end; /* ... and where the durable ones end */
	struct journal_wait generation_wait;
	uint64_t generation_wanted;
	unsigned scan_at;
	bool is_syncing;   /* no name goes until that is done */
	bool has_sync_all; /* and may be used by the thread ... */
	/* ... which alone touches these: not before; how often it failed. */
	int64_t alone_until;
	uint64_t sync_failures;
	bool closing;
};

/* store.c */
void store_say(const struct store *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void store_mark_dirty(struct store *s, enum entry_queue queue, struct str id);
void store_add_spoken(struct store_item *item, const struct journal_place *at);
void store_drop_spoken(struct store_item *item, uint32_t n);
/* It holds the oldest segment that something of it is only in. */
void store_relink(struct store_item *item);
/* `w` told by way of what undoes it on failure. */
struct pending;
struct journal_wait *store_pending(struct store *s, struct store_item *item,
    struct store_item *spoken, struct journal_wait *owner,
    struct journal_place **ret_place);
void store_pending_drop(struct journal_wait *w);
void store_retry_ends(struct store *s);
/* At the end: what could not be done; the next start finds it to do. */
void store_drop_leftovers(struct store *s);
void store_write_done(
    struct store *s, struct str id, struct journal_segment *segment);

/* store_remove.c: remove a name; `segment` (or NULL) stays until that is done,
 * or, of a message that has ended, until the journal says that elsewhere. */
void store_unlink(
    struct store *s, const char *path, struct journal_segment *segment);
void store_unlink_ended(
    struct store *s, const char *path, struct journal_segment *segment);
void store_start_removals(struct store *s);
void store_retry_removals(struct store *s);
void store_drop_removals(struct store *s);
/* Say at the journal's head what this segment alone says of some names. */
void store_forward_removals(struct store *s, struct journal_segment *segment);

/* store_open.c: the names are all known. */
bool store_is_scanned(const struct store *s);
/* What the scan finds of that id is no mail. */
void store_note_ended(struct store *s, struct str id);

/* store_load.c: as it is for good: statuses that are not durable yet are left
 * out, and *ret_nspoken is how many are in.  -EBUSY: it is not durable itself.
 */
int store_load_durable(struct store *s, struct store_item *item,
    struct store_body **ret, uint32_t *ret_nspoken, const char **ret_why);
/* As store_load(), of a file that is open. */
int store_load_from(struct store *s, struct store_item *item, int fd,
    struct store_body **ret, const char **ret_why);
/* A descriptor or -errno. */
int store_open_file(
    const struct store *s, const struct store_item *item, int flags);

/* store_together.c, for the thread: is one call for `n` files or directories
 * worth while; and that call, which a sync_dir has to follow.  The kernel says
 * only once that something was not written: who wrote before another's call
 * failed (sync_failures is another) believes no later one. */
bool store_may_sync_all(const struct store *s, size_t n);
int store_sync_all(struct store *s);

/* store_move.c */
int store_move_new(struct store *s, struct store_item *item,
    struct store_body *body, struct store_item *parent,
    const struct entry_marks *about, struct journal_wait *w);
int store_start_move(
    struct store *s, struct store_item *item, enum entry_queue queue);
/* As many as should be. */
bool store_moves_enough(const struct store *s);
/* store_group.c: what was gathered goes to the thread. */
void store_send_group(struct store *s);
/* The item goes, or something else moves it: what is on its way is void. */
void store_leave_move(struct store_item *item);
/* For others that move an item: nothing else does until it is freed. */
struct store_move *store_new_move(struct store *s, struct store_item *item);
struct store_item *store_move_item(const struct store_move *m);
void store_free_move(struct store_move *m);
/* Make durable in its file what the journal says about it. */
int store_start_save(struct store *s, struct store_item *item);

/* store_forward.c: append it to the journal once more, where it is now. */
int store_forward(
    struct store *s, struct store_item *item, enum journal_use use);

/* store_leave.c */
void store_tend(struct store *s);
void store_closed(void *arg, struct journal_segment *segment, uint32_t from);

static inline struct store_item *
store_item_of(struct journal_hold *h)
{
	return (
	    struct store_item *)((char *)h - offsetof(struct store_item, hold));
}

#endif
