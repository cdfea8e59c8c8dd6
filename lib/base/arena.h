/* SPDX-License-Identifier: ISC */
/*
 * arena - memory with one common end: a session, a transaction, a file read.
 *
 * What is taken from an arena is zeroed, aligned for any type, and gone at
 * arena_reset() or arena_done(); nothing is freed by itself.  An arena has a
 * ceiling in bytes.  Whoever fills it bounds his input first, so that the
 * ceiling is never met: meeting it is our own bug and ends the process, as
 * does being out of memory.  arena_left() asks.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used;
	size_t max;
};

#define ARENA_CLEANUP __attribute__((cleanup(arena_done)))

void arena_init(struct arena *a, size_t max); /* allocates nothing yet */
void arena_done(struct arena *a);             /* safe on zeroed memory */
void arena_reset(struct arena *a);            /* keeps one block */

void *arena_alloc(struct arena *a, size_t n);
void *arena_array(struct arena *a, size_t count, size_t size);
size_t arena_left(const struct arena *a);

/* Copies; the bytes behind the returned str are followed by a NUL. */
struct str arena_str(struct arena *a, struct str s);
struct str arena_lower(struct arena *a, struct str s); /* ASCII lower case */
char *arena_cstr(struct arena *a, struct str s);
struct str arena_strf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
struct str arena_join(struct arena *a, struct str x, struct str y);

#endif
