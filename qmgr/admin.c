/* SPDX-License-Identifier: ISC */
/* admin - conversations with tools: who asks, may he, and what. */
#include "admin.h"

#include "qmgr.h"
#include "quota.h"

#include "base/log.h"
#include "mail/ask.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TOOLS_MAX  64 /* conversations at a time */
#define TOOLS_ROOT 16 /* that only root may have */
#define TOOLS_USER 8  /* of one of the others */
#define ARENA_MAX  (2 * (size_t)ASK_ROOM)

struct admin {
	struct qmgr *q;
	struct io list, control;
	struct quota quota; /* of tools */
};

struct tool {
	struct quota_use use;
	struct admin *admin;
	struct chan *chan; /* NULL: gone */
	size_t open;       /* requests */
};

enum right {
	MAY_VIEW,  /* authorized_mailq_users */
	MAY_FLUSH, /* authorized_flush_users */
	MAY_READ,  /* root, and whose the queue is */
	MAY_STEER, /* root */
};

static const struct row {
	unsigned kind;
	enum right right;
	admin_fn fn;
} rows[] = {
    {ADMIN_LIST, MAY_VIEW, admin_list},
    {ADMIN_FLUSH, MAY_FLUSH, admin_flush},
    {ADMIN_SHOW, MAY_READ, admin_show},
    {ADMIN_STATUS, MAY_VIEW, admin_status},
    {ADMIN_TAKE, MAY_STEER, admin_take},
    {ADMIN_STEER, MAY_STEER, admin_steer},
    {ADMIN_CHECK, MAY_STEER, admin_check},
};

static void
leave(struct tool *t)
{
	if (t->chan != NULL || t->open > 0)
		return;
	quota_give(&t->use);
	free(t);
}

bool
admin_is_gone(const struct admin_request *r)
{
	return r->tool->chan == NULL;
}

int
admin_send(struct admin_request *r, unsigned kind, const void *value,
    const int *fds, size_t nfds)
{
	if (r->tool->chan == NULL)
		return 0;
	return chan_send(
	    r->tool->chan, kind, r->parcel.exchange, value, fds, nfds);
}

void
admin_end(
    struct admin_request *r, uint64_t count, int error, const char *fmt, ...)
{
	char text[512];
	struct admin_done done = {.count = count, .error = (uint64_t)error};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	done.text = str_c(text);
	admin_send(r, ADMIN_DONE, &done, NULL, 0);
}

/* ---- may he? ---- */

/* Root; where root did not start the suite, who did. */
static bool
is_root(const struct qmgr *q, uid_t uid)
{
	return uid == 0 || (!serve_is_root_suite(q->serve) && uid == geteuid());
}

/* A user without an entry is known by his uid, as pickup knows him. */
static enum find
ask_name(struct qmgr *q, uid_t uid, struct arena *a, struct str *ret)
{
	struct ask_user user;
	enum find found = ask_user_by_uid(q->lookup, uid, a, &user);

	if (found == FIND_NO)
		*ret = arena_strf(a, "uid%u", uid);
	else if (found == FIND_YES)
		*ret = user.name;
	return found == FIND_NO ? FIND_YES : found;
}

static enum find
is_listed(struct qmgr *q, enum right right, uid_t uid, struct arena *a)
{
	struct site *site = site_use(q);
	struct match *list =
	    right == MAY_FLUSH ? site->flush_users : site->mailq_users;
	struct str name;
	enum find found = ask_name(q, uid, a, &name);

	if (found == FIND_YES)
		found = match_domain(list, name, a);
	site_leave(&site);
	return found;
}

static bool
may(struct admin_request *r, enum right right)
{
	ARENA_CLEANUP struct arena a = {0};
	enum find found = FIND_NO;

	if (is_root(r->qmgr, r->uid) ||
	    (right == MAY_READ && r->uid == geteuid()))
		return true;
	arena_init(&a, ARENA_MAX);
	if (right == MAY_VIEW || right == MAY_FLUSH)
		found = is_listed(r->qmgr, right, r->uid, &a);
	if (found == FIND_YES)
		return true;
	if (found == FIND_NO)
		admin_end(r, 0, EPERM, "not for this user");
	else
		admin_end(r, 0, EAGAIN, "who you are cannot be looked up");
	return false;
}

/* ---- requests ---- */

static const struct row *
find_row(unsigned kind)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].kind == kind)
			return &rows[i];
	return NULL;
}

static void
carry_out(void *arg)
{
	struct admin_request *r = arg;
	const struct row *row = find_row(r->parcel.kind);

	if (row == NULL)
		admin_end(r, 0, ENOSYS, "not a request");
	else if (may(r, row->right))
		row->fn(r);
	parcel_done(&r->parcel);
	r->tool->open--;
	leave(r->tool);
	free(r);
}

static void
take_parcel(struct chan *c, struct parcel *p, void *arg)
{
	struct tool *t = arg;
	struct admin_request *r;

	(void)c;
	/* SECURITY: more than that nobody needs, and each is a task. */
	if (t->open >= ADMIN_OPEN_MAX) {
		chan_close(&t->chan);
		return;
	}
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		log_fatal("out of memory for a request");
	r->qmgr = t->admin->q;
	r->tool = t;
	r->uid = t->use.user;
	parcel_take(p, &r->parcel);
	t->open++;
	task_start(carry_out, r);
}

static void
drain(void *arg)
{
	qmgr_drain(arg);
}

static void
take_end(struct chan *c, const char *why, void *arg)
{
	struct tool *t = arg;

	(void)c;
	(void)why; /* anyone may say anything to this socket */
	if (t->admin->q->is_for_tool) /* it was the only one */
		task_start(drain, t->admin->q);
	chan_close(&t->chan);
	leave(t);
}

static void
take_tool(struct admin *a, int fd)
{
	static const struct chan_events events = {take_parcel, take_end};
	struct ucred who;
	socklen_t len = sizeof(who);
	struct tool *t = calloc(1, sizeof(*t));

	if (t == NULL)
		log_fatal("out of memory for a conversation");
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 ||
	    !quota_take(&a->quota, &t->use, who.uid, !is_root(a->q, who.uid))) {
		close(fd);
		free(t);
		return;
	}
	t->admin = a;
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
			take_tool(a, fd);
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
	a->quota = (struct quota){
	    .all_max = TOOLS_MAX,
	    .free_min = TOOLS_ROOT,
	    .user_max = TOOLS_USER,
	};
	if (q->is_for_tool)
		take_tool(a, dup(serve_gift(q->serve, STR("tool"))));
	if (open_socket(q, STR("listen:showq"), &a->list))
		task_start(run_list_socket, a);
	if (open_socket(q, STR("listen:qmgr"), &a->control))
		task_start(run_control_socket, a);
	return a;
}
