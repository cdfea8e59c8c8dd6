/* SPDX-License-Identifier: ISC */
/*
 * lines - the logical lines of a table's text, as Postfix defines them: a
 * line that begins with white space continues the one before it; empty lines
 * and lines whose first character is '#' are skipped, also in between.
 *
 *	struct lines l;
 *	struct str line;
 *	lines_init(&l, text);
 *	while (lines_next(&l, &line))
 *		... l.line is the number of its first line ...
 *	lines_done(&l);
 */
#ifndef DICT_LINES_H
#define DICT_LINES_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

struct lines {
	struct str rest;
	struct buf joined;
	unsigned read; /* lines taken off rest */
	unsigned line; /* where the current one begins */
	bool is_stray; /* it begins with white space: it continues nothing */
};

void lines_init(struct lines *l, struct str text);
void lines_done(struct lines *l);
bool lines_next(struct lines *l, struct str *ret_line); /* until the next */

/*
 * "key  value": the key ends at white space outside of double quotes, which
 * stay (they are part of an address).  false: one of the two is missing.
 */
bool lines_split(struct str line, struct str *ret_key, struct str *ret_value);

#endif
