/* SPDX-License-Identifier: ISC */
/* pattern - "/pattern/flags" as regexp: and pcre: write it. */
#ifndef DICT_PATTERN_H
#define DICT_PATTERN_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

/*
 * Cut pattern and flags off the front of *rest.  Any character that is no
 * letter, digit or blank may stand for the slashes; a backslash before it
 * keeps it in the pattern (and stays).  false with `why`.
 */
bool pattern_cut(struct str *rest, struct str *ret_pattern,
    struct str *ret_flags, struct buf *why);

#endif
