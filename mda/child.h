/* SPDX-License-Identifier: ISC */
/*
 * child - from a copy of mda to a process that is a user, shut in, and has
 * nothing but one conversation.
 */
#ifndef MDA_CHILD_H
#define MDA_CHILD_H

#include "mail/proto/spawn.h"
#include "settings.h"

struct child {
	const struct settings *settings;
	const struct spawn_ask *ask;
	bool is_root_suite;
	int fd;         /* its end of the conversation */
	int flusher_fd; /* of that with the flusher; -1: none */
};

/* What all children share is made once, by the parent: 0 or -errno. */
int child_init(void);

/*
 * Everything up to the first byte that is read: 0, or -errno with the step
 * that failed.  *ret_root_fd is the directory that is the child's, or -errno.
 * The conversation is descriptor 3 then, that with the flusher 4.
 */
int child_become(
    const struct child *c, int *ret_root_fd, const char **ret_step);

/* In the forked process, on the main stack.  Does not come back. */
_Noreturn void child_run(const struct child *c);
/* The same for the flusher, whose end of the conversation with mda is `fd`. */
_Noreturn void child_run_flusher(int fd, bool is_root_suite);

#endif
