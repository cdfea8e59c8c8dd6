/* SPDX-License-Identifier: ISC */
/*
 * target - a file that is being made beside the one it will replace.  The
 * lock on "PATH.tmp" lets one maker work at a time; a maker that died leaves
 * a file that the next one overwrites.
 */
#ifndef DICT_TARGET_H
#define DICT_TARGET_H

#include "base/buf.h"

#include <stdbool.h>
#include <sys/types.h>

struct target {
	struct buf path; /* as it was given */
	struct buf name; /* in its directory */
	struct buf temp;
	int dir;
	int fd; /* of the temporary file: empty, locked */
	bool has_temp;
};

/*
 * Waits for the lock.  0 or -errno with `why`; target_done() in any case.
 * SECURITY: as root, refuses a directory of another user unless `as_root`.
 */
int target_init(
    struct target *t, struct str path, bool as_root, struct buf *why);

/* Flushed and in place: a reader sees all of it. */
int target_commit(struct target *t, mode_t mode, struct buf *why);
void target_done(struct target *t); /* drops what was not committed */

/*
 * owner - root works as another user for a while.
 */
struct owner {
	bool is_other;
	uid_t uid;
	gid_t gid;
	gid_t groups[64];
	int ngroups;
};
int owner_become(struct owner *o, uid_t uid, gid_t gid); /* 0 or -errno */
void owner_return(struct owner *o); /* dies when it can't */

#endif
