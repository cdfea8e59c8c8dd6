/* SPDX-License-Identifier: ISC */
/*
 * record - how one record stands in a segment of the journal.
 *
 * A head of RECORD_HEAD bytes, the payload, zeros up to RECORD_ALIGN.  The
 * head carries a mark that only this incarnation of the segment has at this
 * offset, and a keyed check over itself; the payload a CRC-32 that the check
 * covers.  So a reader finds the next record behind a bad one, sees that a
 * rotten head was one of ours, and takes nothing for a record that an older
 * incarnation or the body of a message put there (SECURITY: the key never
 * leaves the segment's header).
 */
#ifndef MAIL_QUEUE_RECORD_H
#define MAIL_QUEUE_RECORD_H

#include "base/siphash.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

#define RECORD_ALIGN 32
#define RECORD_HEAD  32

struct record {
	uint32_t type;    /* enum entry_type */
	uint32_t flushed; /* what lay before this offset was durable already */
	struct str payload;
};

enum record_finding {
	RECORD_GOOD,
	RECORD_BAD,  /* ours, and not whole */
	RECORD_NONE, /* nothing of this incarnation begins here */
};

/* Bytes that a payload of `n` takes up, head and padding included. */
size_t record_size(size_t n);

/* Write the head for a record at `offset` of the segment. */
void record_seal(const struct siphash_key *key, uint32_t offset,
    const struct record *r, unsigned char ret_head[RECORD_HEAD]);

/*
 * What begins at `offset`, where `in` holds the segment from there on.  For
 * RECORD_GOOD *ret is set; *ret_size is the length to go on by: of the whole
 * record where its head can be trusted, else RECORD_ALIGN.
 */
enum record_finding record_open(const struct siphash_key *key, uint32_t offset,
    struct str in, struct record *ret, size_t *ret_size);

#endif
