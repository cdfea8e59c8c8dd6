/* SPDX-License-Identifier: ISC */
/*
 * secrets - what a user may log in with: the second field of his line in a
 * passwd-file, or the value of a table.  Words with blanks between them:
 *
 *	{CRYPT}$y$j9T$... {SCRAM-SHA-256}16384,SALT,STORED,SERVER
 *	    app=phone {SSHA256}... app=laptop {SSHA256}...
 *
 * Each is a hash behind its scheme, in Dovecot's notation; without a scheme
 * it is {CRYPT}.  Those before the first "app=" are of the user's password,
 * those behind one of the application password of that name.  "!" and "*" in
 * front of a hash, or alone, lock it, and with it the other hashes of the same
 * password: nothing equals them.
 *
 * A word of a scheme that is not known is kept and matches nothing.
 */
#ifndef MAIL_SECRETS_H
#define MAIL_SECRETS_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define SECRETS_TEXT_MAX 8192 /* all of a user's */
#define SECRETS_MAX      128  /* words */
#define SECRETS_APPS_MAX 20
#define SECRETS_APP_MAX  40 /* bytes of a name */
#define SECRETS_USER_MAX 255

struct secret {
	struct str app;    /* empty: the user's password */
	struct str scheme; /* "SSHA256"; as written */
	struct str hash;
};

struct secrets {
	struct secret list[SECRETS_MAX];
	size_t n;
};

/* Borrows from `text`.  0, or -EINVAL with *ret_why a static text. */
int secrets_parse(struct str text, struct secrets *ret, const char **ret_why);
int secrets_format(const struct secrets *s, struct buf *out); /* -EMSGSIZE */

/*
 * Is the i-th looked at when a password is checked?  The first of the user
 * and of each application that is no SCRAM key; the key when there is nothing
 * else: they are all of the same password.
 */
bool secrets_counts(const struct secrets *s, size_t i);

/*
 * A line of a passwd-file: "name:secrets" and perhaps more fields, which are
 * somebody else's.  False: an empty line or a comment.  *ret_why is NULL, or
 * says what is wrong with a line that is neither.
 */
bool secrets_line(struct str line, struct str *ret_name, struct str *ret_text,
    const char **ret_why);

/*
 * Adds the form in which names are compared: prepared (RFC 4013), as far as
 * that can be, in lower case.  0 or -EMSGSIZE, also when `name` has more than
 * four times SECRETS_USER_MAX.  It may be no name any more:
 * ask secrets_is_user().
 */
int secrets_fold(struct str name, struct buf *out);
bool secrets_is_named(struct str name, struct str folded);

/* SECURITY: what may stand in a passwd-file, a log line and a table. */
bool secrets_is_user(struct str name);
bool secrets_is_app(struct str name);

#endif
