/* SPDX-License-Identifier: ISC */
/*
 * progress - how far a message has come: what is done, and the last outcome
 * of each recipient.
 *
 * States only ever move one way (doc/queue.md section 3), so what is applied
 * twice, or read from a journal and from a file, comes out the same.
 */
#ifndef MAIL_QUEUE_PROGRESS_H
#define MAIL_QUEUE_PROGRESS_H

#include "base/arena.h"
#include "base/buf.h"
#include "mail/outcome.h"
#include "mail/queue/entry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROGRESS_REASONS_MAX 250 /* different outcomes kept in a file */

struct progress_mark {
	bool done;
	const struct outcome *last; /* NULL: not attempted */
};

struct progress {
	uint64_t attempts;
	int64_t next; /* wall clock, ns */
	size_t n;     /* recipients */
	size_t left;  /* of them not done */
	bool warned;  /* the sender was told of the delay */
	struct progress_mark *marks;
	struct arena *arena; /* holds marks and outcomes */
};

/* A ceiling for the arena of `n` recipients. */
size_t progress_arena_max(size_t n);

void progress_init(struct progress *p, size_t n, struct arena *a);

/* What is new after attempt number `attempts`; an index that is not there is
 * ignored.  What is borrowed is copied. */
void progress_apply(struct progress *p, uint64_t attempts, int64_t next,
    const struct entry_marks *about);

/* Failed for good, or sent where the sender asked to hear of that, and no one
 * was told yet. */
bool progress_is_unsaid(const struct progress_mark *m);

/*
 * As bytes, at most `max` of them, and back.  When not all outcomes fit, the
 * last ones are left out: the marks never are.  -EMSGSIZE only when `max`
 * is below progress_size_min(n).
 */
size_t progress_size_min(size_t n);
int progress_encode(
    const struct progress *p, uint64_t serial, size_t max, struct buf *out);
/* Into a progress made for the same number of recipients; -EPROTO. */
int progress_decode(struct progress *p, struct str bytes, uint64_t *ret_serial,
    const char **ret_why);
/* The serial that such bytes claim to have, without a look at the rest; 0 where
 * there is none. */
uint64_t progress_peek(struct str bytes);

#endif
