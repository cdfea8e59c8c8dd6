/* SPDX-License-Identifier: ISC */
/*
 * door - conversations with sendmail(1).  A visit is a conversation; a task
 * of its own waits for each message, so that the reader of the channel never
 * does.
 */
#include "door.h"

#include "guests.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#define ACCEPT_PAUSE (CLOCK_SEC / 10)

struct visit {
	struct chan *chan; /* NULL: it is over */
	uid_t uid;
	struct parcel message; /* the one at hand, or none */
	bool has_message;
	struct task_queue wait;
};

static struct {
	const struct pickup *pickup;
	struct io listener;
	struct task *accepting;
	struct guests guests;
	struct task_queue place; /* where accepting waits for one */
	void (*idle)(void *arg);
	void *idle_arg;
} door;

static void
take_parcel(struct chan *c, struct parcel *p, void *arg)
{
	struct visit *v = arg;

	(void)c;
	/* SECURITY: one at a time, or the rest of them costs memory. */
	if (v->has_message || p->kind != SUBMIT_MESSAGE) {
		chan_close(&v->chan);
	} else {
		parcel_take(p, &v->message);
		v->has_message = true;
	}
	task_wake_all(&v->wait);
}

static void
take_end(struct chan *c, const char *why, void *arg)
{
	struct visit *v = arg;

	(void)c;
	if (why[0] != '\0')
		log_warning("uid=%u: %s", v->uid, why);
	chan_close(&v->chan);
	task_wake_all(&v->wait);
}

static int
feed(void *source, struct intake *t)
{
	struct content *c = source;
	struct str view;
	int r;

	for (size_t at = 0;; at += view.len) {
		r = content_view(c, at, &view);
		if (r < 0 || view.len == 0)
			return r;
		if (intake_bytes(t, view) < 0)
			return 0; /* said by commit */
		task_yield();
	}
}

/* Take the message at hand and answer. */
static void
answer(struct visit *v)
{
	const struct submit_message *m = v->message.value;
	uint32_t exchange = v->message.exchange;
	struct content *content;
	struct submit_done done = {
	    EX_TEMPFAIL, STR_NONE, STR("content broke on its way")};
	struct arena a;

	arena_init(&a, SUBMISSION_ARENA);
	if (content_receive(&m->content, &v->message, &content) == 0) {
		struct submission s = {v->uid, m, feed, content};

		done = submission_take(door.pickup, &s, &a);
		content_unref(&content);
	}
	if (v->chan != NULL &&
	    chan_send(v->chan, SUBMIT_DONE, exchange, &done, NULL, 0) < 0)
		chan_close(&v->chan);
	arena_done(&a);
	v->has_message = false;
	parcel_done(&v->message);
}

static void
serve(void *arg)
{
	struct visit *v = arg;

	while (v->chan != NULL) {
		if (v->has_message)
			answer(v);
		else if (task_wait(&v->wait, clock_after(DOOR_PATIENCE)) < 0)
			chan_close(&v->chan);
	}
	if (v->has_message)
		parcel_done(&v->message);
	guests_leave(&door.guests, v->uid);
	free(v);
	task_wake_all(&door.place);
	if (door.guests.n == 0 && door.idle != NULL)
		door.idle(door.idle_arg);
}

static void
let_in(int fd)
{
	static const struct chan_events events = {take_parcel, take_end};
	struct ucred who;
	socklen_t len = sizeof(who);
	struct visit *v;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 ||
	    !guests_enter(&door.guests, who.uid)) {
		close(fd); /* he comes again, or leaves it in maildrop/ */
		return;
	}
	v = calloc(1, sizeof(*v));
	if (v == NULL)
		log_fatal("out of memory for a conversation");
	v->uid = who.uid;
	task_queue_init(&v->wait);
	v->chan = chan_new(fd, &submit_protocol, &events, v);
	task_start(serve, v);
}

static void
accept_all(void *arg)
{
	(void)arg;
	while (!task_is_cancelled()) {
		struct sockaddr_storage peer;
		int fd;

		if (guests_is_full(&door.guests)) {
			task_wait(&door.place, CLOCK_NEVER);
			continue;
		}
		fd = io_accept(&door.listener, &peer, CLOCK_NEVER);
		if (fd >= 0)
			let_in(fd);
		else if (fd != -ECANCELED)
			task_sleep(clock_after(ACCEPT_PAUSE)); /* EMFILE ... */
	}
	io_done(&door.listener);
	door.accepting = NULL;
}

int
door_open(const struct pickup *p, int listen_fd)
{
	int fd = fcntl(listen_fd, F_DUPFD_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	r = io_init(&door.listener, fd);
	if (r < 0)
		return r;
	door.pickup = p;
	task_queue_init(&door.place);
	door.accepting = task_start(accept_all, NULL);
	return 0;
}

void
door_close(void (*idle)(void *arg), void *arg)
{
	if (door.accepting != NULL)
		task_cancel(door.accepting);
	door.idle = idle;
	door.idle_arg = arg;
	if (door.guests.n == 0)
		idle(arg);
}
