/* SPDX-License-Identifier: ISC */
/*
 * request - one login: what AUTH began, each CONT takes further, and OK or
 * FAIL ends.  Its check is a task, which a client that leaves leaves behind:
 * a guess whose client did not wait for the answer is one all the same.
 *
 *	q = request_new(desk, client, mechanism, &line);	AUTH
 *	request_step(q, &line);		what it brought; may be its end
 *	request_answer(q, &line);	CONT; may be its end
 *	request_end(q);			CANCEL, or nobody waits any more
 *
 * With its end it calls client_forget(), and is not to be used again.
 */
#ifndef AUTH_REQUEST_H
#define AUTH_REQUEST_H

#include "client.h"
#include "line.h"
#include "mechanism.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#define REQUEST_ADDRESS_MAX 64

struct request {
	TAILQ_ENTRY(request) next; /* of the client's */
	struct desk *desk;
	struct client *client; /* NULL: gone, or it is cancelled */
	uint64_t id;
	int64_t since;
	char address[REQUEST_ADDRESS_MAX + 1];
	struct exchange exchange;
	bool takes_final;
	bool is_checking; /* a task has it */
	bool is_right;    /* only SCRAM's last word is to be acknowledged */
};

struct request *request_new(struct desk *d, struct client *c,
    const struct mechanism *m, const struct line *l);
void request_step(struct request *q, const struct line *l);
/* False: nothing may be said now, which breaks the protocol. */
bool request_answer(struct request *q, const struct line *l);
void request_end(struct request *q);

/* A FAIL, also of one that never was. */
void request_refuse(
    struct client *c, uint64_t id, struct str name, bool is_temporary);

#endif
