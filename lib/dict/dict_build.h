/* SPDX-License-Identifier: ISC */
/*
 * dict_build - makes the files of indexed tables: what postmap(1),
 * postalias(1) and newaliases(1) do.
 *
 * A table is made beside the old one ("NAME.cdb.tmp"), flushed, renamed over
 * it, and the directory flushed: a reader, also after a power cut, sees the
 * old table or the new one.  The lock on the temporary file lets one builder
 * work at a time, so that what two of them add is not lost.
 *
 * SECURITY: root builds as the owner of the source, and does not put a file
 * of root's into a directory that another user owns (he could swap names
 * there), unless `as_root` says that this is meant.
 *
 *	struct dict_build b = {.default_type = STR("hash"), .warn = warn};
 *	if (dict_build(&b, STR("/etc/valija/transport"), &why) != 0)
 *		... why says it ...
 */
#ifndef DICT_DICT_BUILD_H
#define DICT_DICT_BUILD_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum dict_build_format {
	DICT_BUILD_MAP,     /* "key value": postmap */
	DICT_BUILD_ALIASES, /* "name: value": postalias */
};

enum dict_build_again {     /* an entry whose key is there already */
	DICT_BUILD_WARN,    /* is left out, and warned about */
	DICT_BUILD_IGNORE,  /* is left out */
	DICT_BUILD_REPLACE, /* replaces the old one */
};

struct dict_build {
	enum dict_build_format format;
	enum dict_build_again again;
	bool keep_case; /* keys are not folded to lower case */
	bool add_nul;   /* a NUL ends keys and values */
	bool as_root;
	bool plain_mode;         /* 0644, not the mode of the source */
	struct str default_type; /* for a name without "type:" */
	/* What stands in the table in place of a value, and is a secret: the
	 * file is its owner's alone.  0, or -errno with `why`: then nothing is
	 * built.  NULL: the value itself. */
	int (*secret)(struct str value, struct buf *ret, struct buf *why);
	void (*warn)(void *arg, const char *text); /* a line that was wrong */
	void *arg;
};

/* NAME.cdb from NAME.  0 or -errno with `why`. */
int dict_build(const struct dict_build *b, struct str spec, struct buf *why);

/* Add the entries in `text` to NAME.cdb, which is made if need be. */
int dict_build_add(const struct dict_build *b, struct str spec, struct str text,
    struct buf *why);

/* Take keys out of NAME.cdb; *ret_n says how many were there. */
int dict_build_delete(const struct dict_build *b, struct str spec,
    const struct str *keys, size_t n, size_t *ret_n, struct buf *why);

#endif
