/* SPDX-License-Identifier: ISC */
/*
 * postconf - shows and changes the configuration: postconf(1).
 *
 * postconf.c has the options, postconf_show.c prints parameters,
 * postconf_edit.c changes main.cf, postconf_master.c shows and changes
 * master.cf.
 */
#ifndef TOOLS_POSTCONF_H
#define TOOLS_POSTCONF_H

#include "base/buf.h"
#include "mail/conf.h"

#include <stdbool.h>
#include <stddef.h>

/* How a parameter or a service is printed. */
struct show {
	const char *dir;
	bool defaults;   /* -d */
	bool only_set;   /* -n */
	bool value_only; /* -h */
	bool name_only;  /* -H */
	bool expand;     /* -x */
	bool fold;       /* -f */
};

/* All parameters that `s` asks for, or the `n` that are named. */
void postconf_show(
    const struct show *s, const struct conf *c, char *const *names, size_t n);

enum edit {
	EDIT_SET,     /* -e name=value */
	EDIT_COMMENT, /* -# name: the line stays, as a comment */
	EDIT_DELETE,  /* -X name */
};

/*
 * main.cf changed: comments and order stay, a line that sets the name is
 * replaced where it stands, a new one goes to the end.  0, or -EINVAL with
 * `why` when a request is not of the form.
 */
int postconf_edit(enum edit how, struct str text, char *const *requests,
    size_t n, struct buf *ret_text, struct buf *why);

/* Of master.cf: entries (-M), fields of them (-F), parameters that their
 * options set (-P). */
enum master_what {
	MASTER_ENTRIES,
	MASTER_FIELD,
	MASTER_PARAMETER,
};

/* Those that are asked for, or all, of a file's text. */
void postconf_show_master(const struct show *s, const struct conf *c,
    enum master_what what, struct str text, char *const *requests, size_t n);

/* As postconf_edit(); a comment inside of what was changed stands in front of
 * it.  What the new text means was not looked at. */
int postconf_edit_master(enum master_what what, enum edit how, struct str text,
    char *const *requests, size_t n, struct buf *ret_text, struct buf *why);

#endif
