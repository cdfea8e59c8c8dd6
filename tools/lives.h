/* SPDX-License-Identifier: ISC */
/*
 * lives - the lines of a log that tell the life of a message, and of what
 * became of it: notifications, forwards, what a filter handed back.
 *
 * A log is read in passes.  What a message is the parent of may stand behind
 * lines of its child, and an address behind those of the message it belongs
 * to; so the ids that are of interest are learnt in one pass, and one after
 * which nothing was learnt holds everything.  No more is kept in memory than
 * LIVES_MAX ids and LIVES_TEXT_MAX bytes of lines; lives_is_cut() tells.
 *
 *	do {
 *		lives_begin(l);
 *		lives_line(l, line) ...
 *	} while (lives_has_learnt(l));
 *	lives_print(l, stdout);
 */
#ifndef TOOLS_LIVES_H
#define TOOLS_LIVES_H

#include "base/str.h"

#include <stdbool.h>
#include <stdio.h>

#define LIVES_MAX      20000
#define LIVES_TEXT_MAX ((size_t)64 * 1024 * 1024)

struct lives;

/* A queue id; or an address, "@domain", or a Message-ID.  Borrowed. */
struct lives *lives_new(struct str id, struct str who);
void lives_free(struct lives **l);

void lives_begin(struct lives *l);
void lives_line(struct lives *l, struct str line);
bool lives_has_learnt(const struct lives *l);

/* More was found than is kept: what came first is. */
bool lives_is_cut(const struct lives *l);

/* Each life under a line that sums it up; children behind their parent.  The
 * count of lives. */
size_t lives_print(const struct lives *l, FILE *out);

#endif
