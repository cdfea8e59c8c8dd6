/* SPDX-License-Identifier: ISC */
/* names - read, then sorted.  Owns the open directory. */
#include "mail/queue/names.h"

#include "base/log.h"
#include "mail/queue/dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOM_MIN 64

static void
add(struct names *n, const struct dirent *e)
{
	struct str id = str_c(e->d_name);

	if (!dirs_is_id(id))
		return;
	if (n->n == n->room) {
		n->room = n->room == 0 ? ROOM_MIN : 2 * n->room;
		n->p = reallocarray(n->p, n->room, sizeof(*n->p));
		if (n->p == NULL)
			log_fatal("out of memory for %zu names", n->room);
	}
	n->p[n->n].inode = e->d_ino;
	memcpy(n->p[n->n].id, id.p, id.len + 1);
	n->n++;
}

static int
compare(const void *pa, const void *pb)
{
	const struct name *a = pa, *b = pb;

	return (a->inode > b->inode) - (a->inode < b->inode);
}

static void
close_dir(struct names *n)
{
	if (n->dir != NULL)
		closedir(n->dir);
	n->dir = NULL;
	n->n = 0;
}

int
names_read(struct names *n, int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *e;

	close_dir(n);
	n->dir = fd < 0 ? NULL : fdopendir(fd);
	if (n->dir == NULL) {
		int error = -errno;

		if (fd >= 0)
			close(fd);
		return error;
	}
	while ((e = readdir(n->dir)) != NULL)
		add(n, e);
	if (n->n > 0)
		qsort(n->p, n->n, sizeof(*n->p), compare);
	return 0;
}

int
names_fd(const struct names *n)
{
	return dirfd(n->dir);
}

void
names_done(struct names *n)
{
	close_dir(n);
	free(n->p);
	*n = (struct names){0};
}
