/* SPDX-License-Identifier: ISC */
/*
 * lock - a mailbox file, locked against other programs: fcntl (or flock)
 * first, then the file "MAILBOX.lock", as Debian's policy asks (11.6).  One
 * that is old, or that we made and were interrupted (on a file system of this
 * host alone), is not waited for.
 */
#ifndef MDA_LOCK_H
#define MDA_LOCK_H

#include "settings.h"

#include <stdbool.h>

struct lock {
	int dirfd;
	const char *dotlock; /* the path of the lock file; owned by caller */
	bool is_dotlocked;
};

/*
 * In a task: 0, -EAGAIN (someone else holds it, for all the attempts that the
 * settings allow), -ECANCELED (the task was) or -errno.  `fd` is the file,
 * `dotlock` its lock file's path.  A directory in which we may make no lock
 * file is no failure when there is another kind of lock.
 */
int lock_take(struct lock *l, const struct lock_how *how, int fd, int dirfd,
    const char *dotlock);
void lock_drop(struct lock *l); /* that of the descriptor goes with it */

#endif
