/* SPDX-License-Identifier: ISC */
/*
 * message - the life of a message: becoming active, being looked at, waiting,
 * the end.  Recording what became of its recipients is results.c.
 */
#include "message.h"

#include "base/log.h"
#include "expiry.h"
#include "inhand.h"
#include "notice.h"
#include "qmgr.h"
#include "results.h"
#include "steer.h"
#include "talk.h"
#include "wait.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STRIKES_MAX 2

enum admin_queue
message_queue(const struct message *m)
{
	switch (m->state) {
	case MESSAGE_TAKEN:
	case MESSAGE_ACTIVE:
		break;
	case MESSAGE_STOPPED:
	case MESSAGE_WAITING:
		return ADMIN_QUEUE_DEFERRED;
	case MESSAGE_HELD:
		return ADMIN_QUEUE_HOLD;
	}
	return ADMIN_QUEUE_ACTIVE;
}

struct message *
message_find(struct qmgr *q, struct str id)
{
	return map_get(&q->messages, id);
}

static struct message *
new_message(struct qmgr *q, struct str id)
{
	struct message *m = calloc(1, sizeof(*m));

	if (m == NULL)
		log_fatal("out of memory for a message");
	memcpy(m->item.id, id.p, id.len);
	map_put(&q->messages, message_id(m), m);
	return m;
}

struct message *
message_found(struct qmgr *q, struct str id)
{
	struct message *m = new_message(q, id);

	m->is_found = true;
	return m;
}

void
message_waits(
    struct qmgr *q, struct str id, enum entry_queue queue, int64_t next)
{
	int64_t until = next - clock_wall();
	struct message *m = message_found(q, id);

	m->item.where = STORE_FILE;
	m->item.queue = (uint8_t)queue;
	if (queue == QUEUE_HOLD) {
		m->state = MESSAGE_HELD;
		return;
	}
	if (inhand_is_poison(q->inhand, id)) {
		message_hold(q, m, "it was in hand at two crashes");
		return;
	}
	/* A time too far ahead is no plan of ours: now. */
	if (until < 0 || until > retry_longest(&q->site->backoff))
		until = 0;
	wait_add(q, m, clock_after(until));
}

static void
free_message(struct qmgr *q, struct message *m)
{
	schedule_forget(q->schedule, &m->turns, clock_mono());
	map_del(&q->messages, message_id(m));
	free(m);
}

void
message_place_found(struct qmgr *q)
{
	MAP_FOREACH (slot, &q->messages) {
		struct message *m = slot->value;

		if (m->item.where == STORE_FILE && m->item.queue == QUEUE_HOLD)
			m->state = MESSAGE_HELD;
		else if (inhand_is_poison(q->inhand, slot->key))
			message_hold(q, m, "it was in hand at two crashes");
		else
			wait_add(q, m, clock_mono());
	}
}

/* Content in memory is counted, however it came there. */
static void
count_content(struct qmgr *q, struct message *m)
{
	struct active *a = m->active;

	if (a->body->content == NULL || a->budget > 0)
		return;
	a->budget = content_size(a->body->content) + 1;
	q->content_bytes += a->budget;
	q->content_fds += content_fds(a->body->content);
}

static void
drop_content(struct qmgr *q, struct message *m)
{
	struct active *a = m->active;

	if (a->budget == 0)
		return;
	q->content_bytes -= a->budget;
	q->content_fds -= content_fds(a->body->content);
	a->budget = 0;
	content_unref(&a->body->content);
}

/* 0, or -errno when it is no file there yet: it waits all the same. */
static int
put_on_hold(struct qmgr *q, struct message *m)
{
	bool is_there =
	    m->item.where == STORE_FILE && m->item.queue == QUEUE_HOLD;

	if (m->place > 0)
		wait_del(q, m);
	m->state = MESSAGE_HELD;
	return is_there ? 0 : store_move(q->store, &m->item, QUEUE_HOLD, NULL);
}

static void
make_active(struct qmgr *q, struct message *m, struct store_body *body)
{
	struct active *a = calloc(1, sizeof(*a));

	if (a == NULL)
		log_fatal("out of memory for a message");
	a->body = body;
	a->since = clock_wall();
	m->active = a;
	m->item.in_use = true;
	count_content(q, m);
	q->room.messages++;
	q->room.recipients += body->progress.n;
}

static void
make_passive(struct qmgr *q, struct message *m)
{
	struct active *a = m->active;

	drop_content(q, m);
	q->room.recipients -= a->body->progress.n;
	store_body_free(&a->body);
	free(a->errands);
	free(a);
	m->active = NULL;
	q->room.messages--;
}

struct message *
message_new(struct qmgr *q, struct store_body *body)
{
	struct message *m = new_message(q, body->envelope.id);

	m->state = MESSAGE_TAKEN;
	make_active(q, m, body);
	return m;
}

void
message_drop(struct qmgr *q, struct message *m)
{
	make_passive(q, m);
	free_message(q, m);
}

int
message_content(struct qmgr *q, struct message *m)
{
	int r = store_content(q->store, &m->item, m->active->body);

	if (r == 0)
		count_content(q, m);
	return r;
}

const struct recipient *
message_recipient(const struct message *m, uint64_t index)
{
	const struct recipient *all = m->active->body->envelope.recipients.p;

	return &all[index];
}

/* It has a body: attempt what is not done. */
static void
begin_attempt(struct qmgr *q, struct message *m)
{
	struct active *a = m->active;

	m->state = MESSAGE_ACTIVE;
	a->is_rest = m->is_called;
	a->attempt = a->body->progress.attempts;
	if (!a->is_rest || !m->is_midway) {
		a->attempt++;
		if (m->attempts < EXPIRE_ATTEMPTS_MIN)
			m->attempts++;
	}
	m->is_called = false;
	m->is_midway = false;
	a->since = clock_wall();
	a->errands = calloc(a->body->progress.n, sizeof(*a->errands));
	if (a->errands == NULL)
		log_fatal(
		    "out of memory for %zu recipients", a->body->progress.n);
	report_active(m);
	if (q->content_bytes > q->content_bytes_max ||
	    q->content_fds > q->content_fds_max)
		drop_content(q, m);
	a->open = 1; /* until it has been routed */
	routing_add(q, m);
}

static bool
is_too_much(const struct qmgr *q)
{
	const struct schedule_room *r = &q->room;

	return r->messages > 1 && (r->messages > r->messages_max ||
				      r->recipients > r->recipients_max);
}

void
message_taken(struct qmgr *q, struct message *m)
{
	bool is_held = m->active->body->envelope.hold;

	stats_taken(&q->stats, m->active->body->envelope.size);
	if (!is_held && !is_too_much(q) && !qmgr_is_at_rest(q)) {
		begin_attempt(q, m);
		return;
	}
	make_passive(q, m);
	m->item.in_use = false;
	if (is_held)
		put_on_hold(q, m);
	else
		wait_add(q, m, clock_mono());
}

/* ---- the end of an attempt ---- */

static void
finish(struct qmgr *q, struct message *m)
{
	if (m->active->steered != NULL)
		steer_lost(m->active->steered);
	store_finish(q->store, &m->item);
	if (!m->active->is_deleted)
		report_removed(m);
	stats_removed(&q->stats);
	make_passive(q, m);
	free_message(q, m);
}

/* Until the next attempt as it was recorded; did this one take longer, or was
 * the clock set? */
static int64_t
wait_of(const struct qmgr *q, const struct message *m)
{
	int64_t wait = m->active->body->progress.next - clock_wall();

	if (wait < CLOCK_SEC || wait > retry_longest(&q->site->backoff))
		return results_next_attempt(q, m) - clock_wall();
	return wait;
}

/* SECURITY: what ends agents, and did so while nothing else could be to
 * blame, stops no other mail. */
static bool
hold_if_struck(struct qmgr *q, struct message *m)
{
	if (m->strikes < STRIKES_MAX)
		return false;
	message_hold(q, m, "an agent ended with it in hand twice");
	return true;
}

static void
rest(struct qmgr *q, struct message *m)
{
	struct active *a = m->active;
	bool is_second = a->body->progress.attempts >= 2;
	int64_t wait = wait_of(q, m);

	a->body->progress.next = clock_wall() + wait;
	store_rest(q->store, &m->item, a->body);
	make_passive(q, m);
	if (hold_if_struck(q, m))
		return;
	wait_add(q, m, clock_after(wait));
	if (is_second) /* it outlived its first attempts */
		store_want_file(q->store, &m->item);
}

/*
 * Some of its recipients go to where there is no room.  If all that is left
 * does it waits for that alone, else for its next attempt too.
 */
static void
stand_in_line(struct qmgr *q, struct message *m)
{
	struct active *a = m->active;
	const struct progress *p = &a->body->progress;
	int64_t due = CLOCK_NEVER;

	m->is_midway = p->attempts == a->attempt;
	if (!m->is_midway)
		m->attempts--; /* it was none */
	if (p->left > a->waiting)
		due = clock_after(wait_of(q, m));
	if (m->is_called || SLIST_EMPTY(&m->turns.tickets))
		due = clock_mono();
	if (m->is_midway)
		store_rest(q->store, &m->item, a->body);
	m->item.in_use = false;
	make_passive(q, m);
	if (!hold_if_struck(q, m))
		wait_add(q, m, due);
}

static void
tell(struct qmgr *q, struct message *m, enum bounce_about about)
{
	m->active->open++;
	notice_start(q, m, about);
}

/* None of its recipients is open: what next? */
static void
look(struct qmgr *q, struct message *m)
{
	enum bounce_about about;

	if (m->active->body->progress.left == 0 || m->active->is_deleted) {
		finish(q, m);
	} else if (m->active->steered != NULL) {
		steer_look(q, m);
	} else if (m->active->waiting == 0 && expiry_is_due(q, m)) {
		report_expired(m, "expired");
		expiry_run(q, m);
	} else if (notice_is_due(m, &about) && !qmgr_is_at_rest(q)) {
		tell(q, m, about);
	} else if (notice_is_delay_due(q, m) && !qmgr_is_at_rest(q)) {
		tell(q, m, BOUNCE_DELAY);
	} else if (m->active->waiting > 0) {
		stand_in_line(q, m);
	} else {
		rest(q, m);
	}
}

void
message_close(struct qmgr *q, struct message *m, size_t n)
{
	m->active->open -= n;
	if (m->active->open == 0)
		look(q, m);
}

/* ---- from disk ---- */

void
message_put_aside(struct qmgr *q, struct message *m, int error, const char *why)
{
	if (error != -EBADMSG && error != -EPROTONOSUPPORT) {
		log_warning("%s: %s: %s", m->item.id, why, strerror(-error));
		wait_add(q, m, clock_after(q->site->backoff.least));
		return;
	}
	if (error == -EPROTONOSUPPORT) {
		log_warning("%s: %s: left where it is", m->item.id, why);
		m->state = MESSAGE_HELD;
		return;
	}
	log_warning("%s: %s: put into corrupt/", m->item.id, why);
	store_put_aside(q->store, &m->item);
	free_message(q, m);
}

/* All that is left was deferred by an earlier run of ours, and is not due yet.
 * Where that run ended in the middle of an attempt, it goes on. */
static bool
is_early(const struct qmgr *q, const struct store_body *b, bool is_flush)
{
	int64_t wait = b->progress.next - clock_wall();

	for (size_t i = 0; i < b->progress.n; i++) {
		const struct progress_mark *mark = &b->progress.marks[i];

		if (!mark->done && (mark->last == NULL ||
				       mark->last->state != OUTCOME_DEFERRED))
			return false;
	}
	return !is_flush && b->progress.attempts > 0 && wait > CLOCK_SEC &&
	       wait <= retry_longest(&q->site->backoff);
}

void
message_strike(struct message *m, const struct request *r)
{
	m->is_suspect = r->is_among;
	if (r->is_alone)
		m->strikes++;
}

void
message_hold(struct qmgr *q, struct message *m, const char *why)
{
	int r = put_on_hold(q, m);

	log_warning("%s: placed on hold: %s%s%s", m->item.id, why,
	    r < 0 ? "; but it stays where it is: " : "",
	    r < 0 ? strerror(-r) : "");
}

void
message_begin(
    struct qmgr *q, struct message *m, struct store_body *body, bool is_flush)
{
	/* A crash came before it was in hold/; from there only a person takes
	 * it, and then it is a file. */
	if (body->envelope.hold && m->item.where == STORE_JOURNAL) {
		store_body_free(&body);
		put_on_hold(q, m);
		return;
	}
	make_active(q, m, body);
	if (body->progress.left == 0)
		finish(q, m);
	else if (!m->is_called && is_early(q, body, is_flush))
		rest(q, m);
	else
		begin_attempt(q, m);
}

/* ---- for steer.c ---- */

int
message_open(struct qmgr *q, struct message *m)
{
	struct store_body *body;
	const char *why;
	int r = store_load(q->store, &m->item, &body, &why);

	if (r < 0)
		return r;
	if (m->place > 0)
		wait_del(q, m);
	make_active(q, m, body);
	m->state = MESSAGE_ACTIVE;
	m->active->attempt = body->progress.attempts;
	return 0;
}

void
message_shut(struct qmgr *q, struct message *m)
{
	store_rest(q->store, &m->item, m->active->body);
	make_passive(q, m);
	m->state = MESSAGE_STOPPED;
}

void
message_forget(struct qmgr *q, struct message *m)
{
	stats_removed(&q->stats);
	free_message(q, m);
}

void
message_stop(struct qmgr *q, struct message *m)
{
	struct active *a = m->active;
	size_t n = 0;

	for (size_t i = 0; a->errands != NULL && i < a->body->progress.n; i++) {
		if (a->errands[i].mailing == NULL)
			continue;
		schedule_remove(q->schedule, &a->errands[i], clock_mono());
		n++;
	}
	if (n > 0)
		message_close(q, m, n);
}

bool
message_is_stopped(const struct message *m)
{
	return m->active->steered != NULL || m->active->is_deleted;
}
