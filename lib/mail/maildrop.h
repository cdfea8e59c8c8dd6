/* SPDX-License-Identifier: ISC */
/*
 * maildrop - the directory where sendmail(1) leaves mail while the suite is
 * down: a file a message, named once it is whole and durable.
 *
 *	maildrop/  valija-pickup 01733: anyone may add, nobody but the owner may
 *	           list; sticky, so that nobody removes another's file.  A
 *	           default ACL lets valija-pickup read what others own.
 *
 * A file is MAILDROP_MAGIC, the length of a submit_message (proto/submit.h),
 * itself, and the content it speaks of.  Whose it is, is the file's owner.
 */
#ifndef MAIL_MAILDROP_H
#define MAIL_MAILDROP_H

#include "base/arena.h"
#include "mail/content.h"
#include "mail/proto/submit.h"

#include <sys/types.h>

#define MAILDROP_MAGIC    "valija1\n"
#define MAILDROP_HEAD_MAX (8 * 1024 * 1024)
#define MAILDROP_NAME     32 /* with the NUL */

/*
 * Leave a message: O_TMPFILE, fsync, linkat, fsync, so that after a power cut
 * it is there whole or not at all.  `path` is the directory's.  m->content is
 * set here.  0; -ENOTSUP: it could not be read by pickup there (no ACL); or
 * -errno.
 */
int maildrop_put(const char *path, struct submit_message *m, struct content *c);

struct maildrop_file {
	int fd;
	uid_t uid; /* who left it */
	off_t size;
	struct arena arena;
	struct buf head;
	struct submit_message message;
	off_t content_at;
};

/*
 * Open a file and read all but its content.  0; -ENOENT; -EAGAIN, -EMFILE
 * ...: try later; -EPROTO: not one of ours, *ret_why says what.
 * SECURITY: takes a regular file with one link, and follows no symbolic one.
 */
int maildrop_open(int dir_fd, const char *name, struct maildrop_file *ret,
    const char **ret_why);
void maildrop_close(struct maildrop_file *f);

/* Up to `n` bytes of the content from `at`: the count, 0 at its end, -errno. */
ssize_t maildrop_read(
    const struct maildrop_file *f, off_t at, void *bytes, size_t n);

#endif
