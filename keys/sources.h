/* SPDX-License-Identifier: ISC */
/*
 * sources - the chains of main.cf's files: each source is read once, whoever
 * has it.
 *
 * A source that cannot be had as it is now (a file that is missing, a key that
 * does not match, a certificate whose time is over) is said, with file and
 * reason, and what was had of the same files before stays.
 */
#ifndef KEYS_SOURCES_H
#define KEYS_SOURCES_H

#include "chain.h"

#include "dict/dict.h"

struct sources;

/* `old` (NULL: none) is what was had before; it stays the caller's. */
struct sources *sources_new(
    const struct dict_env *env, const struct sources *old, time_t now);
void sources_free(struct sources **s);

/* The chains of a source are added to `to`; none when it gives none. */
void sources_get(
    struct sources *s, const struct keys_source *source, struct chain_list *to);

/* Read one, without a memory of others: 0, or -errno with `why`, which names
 * the file. */
int sources_read(const struct dict_env *env, const struct keys_source *source,
    time_t now, struct chain_list *ret, struct buf *why);

#endif
