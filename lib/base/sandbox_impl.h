/* SPDX-License-Identifier: ISC */
/*
 * sandbox_impl - the mechanisms behind sandbox.h, a file each.  All return 0
 * or -errno.
 */
#ifndef BASE_SANDBOX_IMPL_H
#define BASE_SANDBOX_IMPL_H

#include "base/sandbox.h"

#include <linux/filter.h>

/* privs: chroot, groups, uid; all capabilities but those to keep are gone
 * from the bounding set; `for_now` are kept as well until the last step. */
int privs_switch(const struct sandbox_identity *who, unsigned for_now);
int privs_keep(unsigned caps);
int privs_limit(const struct sandbox *s);

enum landlock_tree {
	LANDLOCK_DIRS, /* the given directories, nothing else */
	LANDLOCK_READ, /* ... and everything, to be read */
};
int landlock_enter(enum landlock_tree tree, bool may_use_tcp,
    const int *dir_fds, size_t ndir_fds);

struct sandbox_filter {
	unsigned short n;
	struct sock_filter code[];
};
int seccomp_enter(const struct sandbox *s, const struct sandbox_identity *who);
int seccomp_install(const struct sandbox_filter *f);

#endif
