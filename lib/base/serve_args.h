/* SPDX-License-Identifier: ISC */
/*
 * serve_args - whom master tells a program to become, as its arguments:
 *
 *	-u uid -g gid [-G gid]...   become them; absent: stay as we are
 *	-r directory                chroot
 *	-k bits                     capabilities to keep
 *	-m uid                      the lowest uid that may be taken
 *	-x uid                      one that may not
 *	-d name                     a directory that stays usable, inherited as
 *	                            descriptor 4, 5, ...: the gift "dir:NAME"
 */
#ifndef BASE_SERVE_ARGS_H
#define BASE_SERVE_ARGS_H

#include "base/control.h"
#include "base/sandbox.h"

#define SERVE_DIRS   4
#define SERVE_DIR_FD (CONTROL_FD + 1)

struct serve_args {
	struct sandbox_identity who; /* dir_fds points to fds */
	const char *dirs[SERVE_DIRS];
	int fds[SERVE_DIRS];
};

/* 0 or -EINVAL. */
int serve_args_parse(struct serve_args *a, int argc, char **argv);

#endif
