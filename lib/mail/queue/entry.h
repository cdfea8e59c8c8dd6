/* SPDX-License-Identifier: ISC */
/*
 * entry - what the records of the journal say.
 *
 * A payload is one value (base/shape.h); behind the value of a message its
 * content follows, `envelope.size` bytes.
 */
#ifndef MAIL_QUEUE_ENTRY_H
#define MAIL_QUEUE_ENTRY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/shape.h"
#include "mail/envelope.h"
#include "mail/outcome.h"

#include <stdint.h>

enum entry_type {
	ENTRY_MESSAGE = 1,
	ENTRY_STATUS,
	ENTRY_MOVED,
	ENTRY_DONE,
	ENTRY_GENERATION,
	ENTRY_REFUSED,
	ENTRY_TYPES,
};

/* A recipient's state moves one way: see doc/queue.md section 3. */
struct mark {
	uint64_t index; /* of the recipient in its envelope */
	uint64_t done;  /* nothing is left to do for it */
	struct outcome outcome;
};
extern const struct shape mark_shape;

/* What is new about the recipients of one message. */
struct entry_marks {
	struct str id;     /* of the message; empty: nothing is */
	struct rows marks; /* struct mark */
	struct str done;   /* indexes of others that are done, whose outcome
	                      stays as it was: 4 bytes each, little endian */
	uint64_t warned;   /* its sender was told of the delay */
};

extern const struct shape entry_marks_shape;

struct entry_message {
	struct envelope envelope;
	struct entry_marks parent; /* of what this message was made from */
};
struct entry_status {
	uint64_t attempts;
	int64_t next; /* wall clock, ns: when the next attempt is */
	struct entry_marks about;
};

/* Where the file of a message is, or goes to. */
enum entry_queue {
	QUEUE_DEFERRED,
	QUEUE_HOLD,
	QUEUE_PLACES
};

struct entry_moved {
	struct str id;
	uint64_t queue; /* enum entry_queue */
	uint64_t nonce; /* of the name in tmp/: another one is another file */
	struct entry_marks parent;
};
struct entry_done {
	struct str id;
};
struct entry_generation {
	uint64_t below;
};
struct entry_refused {
	uint64_t sequence; /* of the segment */
	uint64_t from;     /* offset: what stands from there on is void */
};

/* Indexes in `done`: how many, and which. */
size_t entry_done_count(struct str done);
uint32_t entry_done_at(struct str done, size_t i);
int entry_add_done(struct buf *done, uint32_t index);

/* The shape of a type's value; NULL: no such type. */
const struct shape *entry_shape(uint32_t type);

/*
 * A record's payload as a value of its type's struct, in `a`.  For a message
 * *ret_content (may be NULL) is what follows.  0 or -EPROTO with *ret_why.
 */
int entry_decode(uint32_t type, struct str payload, struct arena *a,
    void *ret_value, struct str *ret_content, const char **ret_why);

/* A ceiling for the arena of a payload of `n` bytes. */
size_t entry_arena_max(size_t n);

#endif
