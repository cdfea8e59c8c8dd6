/* SPDX-License-Identifier: ISC */
/*
 * journal_impl - what the files of journal share: journal.c (appending,
 * batches, failures), journal_segments.c (making, using again, leaving),
 * journal_open.c (start and replay).
 */
#ifndef MAIL_QUEUE_JOURNAL_IMPL_H
#define MAIL_QUEUE_JOURNAL_IMPL_H

#include "mail/queue/journal.h"

#define JOURNAL_SPARES    2 /* kept beyond the next one */
#define JOURNAL_BATCH_MAX (4 * 1024 * 1024)
#define JOURNAL_PATH_MAX  32

enum segment_state {
	SEGMENT_SPARE,
	SEGMENT_NEXT, /* its header is durable, or on the way */
	SEGMENT_CURRENT,
	SEGMENT_FULL,   /* or of an earlier run */
	SEGMENT_FAILED, /* a flush failed */
};

TAILQ_HEAD(hold_list, journal_hold);
STAILQ_HEAD(wait_list, journal_wait);

struct journal_segment {
	TAILQ_ENTRY(journal_segment) link;
	struct journal *journal;
	enum segment_state state;
	unsigned slot; /* the file's name */
	int fd;
	int direct_fd; /* past the page cache; -1: not to be had */
	struct segment_header header;
	uint32_t used;      /* bytes given out */
	uint32_t flushed;   /* of them durable */
	uint32_t void_from; /* replay: from here on nothing counts */
	bool is_empty;      /* replay: it was made ready, and not used */
	unsigned batches;   /* on their way */
	struct hold_list holds;
	struct flusher_job job; /* header, creation, removal */
	uint32_t zeroed;        /* creation: bytes written */
	bool is_header_flying;
	bool dead; /* the thread's: a write or flush failed */
};
TAILQ_HEAD(segment_list, journal_segment);

struct batch {
	struct flusher_job job;
	struct journal *journal;
	struct journal_segment *segment;
	uint32_t at;
	char *bytes; /* `len` of `room`: pages, on a page's boundary */
	size_t len, room;
	bool is_urgent; /* not all of it can wait */
	int64_t since;  /* mono; of the first record */
	struct wait_list waits;
	TAILQ_ENTRY(batch) link;
};
TAILQ_HEAD(batch_list, batch);

/* What of a closed segment does not count, until that is durable. */
struct refusal {
	struct entry_refused entry;
	STAILQ_ENTRY(refusal) link;
};
STAILQ_HEAD(refusal_list, refusal);

struct journal {
	struct journal_config config;
	struct journal_events events;
	struct segment_list live; /* by sequence; the last is current */
	struct segment_list spares;
	struct segment_list going;     /* files being removed */
	size_t nlive, nspares, nfiles; /* files: without those going */
	uint64_t buried; /* below it all is dead, says a header on disk */
	struct journal_segment *current, *next;
	struct journal_segment *making; /* a file being zeroed */
	bool started, closing, cannot_make, is_removing;
	uint64_t sequence; /* the highest given */
	uint64_t generation;

	struct batch *open; /* gathers */
	struct batch_list queued;
	struct batch *flying;
	struct batch_list free_batches;
	struct buf scratch;

	struct refusal_list refusals; /* not yet durable */
	struct wait_list refused;     /* told once they are */
	struct journal_wait refusal_wait;
	bool refusal_flying;
	int64_t refused_since;

	int64_t failures[JOURNAL_FAILURES]; /* when the last ones were */
	uint64_t closed;                    /* segments, by a failure */
	bool alarm, probe_flying;
	struct journal_wait probe_wait;
};

void journal_path(unsigned slot, char ret[JOURNAL_PATH_MAX]);
struct journal_segment *journal_new_segment(struct journal *j);
void journal_free_segment(struct journal_segment *s);
void journal_close_direct(struct journal_segment *s); /* if it is done with */

/* journal_segments.c: the current segment is full or closed. */
int journal_rotate(struct journal *j, enum journal_use use);
void journal_tend_spares(struct journal *j);
void journal_tend_going(struct journal *j);

/* journal_failure.c: a batch could not be made durable.  Its segment is closed
 * for ever, and what was queued behind it there fails too. */
void journal_fail_batch(struct journal *j, struct batch *b);
void journal_count_failure(struct journal *j);
void journal_write_refusals(struct journal *j);
void journal_tend_failures(struct journal *j, int64_t now);
void journal_init_waits(struct journal *j);

/* journal.c */
void journal_close_batch(struct journal *j);
void journal_retire_batch(struct batch *b);
void journal_tell(struct wait_list *waits, int error);
void journal_done_batches(struct journal *j);

#endif
