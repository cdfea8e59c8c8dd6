/* SPDX-License-Identifier: ISC */
/*
 * table_files - the values of postmap -F: in the text names of files, in the
 * table the base64 of what is in them, one after the other.
 */
#ifndef TOOLS_TABLE_FILES_H
#define TOOLS_TABLE_FILES_H

#include "base/buf.h"

#define TABLE_FILES_MAX (48 * 1024) /* bytes; the base64 of it is a value */

/* 0, or -errno with `why`. */
int table_files_encode(struct str names, struct buf *ret, struct buf *why);

/* What the files hold, by a value of a table, or of a text where it is still
 * their names.  0, or -errno with `why`. */
int table_files_show(struct str value, struct buf *ret, struct buf *why);

#endif
