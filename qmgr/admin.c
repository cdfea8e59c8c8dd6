/* SPDX-License-Identifier: ISC */
/* admin - conversations with tools. */
#include "admin.h"

#include "listing.h"
#include "message.h"
#include "qmgr.h"
#include "wait.h"

#include "base/log.h"

#include "mail/proto/admin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOOLS_MAX 50 /* conversations at a time */

struct admin {
	struct qmgr *q;
	struct io list, control;
	size_t tools;
	size_t listings;
};

struct tool {
	struct admin *admin;
	struct chan *chan; /* NULL: gone */
	size_t users;      /* the conversation, a listing */
	bool may_flush;
};

static void
leave(struct tool *t)
{
	if (--t->users > 0)
		return;
	t->admin->tools--;
	free(t);
}

static void
answer(struct tool *t, uint32_t exchange, uint64_t count, int error,
    const char *text)
{
	struct admin_done done = {
	    .count = count, .error = (uint64_t)error, .text = str_c(text)};

	if (t->chan != NULL)
		chan_send(t->chan, ADMIN_DONE, exchange, &done, NULL, 0);
}

struct list_job {
	struct tool *tool;
	uint32_t exchange;
};

static bool
send_entry(void *arg, const struct admin_entry *e)
{
	struct list_job *j = arg;

	return j->tool->chan != NULL && chan_send(j->tool->chan, ADMIN_ENTRY,
					    j->exchange, e, NULL, 0) == 0;
}

static void
run_list(void *arg)
{
	struct list_job *j = arg;
	struct tool *t = j->tool;
	uint64_t count = 0;
	int r = listing_run(t->admin->q, send_entry, j, &count);

	answer(t, j->exchange, count, r < 0 ? -r : 0,
	    r < 0 ? "the queue cannot be listed now" : "");
	t->admin->listings--;
	leave(t);
	free(j);
}

static void
start_list(struct tool *t, uint32_t exchange)
{
	struct list_job *j;

	if (t->admin->listings >= LISTINGS_MAX) {
		answer(t, exchange, 0, EBUSY,
		    "the queue is being listed for others already");
		return;
	}
	j = calloc(1, sizeof(*j));
	if (j == NULL)
		log_fatal("out of memory for a listing");
	*j = (struct list_job){t, exchange};
	t->users++;
	t->admin->listings++;
	task_start(run_list, j);
}

static void
flush_one(struct qmgr *q, struct str id)
{
	struct message *m = message_find(q, id);

	if (m == NULL || m->place == 0)
		return;
	wait_del(q, m);
	wait_add(q, m, 0);
}

static void
flush(struct tool *t, uint32_t exchange, const struct admin_flush *f)
{
	struct qmgr *q = t->admin->q;

	if (!t->may_flush) {
		answer(t, exchange, 0, EPERM, "not here");
		return;
	}
	if (f->id.len > 0)
		flush_one(q, f->id);
	else
		message_flush(q);
	qmgr_poke(q);
	answer(t, exchange, q->nheap, 0, "");
}

static void
take_parcel(struct chan *c, struct parcel *p, void *arg)
{
	struct tool *t = arg;

	(void)c;
	if (p->kind == ADMIN_LIST)
		start_list(t, p->exchange);
	else if (p->kind == ADMIN_FLUSH)
		flush(t, p->exchange, p->value);
}

static void
take_end(struct chan *c, const char *why, void *arg)
{
	struct tool *t = arg;

	(void)why; /* anyone may say anything to this socket */
	chan_close(&c);
	t->chan = NULL;
	leave(t);
}

static void
take_tool(struct admin *a, int fd, bool may_flush)
{
	static const struct chan_events events = {take_parcel, take_end};
	struct tool *t;

	if (a->tools >= TOOLS_MAX) {
		close(fd);
		return;
	}
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		log_fatal("out of memory for a conversation");
	*t = (struct tool){.admin = a, .users = 1, .may_flush = may_flush};
	a->tools++;
	t->chan = chan_new(fd, &admin_protocol, &events, t);
}

static void
listen_on(struct admin *a, struct io *io)
{
	for (;;) {
		struct sockaddr_storage peer;
		int fd = io_accept(io, &peer, CLOCK_NEVER);

		if (fd == -ECANCELED)
			return;
		if (fd < 0)
			task_sleep(clock_after(CLOCK_SEC));
		else
			take_tool(a, fd, io == &a->control);
	}
}

static void
run_list_socket(void *arg)
{
	struct admin *a = arg;

	listen_on(a, &a->list);
}

static void
run_control_socket(void *arg)
{
	struct admin *a = arg;

	listen_on(a, &a->control);
}

static bool
open_socket(struct qmgr *q, struct str name, struct io *ret)
{
	int fd = serve_gift(q->serve, name);

	ret->fd = -1;
	fd = fd < 0 ? -1 : dup(fd);
	return fd >= 0 && io_init(ret, fd) == 0;
}

struct admin *
admin_new(struct qmgr *q)
{
	struct admin *a = calloc(1, sizeof(*a));

	if (a == NULL)
		log_fatal("out of memory");
	a->q = q;
	if (open_socket(q, STR("listen:showq"), &a->list))
		task_start(run_list_socket, a);
	if (open_socket(q, STR("listen:qmgr"), &a->control))
		task_start(run_control_socket, a);
	return a;
}
