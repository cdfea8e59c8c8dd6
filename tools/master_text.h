/* SPDX-License-Identifier: ISC */
/*
 * master_text - master.cf as it is written: entries with their options and
 * arguments in their order, to be shown, and changed where they stand.
 *
 * mail/master_cf.h says what a file means; this, what it says.  In front of
 * the first argument stand options: "-v", and "-o name=value" or
 * "-o { name = value }", which sets a parameter for the service.
 */
#ifndef TOOLS_MASTER_TEXT_H
#define TOOLS_MASTER_TEXT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

/* As postconf -F names them. */
enum master_field {
	MASTER_SERVICE,
	MASTER_TYPE,
	MASTER_PRIVATE,
	MASTER_UNPRIVILEGED,
	MASTER_CHROOT,
	MASTER_WAKEUP,
	MASTER_PROCESS_LIMIT,
	MASTER_COMMAND, /* with all that is behind it */
	MASTER_FIELDS,
};
const char *master_field_name(enum master_field field);
bool master_field_find(struct str name, enum master_field *ret);

struct master_option {
	struct str name, value; /* of a -o */
	struct str flag;        /* another; then name is empty */
};

struct master_entry {
	struct str fields[MASTER_FIELDS]; /* the command alone */
	struct master_option *options;
	size_t noptions;
	struct str *arguments; /* { } as one, with its braces */
	size_t narguments;
	size_t begin, end; /* of its lines in the text */
	bool is_changed, is_removed, is_commented;
};

struct master_text {
	struct arena arena;
	struct str text;
	struct master_entry *entries;
	size_t n, room;
};

/* `text` is borrowed.  False with `why`: a line is no entry. */
bool master_text_parse(struct master_text *m, struct str text, struct buf *why);
void master_text_done(struct master_text *m);

/* An entry out of what stands in one: "smtp inet n - y - - smtpd -v", into the
 * arena.  False with *ret_why. */
bool master_text_entry(struct master_text *m, struct str text,
    struct master_entry *ret, const char **ret_why);
/* The same for what is behind the columns: into `e`. */
bool master_text_command(struct master_text *m, struct str text,
    struct master_entry *e, const char **ret_why);
struct master_entry *master_text_add(
    struct master_text *m, const struct master_entry *e); /* at the end */

/* An entry in columns; with `fold` each -o on a line of its own, and lines of
 * 80 columns. */
void master_text_format(
    const struct master_entry *e, bool fold, struct buf *out);
/* Its command with options and arguments, from column `at` on. */
void master_text_format_command(
    const struct master_entry *e, bool fold, size_t at, struct buf *out);

/* The whole text: what was not changed is as it was, byte for byte.  Comments
 * inside of an entry that was changed stand in front of it. */
void master_text_write(const struct master_text *m, struct buf *out);

#endif
