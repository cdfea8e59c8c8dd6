/* SPDX-License-Identifier: ISC */
/* lock - locks on mailboxes.  Owns the lock file while it is there. */
#include "lock.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/task.h"
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A lock file of this age was left behind. */
#define STALE (500 * CLOCK_SEC)

/*
 * The lock of the open file, not of the process: closing another descriptor
 * of the same file does not lose it.  It holds against fcntl's others.
 */
static int
lock_fd(int fd, const struct lock_how *how, short type)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET};

	if (how->fcntl && fcntl(fd, F_OFD_SETLK, &l) < 0)
		return errno == EACCES ? -EAGAIN : -errno;
	if (!how->flock)
		return 0;
	if (flock(fd, (type == F_UNLCK ? LOCK_UN : LOCK_EX) | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return 0;
}

/*
 * The mode of a lock file of ours says which locks its maker holds as well, for
 * as long as he lives; nobody else's is sticky.  Where other hosts may have the
 * file too those locks may be unknown to them, and it says nothing.
 */
static mode_t
mode_of(const struct lock_how *how, int fd)
{
	if ((!how->fcntl && !how->flock) || !fd_is_local(fd))
		return 0600;
	return S_ISVTX | (how->fcntl ? 0400 : 0) | (how->flock ? 0200 : 0);
}

/* It is old, or we hold what its maker would hold if he lived. */
static bool
is_left_behind(const struct lock *l, mode_t mine)
{
	struct stat st;

	if (fstatat(l->dirfd, l->dotlock, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	    (st.st_mode & mine & S_ISVTX) != 0 &&
	    (st.st_mode & mine & 0600) != 0)
		return true;
	return st.st_mtim.tv_sec * CLOCK_SEC + STALE < clock_wall();
}

static int
make_dotlock(struct lock *l, const struct lock_how *how, int box)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL;
	const mode_t mode = mode_of(how, box);
	int fd = path_open(l->dirfd, l->dotlock, flags, mode);

	if (fd == -EEXIST && is_left_behind(l, mode)) {
		unlinkat(l->dirfd, l->dotlock, 0);
		fd = path_open(l->dirfd, l->dotlock, flags, mode);
	}
	if (fd == -EEXIST)
		return -EAGAIN;
	if ((fd == -EACCES || fd == -EPERM || fd == -EROFS) &&
	    (how->fcntl || how->flock)) /* it is not the only lock */
		return 0;
	if (fd < 0)
		return fd;
	close(fd);
	l->is_dotlocked = true;
	return 0;
}

static int
try_both(struct lock *l, const struct lock_how *how, int fd)
{
	int r = lock_fd(fd, how, F_WRLCK);

	if (r < 0 || !how->dotlock)
		return r;
	r = make_dotlock(l, how, fd);
	/* Whoever takes them in the other order must not wait for us while
	 * we wait for him. */
	if (r < 0)
		lock_fd(fd, how, F_UNLCK);
	return r;
}

int
lock_take(struct lock *l, const struct lock_how *how, int fd, int dirfd,
    const char *dotlock)
{
	int r = -EAGAIN;

	*l = (struct lock){.dirfd = dirfd, .dotlock = dotlock};
	for (int64_t i = 0; i < how->attempts; i++) {
		r = try_both(l, how, fd);
		if (r != -EAGAIN)
			return r;
		if (i + 1 < how->attempts)
			task_sleep(clock_after(how->delay));
		if (task_is_cancelled())
			return -ECANCELED;
	}
	return r;
}

void
lock_drop(struct lock *l)
{
	if (l->is_dotlocked)
		unlinkat(l->dirfd, l->dotlock, 0);
	l->is_dotlocked = false;
}
