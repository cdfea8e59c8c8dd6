/* SPDX-License-Identifier: ISC */
/*
 * targets - the right side of an alias, and the lines of a .forward or
 * :include: file: a list of addresses and of what may stand for one.
 *
 *	user@example.org, Some One <one@example.org>, \user,
 *	"|/bin/command with, a comma", /file/name, :include:/file/name
 *
 * Commas separate; double quotes, <> and (comments) keep them together.
 * What is quoted as a whole is taken without its quotes.
 */
#ifndef LOCAL_TARGETS_H
#define LOCAL_TARGETS_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum target_kind {
	TARGET_ADDRESS, /* internal form, perhaps without a domain */
	TARGET_USER,    /* \user: his mailbox, and nothing else */
	TARGET_COMMAND, /* the text behind the '|' */
	TARGET_FILE,    /* absolute */
	TARGET_INCLUDE, /* the file named behind :include: */
};

struct target {
	enum target_kind kind;
	struct str text;
};

#define TARGETS_MAX 10000

struct targets {
	struct target *list; /* in the arena */
	size_t n, cap;
};

/*
 * Append the items of one list, in `a`.  0; -EINVAL: *ret_why says what is
 * wrong with it (a static text), and those before it are there; -E2BIG: more
 * than `max` in all.
 */
int targets_parse(struct targets *t, struct str list, size_t max,
    struct arena *a, const char **ret_why);

/* The same for the text of a file: comments, continued lines. */
int targets_parse_file(struct targets *t, struct str text, size_t max,
    struct arena *a, const char **ret_why);

#endif
