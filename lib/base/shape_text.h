/* SPDX-License-Identifier: ISC */
/*
 * shape_text - a struct as lines of text, by its shape: for files that people
 * read and that another version of the program reads.
 *
 *	sender=a@b.example
 *	size=1234
 *	recipients
 *		address=c@d.example
 *	recipients
 *		address=e@f.example
 *
 * A field is a line, its name and its value; what has fields of its own is
 * its name alone, and its fields are below, with a tab more in front.  Rows
 * of one name follow each other.  Bytes that are not printable ASCII, and
 * '%', are "%41".  A field that is zero or empty is left out, and one that is
 * not there is zero or empty: so a file of an older version is read.
 */
#ifndef BASE_SHAPE_TEXT_H
#define BASE_SHAPE_TEXT_H

#include "base/shape.h"

/* Append: 0, -EMSGSIZE when `out` is full, -EINVAL when the value breaks its
 * shape. */
int shape_print(const struct shape *s, const void *value, struct buf *out);

/*
 * The whole of `in`; all lies in `a`.  0; -EPROTO; -EPROTONOSUPPORT for a
 * field that the shape does not have, as a newer version may; with `why`.
 */
int shape_parse(const struct shape *s, struct str in, struct arena *a,
    void *ret_value, struct buf *why);

#endif
