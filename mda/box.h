/* SPDX-License-Identifier: ISC */
/*
 * box - a Maildir while a batch lasts: its three folders below a child's root.
 * Calls return 0 or -errno.
 */
#ifndef MDA_BOX_H
#define MDA_BOX_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct box {
	struct buf path;     /* below the root; empty: not there */
	int root_fd;         /* borrowed */
	int new_fd;          /* -1 until box_open() */
	int cur_fd;          /* -1 until something was looked for in it */
	dev_t dev;           /* of new/ */
	int64_t cur_changed; /* by the clock of the file system */
	int synced;          /* of box_sync() */
};

/* `path` as path_below() has it. */
void box_init(struct box *box, int root_fd, struct str path);
void box_done(struct box *box);

/* new/ is open, and the Maildir made if need be.  Again: nothing. */
int box_open(struct box *box);
int box_make(const struct box *box);

/* "path/sub/name". */
const char *box_name(
    const struct box *box, const char *sub, const char *name, struct buf *ret);

/*
 * Has a reader moved a message of this name and size to cur/?  He can only
 * have done so since it arrived, and then cur/ bears a later stamp, so that
 * for a message that is new nothing is read, however full the mailbox is.
 */
bool box_has_in_cur(
    struct box *box, const char *name, off_t size, int64_t arrival);

/* The names in it are durable; for all that follows, the first answer. */
void box_sync(struct box *box);

#endif
