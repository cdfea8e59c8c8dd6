/* SPDX-License-Identifier: ISC */
/*
 * dict_type - what the files of lib/dict share and nobody else sees: the
 * row of a type, what an open table is, and the helpers of those that open.
 *
 * A type adds itself by one row here and in the list of dict.c.
 */
#ifndef DICT_DICT_TYPE_H
#define DICT_DICT_TYPE_H

#include "dict/dict.h"

#define DICT_DEPTH_MAX 8                  /* of tables inside tables */
#define DICT_TEXT_MAX  (64 * 1024 * 1024) /* of a table that is text */

struct dict_type;

struct dict {
	const struct dict_type *type;
	struct str spec; /* behind the struct */
	bool is_pattern;
	void *state; /* the type's own */
};

struct dict_opening {
	const struct dict_env *env;
	struct str spec; /* "type:name", cut, for messages */
	struct str name; /* behind "type:" */
	unsigned depth;
	struct buf *why;
};

struct dict_type {
	const char *name;
	const char
	    *suffix; /* NAME with this behind is a file; NULL: it isn't */
	bool is_pattern;
	bool folds;    /* keys are lower case */
	bool has_list; /* NAME is a {list} of tables */
	/* Sets d->state; false with o->why set. */
	bool (*open)(struct dict *d, const struct dict_opening *o);
	/* The key is folded and at most DICT_KEY_MAX bytes, if the type is no
	 * pattern; else at most DICT_SUBJECT_MAX. */
	enum find (*get)(struct dict *d, struct str key, struct arena *a,
	    struct str *ret_value);
	/* NULL: it has no pairs. */
	enum find (*each)(struct dict *d, dict_each_fn each, void *arg);
	void (*free)(struct dict *d); /* NULL: nothing to free */
};

extern const struct dict_type dict_type_cdb, dict_type_hash, dict_type_btree,
    dict_type_dbm, dict_type_texthash, dict_type_inline, dict_type_static,
    dict_type_fail, dict_type_cidr, dict_type_regexp, dict_type_pcre,
    dict_type_unix, dict_type_unionmap, dict_type_pipemap;

struct dict *dict_open_at(const struct dict_env *env, struct str spec,
    unsigned depth, struct buf *why);

/* The file of o->name: a descriptor, or -1 with o->why set. */
int dict_open_file(const struct dict_opening *o, const char *suffix);

/* The whole of it, read without moving a shared offset; false with why. */
bool dict_read_file(const struct dict_opening *o, struct buf *ret_text);

/* Something in a table that was skipped. */
void dict_remark(const struct dict_opening *o, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A copy of `value` for the one who asked: FIND_YES; FIND_RETRY when his
 * arena has no room, FIND_BROKEN when the value is over DICT_VALUE_MAX. */
enum find dict_give(struct str value, struct arena *a, struct str *ret_value);

/* "{ text }" without braces and blanks; false: not in braces. */
bool dict_unbrace(struct str s, struct str *ret);

#endif
