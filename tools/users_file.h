/* SPDX-License-Identifier: ISC */
/*
 * users_file - the passwd-file of auth_users, as `valija user` changes it:
 * one writer at a time, and a reader, also after a power cut, sees the old
 * file or the new one.  Lines of others, comments, and the fields behind the
 * secrets stay as they are.
 *
 * SECURITY: it is root's (or the one user's of the suite), who alone may
 * write it and its directory; a symbolic link is not followed.
 *
 *	if (users_file_open(&f, "/etc/valija/users", &why) < 0)
 *		...
 *	if (users_text_find(buf_str(&f.text), name, &secrets))
 *		...
 *	users_text_put(buf_str(&f.text), name, &secrets, &out);
 *	r = users_file_write(&f, buf_str(&out));
 *	users_file_close(&f);
 */
#ifndef TOOLS_USERS_FILE_H
#define TOOLS_USERS_FILE_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <sys/types.h>

#define USERS_TEXT_MAX (64 * 1024 * 1024)

struct users_file {
	int dir; /* locked, when it was opened for writing */
	char *name;
	struct buf text;
	mode_t mode; /* of the file that is there, else 0600 */
	uid_t uid;
	gid_t gid;
};

/* A file that is not there is one with nothing in it.  0, or -errno with `why`
 * a sentence. */
int users_file_open(
    struct users_file *f, const char *path, bool for_writing, struct buf *why);
int users_file_write(struct users_file *f, struct str text);
void users_file_close(struct users_file *f);

/* The secrets of a user; names as secrets_fold() has them. */
bool users_text_find(struct str text, struct str name, struct str *ret);

/*
 * `text` with these secrets of his, in his line or a new last one; without
 * his line when `secrets` is NULL; with a "# seed=" (auth/users.h) if it has
 * none.  0 or -EMSGSIZE.
 */
int users_text_put(struct str text, struct str name, const struct str *secrets,
    struct buf *out);

#endif
