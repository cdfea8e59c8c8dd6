/* SPDX-License-Identifier: ISC */
/*
 * rig - a queue in a directory of its own, on a disk that can be made to fail
 * and that remembers every call, so that what a power cut could leave at any
 * moment can be laid out in another directory.
 */
#ifndef T_QUEUE_RIG_H
#define T_QUEUE_RIG_H

#include "base/buf.h"
#include "mail/queue/store.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define RIG_SEGMENT (32 * 1024)
#define RIG_JOURNAL (8 * RIG_SEGMENT)

enum rig_call {
	RIG_OPEN,
	RIG_WRITE,
	RIG_FLUSH,
	RIG_SYNC,
	RIG_ALL,
	RIG_RENAME,
	RIG_UNLINK,
	RIG_CALLS
};

struct rig_op {
	enum rig_call call;
	int inode; /* open, write, flush */
	off_t at;  /* write */
	char *bytes;
	size_t n;
	char path[96], to[96]; /* open, sync, rename, unlink */
};

struct rig {
	char dir[64];
	int dirfd;
	struct disk disk;
	/* The calls still to go before each kind fails; -1: never. */
	int fail_after[RIG_CALLS];
	int error;
	bool fail_once;
	unsigned calls[RIG_CALLS];
	bool recording;
	struct rig_op *ops;
	size_t nops, cap;
	ino_t inos[20000]; /* of each inode, while its name is there */
	int inodes;
};

void rig_init(struct rig *r);
void rig_done(struct rig *r);  /* removes the directory */
void rig_clear(struct rig *r); /* removes the files in it */

/*
 * Lay out in `to` what may be there after a power cut behind the first
 * `nops` calls: what was not synced is there or not, whole or torn, by `seed`.
 */
void rig_cut(const struct rig *r, size_t nops, unsigned seed, struct rig *to);

struct str rig_text(struct arena *a, size_t n, unsigned seed);
unsigned rig_random(unsigned *seed, unsigned below);

#endif
