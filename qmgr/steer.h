/* SPDX-License-Identifier: ISC */
/*
 * steer - what a person wants of messages (postsuper(1)): deleted, held,
 * released, returned, requeued.  What was done is durable before it is said.
 *
 *	waiting, held   at once
 *	active          no more of it is attempted; what agents have in hand
 *	                comes back first.  A deletion is durable before that.
 */
#ifndef QMGR_STEER_H
#define QMGR_STEER_H

struct qmgr;
struct message;
struct steered; /* one message of a request */

/* An active message that is steered has no open recipient. */
void steer_look(struct qmgr *q, struct message *m);
/* It ends by itself: sent, or returned. */
void steer_lost(struct steered *d);

/* requeue.c: instead of an active message with none open, a new one with its
 * open recipients; then `d` is told: 0 or -errno. */
void requeue_start(struct qmgr *q, struct message *m, struct steered *d);
void steer_requeued(struct steered *d, int error);

#endif
