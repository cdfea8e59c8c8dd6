/* SPDX-License-Identifier: ISC */
/*
 * replay - from the journal's records to the messages that live.
 *
 * replay_run() reads, replay_settle() then brings the directories in line
 * with what the records say: finishes what a crash interrupted, removes what
 * was never true, drops what is only spoken of.  Contents are not looked at.
 * Nothing here logs: what an administrator should know goes to `say`.
 */
#ifndef MAIL_QUEUE_REPLAY_H
#define MAIL_QUEUE_REPLAY_H

#include "base/map.h"
#include "mail/queue/dirs.h"
#include "mail/queue/disk.h"
#include "mail/queue/journal.h"
#include "mail/queue/progress.h"

#include <stdbool.h>

/* A message of which the journal speaks. */
struct survivor {
	char id[ENVELOPE_QID_MAX + 1];
	struct journal_place place; /* of the message record, if it is there */
	bool moved;                 /* it lies in a file, in `queue` */
	enum entry_queue queue;
	uint32_t nonce; /* of the file, before it had its name */
	bool finished;
	size_t recipients, left; /* known when there is a message record */
	unsigned char *done;     /* a byte a recipient */
	/* Records that hold marks of it: statuses, children. */
	struct journal_place *spoken;
	size_t nspoken;
};

struct replay {
	struct map survivors; /* by id: struct survivor */
	struct journal *journal;
	const struct disk *disk;
	int dirfd;
	uint64_t generation; /* ids below may have been given out */
	uint64_t records, bad, tails;
	void (*say)(void *arg, const char *text);
	/* It is finished: its file may still be there, or be back after a power
	 * cut. */
	void (*ended)(void *arg, struct str id);
	void *arg;
};

/*
 * Set journal, disk, dirfd, say, ended and arg before.  0; -EPROTONOSUPPORT: a
 * record of a type that is not known (nothing was changed); or -errno.
 */
int replay_run(struct replay *r);
/* 0 or -errno; the survivors are then those that live. */
int replay_settle(struct replay *r);
void replay_done(struct replay *r);

/*
 * Apply to `p` the marks about `id` that the record at `at` holds: 0, -EBADMSG
 * or -errno.
 */
int replay_apply(struct journal *j, const struct journal_place *at,
    struct str id, struct progress *p);

#endif
