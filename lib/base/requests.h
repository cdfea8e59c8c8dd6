/* SPDX-License-Identifier: ISC */
/*
 * requests - the serving side of conversations whose every request is carried
 * out by a task of its own.
 *
 * A request may outlive the conversation it came by: then its answer has
 * nobody to go to, and is dropped.  What arrives of any other kind is ignored.
 *
 * One that leaves, as an old generation does, tells its clients so where the
 * protocol has a parcel for it: they ask their next request elsewhere, and
 * close the conversation when they have all answers.
 *
 *	static struct requests requests = {
 *		.proto = &expand_protocol,
 *		.kind = EXPAND_ASK,
 *		.carry_out = decide,
 *	};
 *	...
 *	requests_linked(&requests, fd);		in struct program's linked()
 */
#ifndef BASE_REQUESTS_H
#define BASE_REQUESTS_H

#include "base/chan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct requests_client;

/* One request, while its task runs. */
struct asked {
	struct requests *requests;
	struct requests_client *client;
	struct parcel parcel; /* freed after carry_out() */
};

struct requests {
	const struct protocol *proto;
	unsigned kind; /* of the parcels that are requests */
	void (*carry_out)(struct asked *q, void *arg); /* in a task */
	/* What can be answered without waiting: true, it was, with the
	 * parcel's exchange number.  May be NULL. */
	bool (*at_once)(struct chan *c, struct parcel *p, void *arg);
	void *arg;
	unsigned
	    leaving; /* kind of struct requests_leaving; 0: there is none */
	bool is_leaving;
	LIST_HEAD(, requests_client) clients;
	size_t open;            /* being carried out */
	struct task_queue idle; /* once has_queue: who waits for all to end */
	bool has_queue;
};

/* A client was linked to us: takes the descriptor. */
void requests_linked(struct requests *r, int fd);

/* As chan_send; 0 also when the client is gone. */
int requests_answer(const struct asked *q, unsigned kind, const void *value);

struct requests_leaving {
	uint64_t open; /* requests, when it was said */
};

/* Wait until none is open; where clients are told, until they are gone as
 * well.  0 or -ECANCELED. */
int requests_wait(struct requests *r);

#endif
