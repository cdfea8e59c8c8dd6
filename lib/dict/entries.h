/* SPDX-License-Identifier: ISC */
/*
 * entries - the pairs of a table that is being made, in the order in which
 * they came, each key once; and the reading of them from text.
 */
#ifndef DICT_ENTRIES_H
#define DICT_ENTRIES_H

#include "dict/dict_build.h"

#include "base/arena.h"
#include "base/map.h"

#include <sys/queue.h>

struct entry {
	TAILQ_ENTRY(entry) all;
	struct str key, value;
};

struct entries {
	struct map map; /* of struct entry */
	TAILQ_HEAD(, entry) all;
	struct arena arena;
};

void entries_init(struct entries *e);
void entries_done(struct entries *e);

/* false: it was there already (and is replaced if `again` says so). */
bool entries_put(struct entries *e, struct str key, struct str value,
    enum dict_build_again again);
bool entries_del(struct entries *e, struct str key); /* false: not there */

/* The key as it stands in a table: lower case unless b->keep_case. */
struct str entries_key(
    struct entries *e, const struct dict_build *b, struct str key);

/* Lines that are wrong are warned about as of `file`, duplicates as of
 * `target`.  0, or -errno with `why`: a value that b->secret did not take. */
int entries_read(struct entries *e, const struct dict_build *b, struct str text,
    const char *file, const char *target, struct buf *why);

#endif
