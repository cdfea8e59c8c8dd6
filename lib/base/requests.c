/* SPDX-License-Identifier: ISC */
/*
 * requests - a client stays while its conversation lasts and while requests
 * that came by it are carried out.
 */
#include "base/requests.h"

#include "base/log.h"

#include <stdlib.h>

struct requests_client {
	LIST_ENTRY(requests_client) link; /* while there is a conversation */
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
wake_waiting(struct requests *r)
{
	if (r->has_queue)
		task_wake_all(&r->idle);
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
	if (--r->open == 0)
		wake_waiting(r);
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
	LIST_REMOVE(cl, link);
	wake_waiting(cl->requests);
	leave(cl);
}

static void
tell_leaving(const struct requests_client *cl)
{
	const struct requests *r = cl->requests;
	struct requests_leaving leaving = {.open = r->open};

	chan_send(cl->chan, r->leaving, 0, &leaving, NULL, 0);
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
	LIST_INSERT_HEAD(&r->clients, cl, link);
	if (r->is_leaving)
		tell_leaving(cl);
}

int
requests_answer(const struct asked *q, unsigned kind, const void *value)
{
	if (q->client->chan == NULL)
		return 0;
	return chan_send(
	    q->client->chan, kind, q->parcel.exchange, value, NULL, 0);
}

static void
begin_to_leave(struct requests *r)
{
	struct requests_client *cl;

	if (r->is_leaving || r->leaving == 0)
		return;
	r->is_leaving = true;
	LIST_FOREACH (cl, &r->clients, link)
		tell_leaving(cl);
}

static bool
is_waited_for(const struct requests *r)
{
	return r->open > 0 || (r->is_leaving && !LIST_EMPTY(&r->clients));
}

int
requests_wait(struct requests *r)
{
	int e = 0;

	if (!r->has_queue)
		task_queue_init(&r->idle);
	r->has_queue = true;
	begin_to_leave(r);
	while (is_waited_for(r) && e == 0)
		e = task_wait(&r->idle, CLOCK_NEVER);
	return e;
}
