/* SPDX-License-Identifier: ISC */
/* target - a file that is being made.  Owns its descriptors and temp file. */
#include "dict/target.h"

#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUNDS_MAX 1000 /* makers that may finish before our turn */

static int
fail(struct buf *why, int error, const char *what, const char *path)
{
	buf_addf(why, "%s %s: %s", what, path, strerror(-error));
	return error;
}

static int
open_dir(struct target *t, bool as_root, struct buf *why)
{
	struct str path = buf_str(&t->path), dir;
	ptrdiff_t slash = str_find_last(path, '/');
	BUF_CLEANUP struct buf dir_path = {0};
	struct stat st;

	dir = slash < 0 ? STR(".") : str_sub(path, 0, (size_t)slash + 1);
	buf_init(&dir_path, 4096);
	buf_add_str(&dir_path, dir);
	buf_add_str(&t->name, str_from(path, (size_t)(slash + 1)));
	buf_addf(&t->temp, "%s.tmp", t->name.p);
	t->dir = open(dir_path.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->dir < 0 || fstat(t->dir, &st) != 0)
		return fail(why, -errno, "open directory", dir_path.p);
	/* SECURITY: its owner could swap names under our hands. */
	if (geteuid() != 0 || st.st_uid == 0 || as_root)
		return 0;
	buf_addf(why,
	    "%s: its directory belongs to the user with id %u: root puts no "
	    "file there; do it as that user, or use -o",
	    t->path.p, st.st_uid);
	return -EPERM;
}

/* One try for the lock: -EAGAIN when another maker renamed it meanwhile. */
static int
lock_temp(struct target *t)
{
	struct stat held, named;

	fd_close(&t->fd);
	t->fd = openat(t->dir, t->temp.p,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (t->fd < 0 || flock(t->fd, LOCK_EX) != 0 || fstat(t->fd, &held) != 0)
		return -errno;
	if (fstatat(t->dir, t->temp.p, &named, AT_SYMLINK_NOFOLLOW) != 0 ||
	    named.st_ino != held.st_ino || named.st_dev != held.st_dev)
		return -EAGAIN;
	/* SECURITY: somebody else's file, or a name for something else. */
	if (!S_ISREG(held.st_mode) || held.st_nlink != 1 ||
	    held.st_uid != geteuid())
		return -EPERM;
	t->has_temp = true;
	return ftruncate(t->fd, 0) != 0 ? -errno : 0;
}

int
target_init(struct target *t, struct str path, bool as_root, struct buf *why)
{
	int r;

	*t = (struct target){.dir = -1, .fd = -1};
	buf_init(&t->path, 4096);
	buf_init(&t->name, 4096);
	buf_init(&t->temp, 4096);
	buf_add_str(&t->path, path);
	r = open_dir(t, as_root, why);
	if (r != 0)
		return r;
	r = -EAGAIN;
	for (int i = 0; r == -EAGAIN && i < ROUNDS_MAX; i++)
		r = lock_temp(t);
	return r == 0 ? 0 : fail(why, r, "create", t->temp.p);
}

int
target_commit(struct target *t, mode_t mode, struct buf *why)
{
	int r;

	if (fchmod(t->fd, mode) != 0 || fsync(t->fd) != 0)
		return fail(why, -errno, "write", t->temp.p);
	if (renameat(t->dir, t->temp.p, t->dir, t->name.p) != 0)
		return fail(why, -errno, "rename to", t->path.p);
	t->has_temp = false;
	r = dir_sync(t->dir);
	return r == 0 ? 0 : fail(why, r, "flush the directory of", t->path.p);
}

void
target_done(struct target *t)
{
	if (t->has_temp)
		unlinkat(t->dir, t->temp.p, 0);
	fd_close(&t->fd);
	fd_close(&t->dir);
	buf_done(&t->path);
	buf_done(&t->name);
	buf_done(&t->temp);
}

int
owner_become(struct owner *o, uid_t uid, gid_t gid)
{
	*o = (struct owner){.uid = geteuid(), .gid = getegid()};
	if (o->uid != 0 || uid == 0)
		return 0;
	o->ngroups = getgroups(64, o->groups);
	if (o->ngroups < 0 || setgroups(1, &gid) != 0)
		return -errno;
	o->is_other = true;
	if (setegid(gid) == 0 && seteuid(uid) == 0)
		return 0;
	return -errno;
}

void
owner_return(struct owner *o)
{
	if (!o->is_other)
		return;
	if (seteuid(o->uid) != 0 || setegid(o->gid) != 0 ||
	    setgroups((size_t)o->ngroups, o->groups) != 0)
		log_fatal("cannot become root again");
	o->is_other = false;
}
