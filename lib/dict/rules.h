/* SPDX-License-Identifier: ISC */
/*
 * rules - a table of patterns, the first of which that matches answers:
 *
 *	pattern    value
 *	!pattern   value        when the pattern does not match
 *	if pattern
 *	...                     asked only when it matches
 *	endif
 *
 * The types regexp:, pcre: and cidr: differ in what a pattern is, which is
 * their struct rules_engine.  In a value $N, ${N} and $(N) stand for what the
 * Nth pair of parentheses matched, $$ for a '$'.
 */
#ifndef DICT_RULES_H
#define DICT_RULES_H

#include "dict/dict_type.h"

#define RULES_GROUPS 32 /* with $0, which nobody can write */

struct rules_span {
	size_t from, to; /* from > to: did not take part */
};

struct rules_match {
	struct rules_span spans[RULES_GROUPS];
};

struct rules_engine {
	/* Takes the pattern off the front of *rest.  NULL with `why`. */
	void *(*compile)(struct str *rest, struct buf *why);
	enum find (*match)(
	    void *pattern, struct str subject, struct rules_match *ret);
	void (*free)(void *pattern);
	/* How many pairs of parentheses; NULL: values are taken as they are. */
	size_t (*groups)(void *pattern);
	bool is_deep; /* wants the main stack */
};

/* "regexp:{{/a/ x}, {/b/ y}}": rules in place of a file. */
bool rules_are_inline(struct str name);
bool rules_open(
    struct dict *d, const struct dict_opening *o, const struct rules_engine *e);
enum find rules_get(
    struct dict *d, struct str key, struct arena *a, struct str *ret_value);
void rules_free(struct dict *d);

#endif
