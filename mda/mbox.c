/* SPDX-License-Identifier: ISC */
/*
 * mbox - appending to mailbox files.  Owns the open file while its messages
 * are written.  All for one file share its locks and its flush.
 */
#include "mbox.h"

#include "base/file.h"
#include "lock.h"
#include "path.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_TRIES 5

/* One mailbox that is being written. */
struct box {
	const struct mbox *m;
	struct buf path;    /* below the root */
	struct buf dotlock; /* its lock file's */
	int fd;
	off_t size;
	bool is_new;
	struct lock lock;
	const char *why; /* what is wrong with it; NULL: see errno */
};

/* ---- telling ---- */

/* In Postfix's words. */
static void
tell_failure(struct delivery *d, int error, const char *why)
{
	const struct action *a = d->action;

	if (a->kind == ACTION_FILE && why != NULL)
		delivery_failed(d, "4.2.0",
		    "cannot append message to file %.*s: %s", STR_ARG(a->path),
		    why);
	else if (a->kind == ACTION_FILE)
		delivery_errno(d, error, "cannot append message to file %.*s",
		    STR_ARG(a->path));
	else if (why != NULL)
		delivery_failed(d, "4.2.0",
		    "cannot update mailbox %.*s for user %.*s. %s",
		    STR_ARG(a->path), STR_ARG(a->user), why);
	else
		delivery_errno(d, error,
		    "cannot update mailbox %.*s for user %.*s",
		    STR_ARG(a->path), STR_ARG(a->user));
}

static void
tell_sent(struct delivery *d)
{
	if (d->action->kind == ACTION_FILE)
		delivery_sent(
		    d, "delivered to file: %.*s", STR_ARG(d->action->path));
	else
		delivery_sent(d, "delivered to mailbox");
}

/* Aliases of people who want no mail. */
static bool
is_sink(const struct action *a)
{
	return a->kind == ACTION_FILE && str_eq(a->path, STR("/dev/null"));
}

/* ---- the file ---- */

/* SECURITY: see mbox.h. */
static int
check_file(struct box *b)
{
	struct stat st;

	if (fstat(b->fd, &st) < 0)
		return -errno;
	b->why = NULL;
	if (!S_ISREG(st.st_mode))
		b->why = "file is not a regular file";
	else if (st.st_nlink != 1)
		b->why = "file has more than one link";
	else if (st.st_uid != geteuid())
		b->why = "destination is not owned by recipient";
	b->size = st.st_size;
	return b->why == NULL ? 0 : -EPERM;
}

static int
open_file(struct box *b)
{
	const int flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK;

	b->is_new = false;
	b->fd = path_open(b->m->root_fd, b->path.p, flags, 0);
	if (b->fd == -ENOENT) {
		b->is_new = true;
		b->fd = path_open(
		    b->m->root_fd, b->path.p, flags | O_CREAT | O_EXCL, 0600);
	}
	if (b->fd == -ELOOP)
		b->why = "file is a symbolic link";
	if (b->fd < 0)
		return b->fd;
	return check_file(b);
}

/* What was opened may have been renamed or replaced while we waited. */
static bool
is_still_there(const struct box *b)
{
	struct stat mine, there;

	return fstat(b->fd, &mine) == 0 &&
	       fstatat(b->m->root_fd, b->path.p, &there, AT_SYMLINK_NOFOLLOW) ==
	           0 &&
	       mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

static const struct lock_how *
locks_of(const struct mbox *m, const struct action *a)
{
	return str_eq(a->relay, STR("virtual")) ? &m->settings->virtual_lock
	                                        : &m->settings->local_lock;
}

static int
open_and_lock(struct box *b, const struct action *a)
{
	for (int i = 0; i < OPEN_TRIES; i++) {
		int r = open_file(b);

		if (r == -EEXIST) /* someone made it just now */
			continue;
		if (r == 0)
			r = lock_take(&b->lock, locks_of(b->m, a), b->fd,
			    b->m->root_fd, b->dotlock.p);
		if (r == -EAGAIN)
			b->why = "unable to lock for exclusive access: "
				 "Resource temporarily unavailable";
		if (r < 0)
			return r;
		if (is_still_there(b))
			return check_file(b);
		lock_drop(&b->lock);
		fd_close(&b->fd);
	}
	b->why = "mailbox is being replaced";
	return -EAGAIN;
}

/* ---- the message ---- */

/* Where a text goes. */
struct end {
	int fd;
	off_t is_there; /* so much of it need not be written */
	off_t written;
};

static int
put(void *arg, struct str bytes)
{
	struct end *e = arg;
	off_t n = (off_t)bytes.len;
	off_t skip = e->is_there < n ? e->is_there : n;
	int r;

	e->is_there -= skip;
	if (skip == n)
		return 0;
	r = fd_write_all(e->fd, bytes.p + skip, (size_t)(n - skip));
	if (r == 0)
		e->written += n - skip;
	return r;
}

/* What was torn off by a crash ends before our message begins. */
static int
put_separation(struct end *e, const struct box *b)
{
	char last[2] = "\n\n";

	if (b->size >= 2 && fd_pread_all(b->fd, last, 2, b->size - 2) < 0)
		return 0;
	if (last[1] != '\n')
		return put(e, STR("\n\n"));
	return last[0] != '\n' ? put(e, STR("\n")) : 0;
}

/* What an interrupted attempt left at the end is not written twice. */
static int
append(struct box *b, const struct delivery *d)
{
	const struct job *job = d->job;
	uint64_t limit = d->action->limit;
	off_t has = job->d->is_again ? text_has(job, b->fd, b->size) : 0;
	struct end e = {.fd = b->fd};
	int r;

	/* Nothing but ours: the attempt that made it may not have come to
	 * its directory. */
	b->is_new = b->is_new || (job->d->is_again && has == b->size);
	if (limit > 0 && (uint64_t)(b->size - has) + job_size(job) > limit)
		return -EFBIG;
	r = has > 0 ? 0 : put_separation(&e, b);
	e.is_there = has;
	if (r == 0)
		r = text_write(job, put, &e);
	if (r < 0) /* none of it stays */
		(void)!ftruncate(b->fd, b->size);
	else
		b->size += e.written;
	return r;
}

static int
make_durable(const struct box *b, off_t before)
{
	FD_CLEANUP int dir = -1;

	if (fsync(b->fd) < 0) {
		int r = -errno;

		(void)!ftruncate(b->fd, before);
		return r;
	}
	if (!b->is_new)
		return 0;
	/* One who may not read the directory relies on the file system,
	 * which keeps a new file's name with the file (ext4, xfs). */
	dir = path_open_parent(b->m->root_fd, b->path.p);
	return dir < 0 ? 0 : dir_sync(dir);
}

/* ---- one mailbox ---- */

/* Off the list, all that go where its first one goes. */
static void
take_alike(struct delivery_list *list, struct delivery_list *ret)
{
	const struct action *a = TAILQ_FIRST(list)->action;
	struct delivery *d, *after;

	TAILQ_INIT(ret);
	TAILQ_FOREACH_SAFE (d, list, next, after) {
		if (d->action->kind != a->kind ||
		    !str_eq(d->action->path, a->path))
			continue;
		TAILQ_REMOVE(list, d, next);
		TAILQ_INSERT_TAIL(ret, d, next);
	}
}

static void
tell_all(struct delivery_list *list, int r, const char *why)
{
	struct delivery *d;

	while ((d = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, d, next);
		if (r < 0)
			tell_failure(d, r, why);
		else
			tell_sent(d);
	}
}

/* Append all; who fails is told, the others are left in the list. */
static int
write_all(struct box *b, struct delivery_list *list)
{
	off_t before = b->size;
	struct delivery *d, *after;

	TAILQ_FOREACH_SAFE (d, list, next, after) {
		int r = append(b, d);

		if (r == 0)
			continue;
		TAILQ_REMOVE(list, d, next);
		tell_failure(d, r, NULL);
	}
	return TAILQ_EMPTY(list) ? 0 : make_durable(b, before);
}

static int
name_box(struct box *b, const struct action *a)
{
	if (path_below(b->m->root, a->path, &b->path) < 0) {
		b->why = "it is not below the directory that was given";
		return -EXDEV;
	}
	buf_addf(&b->dotlock, "%s.lock", b->path.p);
	return 0;
}

static int
deliver_box(struct box *b, struct delivery_list *list)
{
	const struct action *a = TAILQ_FIRST(list)->action;
	int r = name_box(b, a);

	if (r == 0)
		r = open_and_lock(b, a);
	if (r == 0)
		r = write_all(b, list);
	lock_drop(&b->lock);
	fd_close(&b->fd);
	return r;
}

void
mbox_deliver(const struct mbox *m, struct delivery_list *list)
{
	struct box b = {.m = m, .fd = -1};
	struct delivery_list mine;
	int r = 0;

	take_alike(list, &mine);
	buf_init(&b.path, PATH_MAX_BYTES);
	buf_init(&b.dotlock, PATH_MAX_BYTES + 8);
	if (!is_sink(TAILQ_FIRST(&mine)->action))
		r = deliver_box(&b, &mine);
	tell_all(&mine, r, b.why);
	buf_done(&b.path);
	buf_done(&b.dotlock);
}
