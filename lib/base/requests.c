/* SPDX-License-Identifier: ISC */
/*
 * requests - a client stays while its conversation lasts and while requests
 * that came by it are carried out.
 */
#include "base/requests.h"

#include "base/log.h"

#include <stdlib.h>

struct requests_client {
	struct requests *requests;
	struct chan *chan; /* NULL: gone */
	size_t users;      /* the conversation, and each request */
};

static void
leave(struct requests_client *cl)
{
	if (--cl->users == 0)
		free(cl);
}

static void
run(void *arg)
{
	struct asked *q = arg;
	struct requests *r = q->requests;

	r->carry_out(q, r->arg);
	parcel_done(&q->parcel);
	leave(q->client);
	free(q);
	if (--r->open == 0 && r->has_queue)
		task_wake_all(&r->idle);
}

static void
take_parcel(struct chan *c, struct parcel *p, void *arg)
{
	struct requests_client *cl = arg;
	struct requests *r = cl->requests;
	struct asked *q;

	if (p->kind != r->kind)
		return;
	if (r->at_once != NULL && r->at_once(c, p, r->arg))
		return;
	q = calloc(1, sizeof(*q));
	if (q == NULL)
		log_fatal("out of memory for a request");
	q->requests = r;
	q->client = cl;
	cl->users++;
	parcel_take(p, &q->parcel);
	r->open++;
	task_start(run, q);
}

static void
end(struct chan *c, const char *why, void *arg)
{
	struct requests_client *cl = arg;

	(void)c;
	if (*why != '\0')
		log_warning("a client's conversation ended: %s", why);
	chan_close(&cl->chan);
	leave(cl);
}

void
requests_linked(struct requests *r, int fd)
{
	static const struct chan_events events = {take_parcel, end};
	struct requests_client *cl = calloc(1, sizeof(*cl));

	if (cl == NULL)
		log_fatal("out of memory for a conversation");
	cl->requests = r;
	cl->users = 1;
	cl->chan = chan_new(fd, r->proto, &events, cl);
}

int
requests_answer(const struct asked *q, unsigned kind, const void *value)
{
	if (q->client->chan == NULL)
		return 0;
	return chan_send(
	    q->client->chan, kind, q->parcel.exchange, value, NULL, 0);
}

int
requests_wait(struct requests *r)
{
	int e = 0;

	if (!r->has_queue)
		task_queue_init(&r->idle);
	r->has_queue = true;
	while (r->open > 0 && e == 0)
		e = task_wait(&r->idle, CLOCK_NEVER);
	return e;
}
