/* SPDX-License-Identifier: ISC */
/*
 * submission - one message of a local user on its way into the queue, from
 * the socket or from maildrop/ alike.
 */
#ifndef PICKUP_SUBMISSION_H
#define PICKUP_SUBMISSION_H

#include "base/arena.h"
#include "base/serve.h"
#include "mail/conf.h"
#include "mail/intake.h"
#include "mail/match.h"
#include "mail/proto/submit.h"

/* What the program holds, made once at its start. */
struct pickup {
	const struct conf *conf;
	struct taker *taker;
	struct link *lookup;
	struct match *allowed; /* authorized_submit_users */
};

struct submission {
	uid_t uid;
	const struct submit_message *message;
	/* Gives the content to the intake: 0, or -errno of the source. */
	int (*feed)(void *source, struct intake *t);
	void *source;
};

/* In a task.  What is to be told to the sender: an exit code of sysexits.h,
 * the queue id, and a text in `a`. */
struct submit_done submission_take(
    const struct pickup *p, const struct submission *s, struct arena *a);

/* Who sent it: as he says, else the login name of `uid`.  FIND_BROKEN: what he
 * says is no address. */
enum find submission_sender(const struct pickup *p, uid_t uid,
    const struct submit_message *m, struct arena *a, struct addr *ret);

/* The bytes of arena they may take. */
#define SUBMISSION_ARENA (1024 * 1024)

#endif
