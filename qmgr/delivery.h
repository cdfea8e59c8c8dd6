/* SPDX-License-Identifier: ISC */
/*
 * delivery - one job that the schedule gave out, until its outcomes are in.
 *
 *	error, retry, discard   answered here
 *	local, virtual          local is asked what becomes of the recipient,
 *	                        then mda's child of that user, or a child
 *	                        message takes its place
 *	any other transport     the program of that service
 */
#ifndef QMGR_DELIVERY_H
#define QMGR_DELIVERY_H

#include "mail/proto/job.h"
#include "qmgr.h"
#include "talk.h"

#define DELIVERY_HEADER_MAX 4096

struct delivery {
	struct request request; /* first */
	struct qmgr *qmgr;
	struct message *message;
	struct schedule_job job;
	int64_t started; /* wall clock */
	const char *agent;
	bool is_unheard; /* as struct job_done */
	struct arena arena;
	struct action action; /* what mda's child is to do */
	struct str delivered_to;
	struct job_recipient *recipients;
};

/* It ends: the same outcome for all of its recipients. */
void delivery_end_all(struct delivery *d, const struct outcome *o);
/* The same, by trouble of our own. */
void delivery_defer(struct delivery *d, struct str text);
/* It ends, and its recipients are somebody else's to close. */
void delivery_leave(struct delivery *d, enum schedule_result result);

/* expanding.c: local and virtual. */
void expanding_start(struct delivery *d);

/* To the agent at the other end of `t`, with `d->recipients`. */
void delivery_hand_over(struct delivery *d, struct talk *t);

#endif
