/* SPDX-License-Identifier: ISC */
/*
 * flusher - one process of mda's that flushes for all of its children that
 * deliver: what many users' children wrote becomes durable by one call, where
 * each would have made several of its own.  It is no user, has no capability
 * and no path; it holds one directory of each disk, which it was handed.
 *
 *	child                                    flusher
 *	  FLUSH_DISK + fd                     ->
 *	                                      <- FLUSH_DONE
 *	  FLUSH_ASK {files}                   ->
 *	                                      <- FLUSH_DONE {result}
 *
 * FLUSH_DISK comes first, with a directory, and is answered before the child
 * writes: so the directory by which the flusher syncs was open before, and
 * reports all errors since.  At most FLUSH_OPEN questions of a child are open.
 * A child asks once its files are written, or named; it answers nothing for
 * what was written after the question left.
 *
 * Between two flushes of a disk lies FLUSH_PAUSE, unless one has many files:
 * what comes meanwhile shares the next.  A few files alone are not worth it:
 * then the answer is that each is to be flushed by itself.  After a flush that
 * failed each child hears so, whatever it asks next: its files may be those.
 *
 * SECURITY: a child may hand over what it likes.  One that makes the flusher
 * wait costs the others a time-out, after which they flush by themselves; a
 * file system that is not known is not called.
 */
#ifndef MDA_FLUSHER_H
#define MDA_FLUSHER_H

#include "base/chan.h"

#define FLUSH_OPEN  2
#define FLUSH_PAUSE (15 * CLOCK_MS)

enum flush_kind {
	FLUSH_CLIENT, /* mda to the flusher, with the descriptor of one more */
	FLUSH_DISK,
	FLUSH_ASK,
	FLUSH_DONE,
	FLUSH_KINDS
};

/* Of all kinds. */
struct flush_parcel {
	uint64_t files;   /* FLUSH_ASK: so many an fsync would be needed for */
	uint64_t at_once; /* FLUSH_ASK: they are part of so many that they do
	                     not wait for others */
	uint64_t result;  /* FLUSH_DONE: enum barrier_result */
};

extern const struct protocol flush_protocol;

/* The process: until `fd`, of mda, brings no more and no child is left. */
void flusher_run(int fd);

#endif
