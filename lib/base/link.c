/* SPDX-License-Identifier: ISC */
/* link - a conversation with a service, made anew when it breaks. */
#include "base/serve.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct link {
	struct serve *serve;
	const char *service;
	const struct protocol *proto;
	const struct chan_events *events;
	void *arg;
	struct chan *chan;
	struct task_queue others; /* who wait while one connects */
	bool is_connecting;
	bool is_freed; /* by its owner; who is inside leaves */
	unsigned refs; /* the owner, and each task inside */
};

struct link *
link_new(struct serve *sv, const char *service, const struct protocol *proto,
    const struct chan_events *events, void *arg)
{
	struct link *l = calloc(1, sizeof(*l));

	if (l == NULL)
		log_fatal("out of memory for a link");
	*l = (struct link){
	    .serve = sv,
	    .service = service,
	    .proto = proto,
	    .events = events,
	    .arg = arg,
	    .refs = 1,
	};
	task_queue_init(&l->others);
	return l;
}

static void
leave(struct link *l)
{
	if (--l->refs == 0)
		free(l);
}

void
link_free(struct link **lp)
{
	struct link *l = *lp;

	*lp = NULL;
	if (l == NULL)
		return;
	l->is_freed = true;
	chan_close(&l->chan);
	task_wake_all(&l->others);
	leave(l);
}

static int
connect_link(struct link *l, int64_t deadline)
{
	int fd;

	l->is_connecting = true;
	fd = serve_link(l->serve, l->service, deadline);
	l->is_connecting = false;
	task_wake_all(&l->others);
	if (fd < 0)
		return fd;
	if (l->is_freed) {
		close(fd);
		return -ECANCELED;
	}
	l->chan = chan_new(fd, l->proto, l->events, l->arg);
	return 0;
}

/*
 * A conversation that can say nothing more has not ended before its reader
 * has heard the last of the peer and told the owner: only then there is a
 * next one.
 */
static int
end_link(struct link *l, int64_t deadline)
{
	struct chan *c = l->chan;
	int r = chan_wait_end(c, deadline);

	if (r == 0 && l->chan == c)
		chan_close(&l->chan);
	return r;
}

static bool
is_open(const struct link *l)
{
	return l->chan != NULL && chan_is_open(l->chan);
}

static int
open_link(struct link *l, int64_t deadline)
{
	int r = 0;

	while (r == 0 && !l->is_freed && !is_open(l)) {
		if (l->is_connecting)
			r = task_wait(&l->others, deadline);
		else if (l->chan != NULL)
			r = end_link(l, deadline);
		else
			r = connect_link(l, deadline);
	}
	return l->is_freed ? -ECANCELED : r;
}

int
link_call(struct link *l, unsigned kind, const void *value, const int *fds,
    size_t nfds, struct parcel *ret_answer, int64_t deadline)
{
	int r = -EPIPE;

	l->refs++;
	for (int tries = 0; r == -EPIPE && tries < 2; tries++) {
		r = open_link(l, deadline);
		if (r == 0)
			r = chan_call(l->chan, kind, value, fds, nfds,
			    ret_answer, deadline);
	}
	leave(l);
	return r;
}

struct chan *
link_chan(struct link *l, int64_t deadline)
{
	struct chan *c;

	l->refs++;
	c = open_link(l, deadline) == 0 ? l->chan : NULL;
	leave(l);
	return c;
}
