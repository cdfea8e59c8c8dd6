/* SPDX-License-Identifier: ISC */
/* reader - a user's file as text.  Owns the conversation. */
#include "reader.h"

#include "base/file.h"
#include "base/find.h"
#include "base/log.h"
#include "base/task.h"
#include "idle.h"
#include "mail/proto/home.h"
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
	int root_fd; /* or -errno */
	struct str root;
	struct chan *asker; /* NULL: has left */
} role;

static enum find
find_of(int error)
{
	switch (-error) {
	case ENOENT:
	case ENOTDIR:
		return FIND_NO;
	case EACCES:
	case EPERM:
	case ELOOP:
	case EXDEV:
	case ENAMETOOLONG:
	case EMSGSIZE:
		return FIND_BROKEN;
	default:
		return FIND_RETRY;
	}
}

/* NULL: it may be believed. */
static const char *
distrust(const struct stat *st, uint64_t owner)
{
	if (owner != HOME_ANY_OWNER && st->st_uid != owner && st->st_uid != 0)
		return "is owned by someone else";
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "is writable by group or others";
	return NULL;
}

static int
check_file(int fd, uint64_t owner, const char **ret_why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		*ret_why = "is not a regular file";
	else
		*ret_why = distrust(&st, owner);
	return 0;
}

static int
check_dir(const char *path, uint64_t owner, const char **ret_why)
{
	FD_CLEANUP int fd = path_open_parent(role.root_fd, path);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (distrust(&st, owner) != NULL)
		*ret_why = "is in a directory that others may write";
	return 0;
}

static int
read_checked(const struct home_read *q, const char *path, struct buf *text,
    const char **ret_why)
{
	/* Not to wait for the other end of a FIFO. */
	FD_CLEANUP int fd = path_open(role.root_fd, path,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
	int r;

	if (fd < 0)
		return fd;
	r = check_file(fd, q->owner, ret_why);
	if (r == 0 && *ret_why == NULL && q->check_dir != 0)
		r = check_dir(path, q->owner, ret_why);
	if (r < 0 || *ret_why != NULL)
		return r;
	return fd_read_rest(fd, text);
}

static void
read_file(const struct home_read *q, struct buf *text, struct home_text *ret)
{
	BUF_CLEANUP struct buf path = {0};
	const char *why = NULL;
	int r = role.root_fd;

	buf_init(&path, PATH_MAX_BYTES);
	if (r >= 0)
		r = path_below(role.root, q->path, &path);
	if (r >= 0)
		r = read_checked(q, path.p, text, &why);
	if (r == -EMSGSIZE)
		why = "is too large";
	else if (r < 0)
		why = strerror(-r);
	*ret = (struct home_text){
	    .find = r < 0         ? find_of(r)
	            : why != NULL ? FIND_BROKEN
	                          : FIND_YES,
	    .why = str_c(why),
	};
	if (ret->find == FIND_YES)
		ret->text = buf_str(text);
}

static void
take_parcel(struct chan *c, struct parcel *p, void *arg)
{
	BUF_CLEANUP struct buf text = {0};
	struct home_text answer;

	(void)arg;
	if (p->kind != HOME_READ)
		return;
	idle_begin();
	buf_init(&text, HOME_TEXT_MAX);
	read_file(p->value, &text, &answer);
	chan_send(c, HOME_TEXT, p->exchange, &answer, NULL, 0);
	idle_end();
}

static void
close_chan(struct chan *c, const char *why, void *arg)
{
	(void)arg;
	if (*why != '\0')
		log_warning("conversation: %s", why);
	role.asker = NULL;
	chan_close(&c);
	idle_leave();
}

void
reader_run(int root_fd, struct str root, int fd)
{
	static const struct chan_events events = {take_parcel, close_chan};

	role.root_fd = root_fd;
	role.root = root;
	idle_init();
	role.asker = chan_new(fd, &home_protocol, &events, NULL);
	loop_run();
	if (role.asker != NULL)
		chan_close(&role.asker);
}
