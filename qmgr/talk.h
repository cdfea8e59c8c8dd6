/* SPDX-License-Identifier: ISC */
/*
 * talk - requests to one other program, many at a time, without a task each.
 *
 * A request is sent when there is a conversation, and answered by a parcel
 * with its exchange number; when the conversation breaks, all that are open
 * end without an answer, and the next request opens another one.  The owner
 * embeds struct request in his own and hears of its end exactly once, never
 * from within talk_submit().
 */
#ifndef QMGR_TALK_H
#define QMGR_TALK_H

#include "base/chan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct talk;

struct request {
	STAILQ_ENTRY(request) link;
	/* Send it: 0 or -errno (then it ends without an answer). */
	int (*send)(struct request *r, struct chan *c, uint32_t exchange);
	/* The answer, or NULL: there will be none. */
	void (*done)(struct request *r, struct parcel *answer);
	bool is_suspect; /* by its owner: it may end who takes it */
	/* Set when the conversation broke with it: it was the only request, or
	 * the only suspect one, in hand; or there were others. */
	bool is_alone, is_among;
};

struct talk_way {
	/* A conversation, by waiting for it; NULL: none to be had.  Its events
	 * are talk_events, with the talk as their argument. */
	struct chan *(*open)(struct talk *t, void *arg);
	/* It has ended: let go of what open() gave. */
	void (*close)(struct talk *t, void *arg);
	/* A parcel that answers nothing; may free the talk.  NULL: ignored. */
	void (*told)(struct talk *t, const struct parcel *p, void *arg);
	/* The talk is gone: `arg` is needed no more.  May be NULL. */
	void (*freed)(void *arg);
	void *arg;
};
extern const struct chan_events talk_events;

struct talk *talk_new(const struct talk_way *way);
/* With nothing open; a talk that is busy is freed when it is not. */
void talk_free(struct talk **t);

void talk_submit(struct talk *t, struct request *r);
bool talk_is_up(const struct talk *t);         /* there is a conversation */
int64_t talk_idle_since(const struct talk *t); /* mono; 0: it is busy */

#endif
