/* SPDX-License-Identifier: ISC */
/*
 * names - the ids in a directory of the queue, in the order in which their
 * inodes lie on disk: who looks at a million files in that order reads what is
 * side by side once.
 *
 *	struct names all = {0};
 *
 *	if (names_read(&all, queue_dir, "deferred/3f") == 0)
 *		for (size_t i = 0; i < all.n; i++)
 *			... all.p[i].id ...
 *	names_done(&all);
 */
#ifndef MAIL_QUEUE_NAMES_H
#define MAIL_QUEUE_NAMES_H

#include "mail/envelope.h"

#include <dirent.h>
#include <stddef.h>
#include <sys/types.h>

struct name {
	ino_t inode;
	char id[ENVELOPE_QID_MAX + 1];
};

/* Zeroed: none, and nothing is allocated. */
struct names {
	struct name *p;
	size_t n, room;
	DIR *dir; /* that was read, still open */
};

/* Instead of those of an earlier read.  What is no id is left out.  0 or
 * -errno. */
int names_read(struct names *n, int dirfd, const char *path);
int names_fd(const struct names *n); /* of the directory, after a read */
void names_done(struct names *n);

#endif
