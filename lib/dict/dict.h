/* SPDX-License-Identifier: ISC */
/*
 * dict - one way to open a table "type:name" and ask it.
 *
 * A type is one file here (dict_cdb.c, dict_cidr.c ...) and one row in the
 * list of types in dict.c.  hash: and btree: mean cdb; proxy: is taken off.
 * A table never opens a file by itself in a program: the file is asked of
 * the environment, which in a program gives what master handed in and in a
 * tool opens by path.
 *
 * Keys are folded to lower case for the types that Postfix folds (all
 * indexed and text types); patterns match as their type says.  A value is at
 * most DICT_VALUE_MAX bytes, a key DICT_KEY_MAX, what a pattern is asked about
 * DICT_SUBJECT_MAX: beyond that nothing is found.
 *
 * A line of a table that is not right is skipped and told to env->remark
 * ("/etc/x, line 7: ...").  A file that is cut short or overwritten while it
 * is open is FIND_BROKEN, not a death: nothing here maps a file.
 */
#ifndef DICT_DICT_H
#define DICT_DICT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/find.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define DICT_VALUE_MAX   (64 * 1024)
#define DICT_KEY_MAX     2048
#define DICT_SUBJECT_MAX (64 * 1024)

struct dict;

struct dict_env {
	/* A descriptor (caller closes) or -errno for the file at `path`. */
	int (*open)(void *arg, const char *path);
	/* unix:passwd.byname, unix:group.byname: "name:pw:uid:gid:..." */
	enum find (*lookup)(void *arg, struct str database, struct str key,
	    struct arena *a, struct str *ret_value);
	/* A table has a line that was skipped; NULL: nobody wants to know. */
	void (*remark)(void *arg, const char *text);
	void *arg;
	struct str default_type; /* for a name without "type:" */
};

/* Opens by path as the caller, asks the system's passwd, and remarks by
 * log_warning: for tools. */
extern const struct dict_env dict_env_tool;

/* NULL with `why` set (a whole sentence naming the table) on failure.  `env`
 * must outlive the table. */
struct dict *dict_open(
    const struct dict_env *env, struct str spec, struct buf *why);
void dict_free(struct dict **d);
struct str dict_spec(const struct dict *d);
bool dict_is_pattern(const struct dict *d); /* regexp:, pcre:, cidr: ... */

/*
 * May wait (unix:).  On FIND_YES *ret_value lies in `a`.  Pattern types get
 * the key as it is and are asked with whole keys only.
 */
enum find dict_get(
    struct dict *d, struct str key, struct arena *a, struct str *ret_value);

/* Every pair of a table, for postmap -s: FIND_YES, FIND_BROKEN, or FIND_NO
 * for a type that has no pairs. */
typedef void (*dict_each_fn)(void *arg, struct str key, struct str value);
enum find dict_each(struct dict *d, dict_each_fn each, void *arg);

/*
 * The files that opening `spec` will ask for ("/etc/aliases.cdb"), so that
 * master can hand them in: into `ret` up to `max`, the count returned.
 */
size_t dict_files(struct str spec, struct str default_type, struct arena *a,
    struct str *ret, size_t max);

/* All types, for postconf -m; NULL after the last. */
const char *dict_type_name(size_t i);

/*
 * maps - a list of tables asked in turn, as a main.cf parameter names them
 * ("hash:/etc/aliases, { inline:{...} }").  The first answer that is not
 * FIND_NO counts.
 */
struct maps;

struct maps *maps_open(const struct dict_env *env, struct str list,
    struct buf *why); /* an empty list is a maps that finds nothing */
void maps_free(struct maps **m);
bool maps_is_empty(const struct maps *m);
size_t maps_count(const struct maps *m);
enum find maps_get(
    struct maps *m, struct str key, struct arena *a, struct str *ret_value);

/* For the steps of an address look-up (user+ext, @domain): patterns are
 * asked only when `key` is the whole address. */
enum find maps_get_part(struct maps *m, struct str key, bool whole,
    struct arena *a, struct str *ret_value);

/*
 * Split a list of tables or names: commas and blanks separate, braces group
 * (the braces are taken off).  Empty at the end.  -EINVAL: unbalanced.
 */
int dict_list_next(struct str *rest, struct str *ret_item);

#endif
