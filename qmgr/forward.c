/* SPDX-License-Identifier: ISC */
/*
 * forward - a child message in a recipient's place: an alias with several
 * members, a .forward.  The child and "done" for the parent's recipient are
 * one record, so a forward happens exactly once.
 */
#include "qmgr.h"

#include "base/log.h"
#include "mail/proto/expand.h"
#include "notice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct forward {
	struct journal_wait wait; /* first */
	struct qmgr *qmgr;
	struct message *parent, *child;
	uint64_t index;
	const char *agent;
	int64_t started;
	struct mark mark;
	struct entry_marks about;
	char text[64];
};

static void
end(struct forward *f)
{
	struct qmgr *q = f->qmgr;
	struct message *parent = f->parent;

	free(f);
	message_close(q, parent, 1);
	qmgr_poke(q);
}

static void
defer(struct qmgr *q, struct message *parent, uint64_t index, const char *agent,
    int64_t started, int error)
{
	struct outcome o = {
	    .state = OUTCOME_DEFERRED,
	    .dsn = STR("4.3.0"),
	    .text = error == -ENOSPC ? STR("cannot forward: the queue is full")
	                             : STR("cannot forward now"),
	    .relay = STR("local"),
	};

	message_result(q, parent, agent, started, index, &o);
}

static void
on_durable(struct journal_wait *w, int error)
{
	struct forward *f = (struct forward *)(void *)w;
	struct progress *p = &f->parent->active->body->progress;

	if (error < 0) {
		message_drop(f->qmgr, f->child);
		defer(
		    f->qmgr, f->parent, f->index, f->agent, f->started, error);
		free(f);
		return;
	}
	progress_apply(p, p->attempts, p->next, &f->about);
	report_recipient(
	    f->parent, f->agent, f->started, f->index, &f->mark.outcome);
	stats_outcome(&f->qmgr->stats, &f->mark.outcome);
	message_taken(f->qmgr, f->child);
	end(f);
}

/* The parent's marks, and one more for who it was delivered to. */
static struct rows
add_loop(struct arena *a, struct rows loops, struct str delivered_to)
{
	struct loop_mark *marks = arena_array(a, loops.n + 1, sizeof(*marks));
	size_t n = loops.n;

	if (n > 0)
		memcpy(marks, loops.p, n * sizeof(*marks));
	if (!str_is_empty(delivered_to) && n < ENVELOPE_LOOPS_MAX)
		marks[n++].address = arena_lower(a, delivered_to);
	return (struct rows){marks, n};
}

static struct store_body *
make_child(const struct message *parent, struct str id,
    const struct expand_child *child, struct str delivered_to)
{
	ARENA_CLEANUP struct arena a = {0};
	const struct store_body *body = parent->active->body;
	struct content *content = content_prepend(child->header, body->content);
	struct envelope e = body->envelope;
	struct store_body *made;

	if (content == NULL)
		return NULL;
	arena_init(&a, SIZE_MAX / 2); /* envelopes have their bounds */
	e.id = id;
	e.sender = child->sender;
	e.arrival = clock_wall();
	e.recipients = child->recipients;
	e.hops++;
	e.hold = 0;
	e.filter = STR_NONE;
	if (child->is_list) { /* its own mail: RFC 3461 section 5.2.7.3 */
		e.envid = STR_NONE;
		e.ret = 0;
	}
	e.loops = add_loop(&a, e.loops, delivered_to);
	made = store_body_new(&e, content);
	content_unref(&content);
	return made;
}

static int
start(struct forward *f, const struct expand_child *child,
    struct str delivered_to)
{
	char id[QID_LEN + 1];
	struct store_body *body;
	int r = message_content(f->qmgr, f->parent);

	if (r < 0)
		return r;
	if (!qmgr_new_id(f->qmgr, id))
		return -EAGAIN;
	body = make_child(f->parent, str_c(id), child, delivered_to);
	if (body == NULL)
		return -errno;
	f->child = message_new(f->qmgr, body);
	snprintf(f->text, sizeof(f->text), "forwarded as %s", id);
	f->mark = (struct mark){
	    .index = f->index,
	    .outcome = {.state = OUTCOME_SENT,
		.how = child->is_list ? OUTCOME_DELIVERED : OUTCOME_EXPANDED,
		.dsn = STR("2.0.0"),
		.text = str_c(f->text),
		.relay = STR("local")},
	};
	f->mark.done =
	    !notice_is_wanted(f->qmgr, f->parent, f->index, &f->mark.outcome);
	f->about = (struct entry_marks){
	    .id = message_id(f->parent), .marks = {&f->mark, 1}};
	r = store_add(f->qmgr->store, &f->child->item, body, &f->parent->item,
	    &f->about, &f->wait);
	if (r < 0)
		message_drop(f->qmgr, f->child);
	return r;
}

void
forward_start(struct qmgr *q, struct message *parent, uint64_t index,
    const char *agent, int64_t started, const struct expand_child *child,
    struct str delivered_to)
{
	struct forward *f = calloc(1, sizeof(*f));
	int r;

	if (f == NULL)
		log_fatal("out of memory for a forward");
	*f = (struct forward){
	    .wait.done = on_durable,
	    .qmgr = q,
	    .parent = parent,
	    .index = index,
	    .agent = agent,
	    .started = started,
	};
	r = start(f, child, delivered_to);
	if (r < 0) {
		free(f);
		defer(q, parent, index, agent, started, r);
	}
	qmgr_poke(q);
}
