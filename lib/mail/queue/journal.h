/* SPDX-License-Identifier: ISC */
/*
 * journal - the row of segments in which everything becomes true.
 *
 * Appending gives a record its place at once and queues it; everything queued
 * since the last flush is one batch, written and flushed on the flusher's
 * thread while the next one gathers (no timer).  A wait's `done` is called
 * once its record is durable (0), or is known never to count (-EIO).
 *
 * Segments leave oldest first, once nothing holds them, and are used again in
 * that order.  The next one's header is durable before it is needed, and one
 * segment more is kept for all but messages, so that a full disk drains.
 *
 * After a failed flush the segment is closed, the next one records what of it
 * does not count, and then the waits are told; `closed` asks the owner to
 * append anew what the closed segment holds.  See doc/queue.md section 5.
 */
#ifndef MAIL_QUEUE_JOURNAL_H
#define MAIL_QUEUE_JOURNAL_H

#include "base/buf.h"
#include "mail/queue/disk.h"
#include "mail/queue/entry.h"
#include "mail/queue/flusher.h"
#include "mail/queue/segment.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#define JOURNAL_SEGMENTS_MIN  4
#define JOURNAL_SEGMENTS_MAX  9999
#define JOURNAL_FAILURES      3  /* in JOURNAL_FAILURES_TIME: alarm */
#define JOURNAL_FAILURES_TIME 60 /* seconds */

struct journal;
struct journal_segment;

/* Where a record is.  segment NULL: nowhere. */
struct journal_place {
	struct journal_segment *segment;
	uint32_t offset;
	uint32_t length; /* of the payload */
};

/* What keeps a segment from leaving; embedded in what is held. */
struct journal_hold {
	struct journal_segment *segment; /* NULL: holds nothing */
	bool is_guard; /* not to be found by journal_first_hold() */
	TAILQ_ENTRY(journal_hold) link;
};

/* What tells that a record is durable.  One that can wait has the flush of
 * what others wait for, or its own after a few milliseconds. */
struct journal_wait {
	void (*done)(struct journal_wait *w, int error);
	bool can_wait;
	STAILQ_ENTRY(journal_wait) link;
};

struct journal_config {
	int dirfd; /* of the queue: journal/ and corrupt/ lie below it */
	const struct disk *disk;
	struct flusher *flusher;
	uint32_t segment_size;
	uint64_t size_max; /* of all segments */
};

struct journal_events {
	/* A flush failed: what this segment holds is to be appended anew, but
	 * for records from offset `from` on, which will be refused. */
	void (*closed)(void *arg, struct journal_segment *s, uint32_t from);
	/* The third failure in a minute; and a flush that worked, later. */
	void (*alarm)(void *arg, bool on);
	/* A segment may have become free. */
	void (*moved_on)(void *arg);
	void *arg;
};

/*
 * Reads the headers of what is there.  NULL with `why`: unreadable, or of a
 * version that is not known (then nothing was touched).  A file whose header
 * is broken goes to corrupt/ (`why` then holds a remark although it worked).
 */
struct journal *journal_open(const struct journal_config *c, struct buf *why);
void journal_close(struct journal **j); /* waits for what was appended */

/* The records that count, oldest first.  Both may be called before start. */
struct journal_replay {
	/* < 0 ends the replay. */
	int (*each)(
	    void *arg, const struct journal_place *at, const struct record *r);
	/* Bytes that are ours and not whole; is_tail: perhaps never flushed. */
	void (*bad)(void *arg, uint64_t sequence, uint32_t offset,
	    struct str bytes, bool is_tail);
	void *arg;
};
int journal_replay(struct journal *j, const struct journal_replay *r);

/* Make a segment to append to (waits for the disk, once).  0 or -errno. */
int journal_start(struct journal *j, const struct journal_events *events);

enum journal_use {
	JOURNAL_MESSAGE, /* not into what is kept for the others */
	JOURNAL_STATUS,
};

/*
 * Append one record: `value` of the type's struct, and for a message its
 * content.  *ret_place (may be NULL) is where it will be; `w` may be NULL.
 * 0; -ENOSPC: the journal is at its size; -EMSGSIZE: larger than
 * journal_record_max(); -EINVAL: the value breaks its shape; -EIO: no segment
 * can be written.  After an error nothing was appended.
 */
int journal_append(struct journal *j, enum entry_type type, const void *value,
    struct str content, enum journal_use use, struct journal_wait *w,
    struct journal_place *ret_place);
size_t journal_record_max(const struct journal *j);

/* Hand what was appended to the flusher, if it is not at work already and it
 * is time: see journal_wait. */
void journal_submit(struct journal *j);
/* When to submit what can wait; CLOCK_NEVER: there is nothing like that. */
int64_t journal_late(const struct journal *j);
void journal_hurry(struct journal *j); /* it can wait no longer */
/* Before the end: those are told who wait for a segment that cannot be had. */
void journal_give_up(struct journal *j);
/* Tell `w` once all that was appended up to now is durable (or failed): true;
 * false when it is already. */
bool journal_barrier(struct journal *j, struct journal_wait *w);

/*
 * Read a record back into `b` and check it: 0; -EBADMSG; or -errno.  *ret
 * borrows from `b`.  What was not flushed yet is read from memory.
 */
int journal_read(struct journal *j, const struct journal_place *at,
    struct buf *b, struct record *ret);

void journal_hold(struct journal_segment *s, struct journal_hold *h);
void journal_release(struct journal_hold *h); /* also when it holds nothing */

/* The oldest segment that is not written to any more; NULL: none. */
struct journal_segment *journal_oldest(struct journal *j);
struct journal_hold *journal_first_hold(struct journal_segment *s);
struct journal_hold *journal_next_hold(struct journal_hold *h);
/* The oldest may be let go if nothing holds it: it is then free. */
bool journal_may_leave(const struct journal_segment *s);
void journal_leave(struct journal *j, struct journal_segment *s);

/* False: it may still turn out never to count. */
bool journal_is_durable(const struct journal_place *at);

/* Of two places, which is in the older segment (< 0: a is). */
int journal_compare(
    const struct journal_segment *a, const struct journal_segment *b);
uint64_t journal_sequence(const struct journal_segment *s);
uint64_t journal_failures(const struct journal *j); /* segments closed so far */

/* Segments in use, and how many there may be. */
size_t journal_used(const struct journal *j);
size_t journal_size(const struct journal *j);
/* Would a message be taken now? */
bool journal_has_room(const struct journal *j);

/* Generations of ids below this one may have been given out; each new header
 * carries it. */
uint64_t journal_generation(const struct journal *j);
void journal_set_generation(struct journal *j, uint64_t below);

/* Once a second or so: ends an alarm, tries again what the disk refused. */
void journal_tick(struct journal *j, int64_t now);

#endif
