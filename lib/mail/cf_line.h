/* SPDX-License-Identifier: ISC */
/*
 * cf_line - the lines of main.cf, master.cf and text tables.
 *
 * A logical line begins in the first column; a line that begins with a blank
 * goes on with it.  Empty lines, and lines whose first non-blank is a '#',
 * count for nothing wherever they stand, also between a line and its
 * continuation.
 *
 *	struct cf_lines in;
 *	cf_lines_init(&in, text);
 *	while (cf_lines_next(&in, &line, &number, &why))
 *		if (why != NULL)
 *			...
 *	cf_lines_done(&in);
 */
#ifndef MAIL_CF_LINE_H
#define MAIL_CF_LINE_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

#define CF_LINE_MAX (256 * 1024)
#define CF_FILE_MAX (4 * 1024 * 1024)

struct cf_lines {
	struct str rest;
	unsigned read; /* physical lines taken so far */
	struct buf line;
};

void cf_lines_init(struct cf_lines *in, struct str text);
void cf_lines_done(struct cf_lines *in);

/*
 * The next logical line, without the blanks at its end; good until the next
 * call.  *ret_number is that of its first physical line.  False at the end.
 * When the line is not acceptable *ret_why says so, and the next call goes on
 * behind it; else it is NULL.
 */
bool cf_lines_next(struct cf_lines *in, struct str *ret_line,
    unsigned *ret_number, const char **ret_why);

/*
 * Split "name = value".  Both are trimmed; the value may be empty.  0, or
 * -EINVAL with *ret_why.
 */
int cf_line_setting(struct str line, struct str *ret_name,
    struct str *ret_value, const char **ret_why);

#endif
