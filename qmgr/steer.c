/* SPDX-License-Identifier: ISC */
/*
 * steer - a request names up to ADMIN_IDS_MAX messages.  Each is a struct
 * steered until it is done with; those that cannot be touched at the moment (a
 * record or a file of theirs is on its way) are tried again for a while.
 */
#include "steer.h"

#include "admin.h"
#include "expiry.h"
#include "qmgr.h"
#include "wait.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_PAUSE (20 * CLOCK_MS)
#define RETRY_TIME  (30 * CLOCK_SEC)
#define WINDOW      200 /* that need files or more: at a time */
#define MANY        100 /* messages: these wait while ... */
#define FILL_MAX    60  /* ... the journal is full to so many percent ... */
#define UNTOLD_MAX  500 /* ... or so many notifications are to be made ... */
#define FILL_TIME   (60 * CLOCK_SEC) /* ... but not for ever */

struct steered {
	struct journal_wait wait; /* first */
	STAILQ_ENTRY(steered) link;
	struct steering *steering;
	struct message *message; /* while it is steered */
	struct str id;
	bool was_held;
	bool is_opened;   /* to be expired, */
	bool has_expired; /* by this, and was not before */
};
STAILQ_HEAD(steered_list, steered);

struct steering {
	struct qmgr *qmgr;
	enum admin_action action;
	uint64_t queues;
	size_t open;                /* being done */
	struct steered_list again;  /* those that were busy */
	struct task_queue progress; /* where the request's task waits */
	struct admin_id *ids;       /* that are done */
	struct admin_id *released;  /* of those that expire, also or only */
	struct admin_steered done;
};

/* ---- how it ends ---- */

static bool
is_expiring(const struct steering *s)
{
	return s->action == ADMIN_EXPIRE || s->action == ADMIN_EXPIRE_RELEASE;
}

static void
note_done(struct steering *s, const struct steered *d)
{
	if (!is_expiring(s) || d->has_expired)
		s->ids[s->done.ids.n++].id = d->id;
	if (s->action == ADMIN_EXPIRE_RELEASE && d->was_held)
		s->released[s->done.released.n++].id = d->id;
}

/* -ENOENT: there is no such message there, which is nobody's fault. */
static void
end(struct steered *d, int error)
{
	struct steering *s = d->steering;

	s->open--;
	if (error == 0) {
		note_done(s, d);
	} else if (error == -EBUSY) {
		d->message = NULL;
		STAILQ_INSERT_TAIL(&s->again, d, link);
	} else if (error != -ENOENT) {
		s->done.failed++;
		s->done.error = (uint64_t)-error;
	}
	if (error != -EBUSY)
		free(d);
	task_wake_all(&s->progress);
	qmgr_poke(s->qmgr);
}

/* Back to where it was, or would have come. */
static void
put_back(struct steered *d)
{
	struct message *m = d->message;

	if (d->was_held)
		m->state = MESSAGE_HELD;
	else
		wait_add(d->steering->qmgr, m, clock_after(CLOCK_SEC));
}

static void
on_durable(struct journal_wait *w, int error)
{
	struct steered *d = (struct steered *)(void *)w;
	struct qmgr *q = d->steering->qmgr;
	struct message *m = d->message;

	if (error < 0) {
		put_back(d);
		end(d, error);
		return;
	}
	switch (d->steering->action) {
	case ADMIN_DELETE:
		message_forget(q, m);
		break;
	case ADMIN_HOLD:
		m->state = MESSAGE_HELD;
		break;
	case ADMIN_RELEASE:
	case ADMIN_EXPIRE:
	case ADMIN_EXPIRE_RELEASE:
	case ADMIN_REQUEUE:
	case ADMIN_ACTIONS:
		wait_add(q, m, 0);
		break;
	}
	end(d, 0);
}

/* What an action does on disk to a message that nobody works on. */
static int
do_passive(struct steered *d)
{
	struct store *store = d->steering->qmgr->store;
	struct store_item *item = &d->message->item;

	if (d->steering->action == ADMIN_DELETE)
		return store_delete(store, item, &d->wait);
	if (d->steering->action == ADMIN_HOLD)
		return store_move(store, item, QUEUE_HOLD, &d->wait);
	/* First it has to be in hold/: a start would put it there again. */
	if (item->where == STORE_JOURNAL) {
		store_move(store, item, QUEUE_HOLD, NULL);
		return -EBUSY;
	}
	return store_move(store, item, QUEUE_DEFERRED, &d->wait);
}

static void
start_passive(struct steered *d)
{
	int r;

	d->wait.done = on_durable;
	d->message->state = MESSAGE_STOPPED;
	r = do_passive(d);
	if (r < 0) {
		put_back(d);
		end(d, r == -ENOSPC ? -EBUSY : r);
	}
}

/* ---- active messages ---- */

/* Deleted while agents have some of it in hand. */
static void
on_deleted(struct journal_wait *w, int error)
{
	struct steered *d = (struct steered *)(void *)w;
	struct qmgr *q = d->steering->qmgr;
	struct message *m = d->message;

	if (error < 0)
		m->active->is_deleted = false;
	end(d, error);
	message_close(q, m, 1);
}

static void
delete_active(struct qmgr *q, struct message *m, struct steered *d)
{
	int r;

	m->active->is_deleted = true;
	m->active->open++;
	message_stop(q, m);
	d->wait.done = on_deleted;
	r = store_delete(q->store, &m->item, &d->wait);
	if (r < 0)
		on_deleted(&d->wait, r);
}

/* It was opened for this, or is done with what was begun. */
static void
leave_active(struct qmgr *q, struct message *m, struct steered *d, int error)
{
	bool stays = d->was_held;

	m->active->steered = NULL;
	if (stays && error == 0 &&
	    d->steering->action == ADMIN_EXPIRE_RELEASE) {
		message_shut(q, m);
		start_passive(d);
		return;
	}
	if (stays && m->active->body->progress.left > 0) {
		message_shut(q, m);
		m->state = MESSAGE_HELD;
	} else {
		message_close(q, m, 0);
	}
	end(d, error);
}

static void
expire_active(struct qmgr *q, struct message *m, struct steered *d)
{
	if (!d->is_opened) {
		d->is_opened = true;
		d->has_expired = expiry_force(q, m);
		if (d->has_expired)
			return; /* once it is durable we are back */
	}
	if (d->has_expired)
		report_expired(m, "force-expired");
	leave_active(q, m, d, 0);
}

void
steer_look(struct qmgr *q, struct message *m)
{
	struct steered *d = m->active->steered;

	switch (d->steering->action) {
	case ADMIN_HOLD:
		m->active->steered = NULL;
		message_shut(q, m);
		start_passive(d);
		return;
	case ADMIN_EXPIRE:
	case ADMIN_EXPIRE_RELEASE:
		expire_active(q, m, d);
		return;
	case ADMIN_REQUEUE:
		requeue_start(q, m, d);
		return;
	case ADMIN_DELETE:
	case ADMIN_RELEASE:
	case ADMIN_ACTIONS:
		break;
	}
	leave_active(q, m, d, -ENOENT);
}

void
steer_requeued(struct steered *d, int error)
{
	leave_active(d->steering->qmgr, d->message, d, error);
}

void
steer_lost(struct steered *d)
{
	d->message->active->steered = NULL;
	end(d, -ENOENT);
}

static void
start_active(struct qmgr *q, struct message *m, struct steered *d)
{
	if (m->active->is_deleted) {
		end(d, -ENOENT);
	} else if (m->active->steered != NULL) {
		end(d, -EBUSY);
	} else if (d->steering->action == ADMIN_DELETE) {
		delete_active(q, m, d);
	} else {
		m->active->steered = d;
		message_stop(q, m);
	}
}

/* Passive, but its body is needed. */
static void
start_opened(struct qmgr *q, struct message *m, struct steered *d)
{
	int r = message_open(q, m);

	if (r < 0) {
		end(d, r == -ENOENT ? -EIO : r);
		return;
	}
	m->active->steered = d;
	message_close(q, m, 0);
}

/* ---- a request ---- */

/* Nothing is to be done to it. */
static bool
is_so_already(enum admin_action action, const struct message *m)
{
	if (action == ADMIN_HOLD)
		return m->state == MESSAGE_HELD;
	return action == ADMIN_RELEASE && m->state != MESSAGE_HELD;
}

static void
start(struct steered *d)
{
	struct steering *s = d->steering;
	struct qmgr *q = s->qmgr;
	struct message *m = message_find(q, d->id);

	s->open++;
	if (m == NULL) {
		end(d, -ENOENT);
		return;
	}
	if (m->state == MESSAGE_TAKEN || m->state == MESSAGE_STOPPED ||
	    m->pins > 0) {
		end(d, -EBUSY);
		return;
	}
	if ((message_queue(m) & s->queues) == 0 ||
	    is_so_already(s->action, m)) {
		end(d, -ENOENT);
		return;
	}
	d->message = m;
	d->was_held = m->state == MESSAGE_HELD;
	if (m->state == MESSAGE_ACTIVE) {
		start_active(q, m, d);
	} else if (s->action == ADMIN_DELETE || s->action == ADMIN_HOLD ||
		   s->action == ADMIN_RELEASE) {
		if (m->place > 0)
			wait_del(q, m);
		start_passive(d);
	} else {
		start_opened(q, m, d);
	}
}

/* Those that were busy, once more; after a while they have failed. */
static void
start_again(struct steering *s, bool is_late)
{
	struct steered_list mine = STAILQ_HEAD_INITIALIZER(mine);
	struct steered *d;

	STAILQ_CONCAT(&mine, &s->again);
	while ((d = STAILQ_FIRST(&mine)) != NULL) {
		STAILQ_REMOVE_HEAD(&mine, link);
		if (!is_late) {
			start(d);
			continue;
		}
		s->done.failed++;
		s->done.error = EBUSY;
		free(d);
	}
}

static void
wait_until_done(struct steering *s, size_t open_max)
{
	int64_t late = clock_after(RETRY_TIME);

	while (s->open > open_max || !STAILQ_EMPTY(&s->again)) {
		bool again = !STAILQ_EMPTY(&s->again);

		if (task_wait(&s->progress, again ? clock_after(RETRY_PAUSE)
						  : CLOCK_NEVER) == -ECANCELED)
			return;
		if (again)
			start_again(s, clock_mono() > late);
	}
}

static void
start_id(struct steering *s, struct str id)
{
	struct steered *d = calloc(1, sizeof(*d));

	if (d == NULL)
		log_fatal("out of memory for what is wanted of a message");
	d->steering = s;
	d->id = id;
	start(d);
}

/* What was done to those before stays in the journal until their files have
 * followed; and what is expired, in memory until its sender is told. */
static bool
is_behind(const struct qmgr *q)
{
	return store_fill(q->store) > FILL_MAX ||
	       q->notices.nwaiting > UNTOLD_MAX;
}

static void
wait_for_room(const struct qmgr *q, const struct admin_request *r)
{
	int64_t late = clock_after(FILL_TIME);

	while (is_behind(q) && clock_mono() < late && !admin_is_gone(r))
		if (task_sleep(clock_after(RETRY_PAUSE)) < 0)
			return;
}

static void
run(struct steering *s, const struct admin_request *r,
    const struct admin_steer *what)
{
	const struct admin_id *ids = what->ids.p;
	size_t open_max =
	    s->action == ADMIN_DELETE ? ADMIN_IDS_MAX : WINDOW - 1;

	while (!s->qmgr->is_scanned) /* not all of them are known yet */
		if (task_sleep(clock_after(RETRY_PAUSE)) < 0)
			return;
	if (what->ids.n >= MANY)
		wait_for_room(s->qmgr, r);
	for (size_t i = 0; i < what->ids.n && !admin_is_gone(r); i++) {
		start_id(s, ids[i].id);
		qmgr_poke(s->qmgr); /* what was appended goes to the disk */
		if (s->open > open_max)
			wait_until_done(s, open_max);
	}
	wait_until_done(s, 0);
}

void
admin_steer(struct admin_request *r)
{
	const struct admin_steer *what = r->parcel.value;
	struct steering s = {
	    .qmgr = r->qmgr,
	    .action = (enum admin_action)what->action,
	    .queues = what->queues,
	};

	if (s.qmgr->is_draining) {
		admin_end(r, 0, EAGAIN, "the mail system is going down");
		return;
	}
	s.ids = calloc(what->ids.n + 1, sizeof(*s.ids));
	s.released = calloc(what->ids.n + 1, sizeof(*s.released));
	if (s.ids == NULL || s.released == NULL)
		log_fatal("out of memory for a request");
	s.done.ids.p = s.ids;
	s.done.released.p = s.released;
	STAILQ_INIT(&s.again);
	task_queue_init(&s.progress);
	run(&s, r, what);
	if (s.done.error != 0)
		s.done.reason = str_c(strerror((int)s.done.error));
	admin_send(r, ADMIN_STEERED, &s.done, NULL, 0);
	free(s.released);
	free(s.ids);
}
