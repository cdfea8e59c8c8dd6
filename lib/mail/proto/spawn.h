/* SPDX-License-Identifier: ISC */
/*
 * proto/spawn - who needs something done as a user asks mda for a child that
 * is that user, and gets a conversation with the child itself.
 *
 *	qmgr, local                              mda
 *	  SPAWN_ASK                           ->
 *	                                      <- SPAWN_GIVEN + fd
 *
 * mda reads numbers and one path, forks, and forgets: no content and nothing
 * a user wrote passes through it.  On the descriptor qmgr speaks proto/job
 * with the child (ACTION_*); local speaks proto/home to read a .forward.  The
 * child ends when the conversation does, or after SPAWN_IDLE without work.
 */
#ifndef MAIL_PROTO_SPAWN_H
#define MAIL_PROTO_SPAWN_H

#include "base/chan.h"

#define SPAWN_IDLE_SECONDS 5
#define SPAWN_MAX          320 /* children alive at a time: -EAGAIN beyond */

enum spawn_kind {
	SPAWN_ASK,
	SPAWN_GIVEN,
	SPAWN_KINDS
};

enum spawn_role {
	SPAWN_DELIVER = 1, /* Maildir, mbox, file: shut in below `root` */
	SPAWN_COMMAND,     /* runs the user's commands: not shut in */
	SPAWN_READER,      /* reads .forward and :include: below `root` */
};

struct spawn_ask {
	uint64_t role;
	uint64_t uid, gid;
	uint64_t mail_gid;  /* effective group for /var/mail; 0: none */
	struct str root;    /* absolute; what the child may touch */
	struct str user;    /* for initgroups-like group lists: see groups */
	struct rows groups; /* struct spawn_group: supplementary, at most 64 */
};
struct spawn_group {
	uint64_t gid;
};
struct spawn_given {
	uint64_t error; /* errno; 0: the descriptor came along */
};

extern const struct protocol spawn_protocol;

#endif
