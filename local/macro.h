/* SPDX-License-Identifier: ISC */
/*
 * macro - "$home/.forward${recipient_delimiter}${extension}": names in
 * forward_path and the like, put in for one delivery.
 */
#ifndef LOCAL_MACRO_H
#define LOCAL_MACRO_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct macro {
	const char *name;
	struct str value; /* empty: not defined */
};

/*
 * Append `text` with $name, ${name} and $(name) put in, ${name?text} when it
 * is defined, ${name:text} when it is not, $$ for '$'.  false: a name that
 * is not defined, or no such form.
 */
bool macro_expand(
    struct str text, const struct macro *macros, size_t n, struct buf *out);

#endif
