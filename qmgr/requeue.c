/* SPDX-License-Identifier: ISC */
/*
 * requeue - a message is taken in once more, as Postfix has its pickup do:
 * under a new id, with aliases asked anew.  The new message and "done" for
 * the recipients of the old one are one record.
 */
#include "mail/queue/requeue.h"

#include "qmgr.h"
#include "steer.h"

#include "base/log.h"
#include "mail/header.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct requeue {
	struct journal_wait wait; /* first */
	struct qmgr *qmgr;
	struct site *site;
	struct message *old, *new;
	struct steered *steered;
	struct entry_marks about;
	struct buf done; /* what `about` says */
	struct arena arena;
};

static void
end(struct requeue *r, int error)
{
	struct steered *d = r->steered;

	r->old->active->open--;
	site_leave(&r->site);
	buf_done(&r->done);
	arena_done(&r->arena);
	free(r);
	steer_requeued(d, error);
}

/* What programs that read the log know of a message's birth. */
static void
report(const struct requeue *r)
{
	const struct store_body *b = r->new->active->body;
	struct str rest = STR_NONE;
	BUF_CLEANUP struct buf id = {0};
	struct header h;

	log_info_as("pickup", "%s: uid=%u from=<%.*s> orig_id=%s",
	    r->new->item.id, geteuid(), STR_ARG(b->envelope.sender),
	    r->old->item.id);
	buf_init(&id, LOG_LINE_MAX);
	if (content_view(b->content, 0, &rest) == 0)
		while (header_next(&rest, &h))
			if (str_eq_case(h.name, STR("message-id"))) {
				(void)header_unfold(h.value, &id);
				break;
			}
	log_info_as("cleanup", "%s: message-id=%.*s", r->new->item.id,
	    STR_ARG(buf_str(&id)));
}

static void
on_durable(struct journal_wait *w, int error)
{
	struct requeue *r = (struct requeue *)(void *)w;
	struct progress *p = &r->old->active->body->progress;

	if (error < 0) {
		message_drop(r->qmgr, r->new);
	} else {
		progress_apply(p, p->attempts, p->next, &r->about);
		report(r);
		message_taken(r->qmgr, r->new);
	}
	end(r, error);
}

static int
take(struct requeue *r)
{
	const struct store_body *old = r->old->active->body;
	const char *why = "";
	char id[QID_LEN + 1];
	struct envelope e;
	int error = message_content(r->qmgr, r->old);

	if (error < 0)
		return error;
	if (!qmgr_new_id(r->qmgr, id))
		return -EAGAIN;
	error = requeue_envelope(r->site->expansion, old, str_c(id),
	    clock_wall(), &r->arena, &e, &r->done, &why);
	if (error == -EAGAIN)
		log_warning("%s: not requeued: %s", r->old->item.id, why);
	if (error < 0)
		return error;
	r->new = message_new(r->qmgr, store_body_new(&e, old->content));
	r->about = (struct entry_marks){
	    .id = message_id(r->old), .done = buf_str(&r->done)};
	error = store_add(r->qmgr->store, &r->new->item, r->new->active->body,
	    &r->old->item, &r->about, &r->wait);
	if (error < 0)
		message_drop(r->qmgr, r->new);
	return error;
}

static void
run(void *arg)
{
	struct requeue *r = arg;
	int error = take(r);

	if (error < 0)
		end(r, error);
	else
		qmgr_poke(r->qmgr);
}

void
requeue_start(struct qmgr *q, struct message *m, struct steered *d)
{
	struct requeue *r = calloc(1, sizeof(*r));

	if (r == NULL)
		log_fatal("out of memory for a message to be requeued");
	r->wait.done = on_durable;
	r->qmgr = q;
	r->site = site_use(q);
	r->old = m;
	r->steered = d;
	m->active->open++;
	arena_init(&r->arena, SIZE_MAX / 2); /* expansion has its bounds */
	buf_init(&r->done, m->active->body->progress.n * sizeof(uint32_t));
	task_start(run, r); /* tables may have to be waited for */
}
