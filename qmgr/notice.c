/* SPDX-License-Identifier: ISC */
/*
 * notice - what failed for good is told to the sender: one notification for
 * all recipients of an attempt, made by bounce.  The recipients are done by
 * the record that takes the notification in (takers.c); when that did not
 * happen the notification is due again at the next attempt.
 */
#include "qmgr.h"
#include "talk.h"

#include "base/log.h"
#include "mail/proto/job.h"

#include <stdlib.h>

struct notice {
	struct request request; /* first */
	struct qmgr *qmgr;
	struct message *message;
};

bool
notice_is_due(const struct message *m)
{
	const struct progress *p = &m->active->body->progress;

	for (size_t i = 0; i < p->n; i++)
		if (!p->marks[i].done && progress_is_unsaid(&p->marks[i]))
			return true;
	return false;
}

static struct rows
gather_outcomes(const struct progress *p, struct arena *a)
{
	struct job_outcome *all = arena_array(a, p->n, sizeof(*all));
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		if (!p->marks[i].done && progress_is_unsaid(&p->marks[i]))
			all[n++] = (struct job_outcome){i, *p->marks[i].last};
	return (struct rows){all, n};
}

static int
send_notice(struct request *r, struct chan *c, uint32_t exchange)
{
	struct notice *n = (struct notice *)(void *)r;
	const struct store_body *body = n->message->active->body;
	ARENA_CLEANUP struct arena a;
	struct job_bounce job = {
	    .about = BOUNCE_FAILURE, .envelope = body->envelope};
	const int *fds;
	size_t nfds;

	arena_init(&a, SIZE_MAX / 2); /* as many as the envelope has */
	job.outcomes = gather_outcomes(&body->progress, &a);
	content_wire_of(body->content, &job.content, &fds, &nfds);
	return chan_send(c, JOB_BOUNCE, exchange, &job, fds, nfds);
}

static void
on_done(struct request *r, struct parcel *answer)
{
	struct notice *n = (struct notice *)(void *)r;
	struct message *m = n->message;
	struct qmgr *q = n->qmgr;

	free(n);
	if (answer == NULL || notice_is_due(m))
		log_warning("%s: the notification of its sender was not "
			    "taken: it will be tried again",
		    m->item.id);
	message_close(q, m, 1);
	qmgr_poke(q);
}

void
notice_start(struct qmgr *q, struct message *m)
{
	struct notice *n = calloc(1, sizeof(*n));

	if (n == NULL)
		log_fatal("out of memory for a notification");
	*n = (struct notice){
	    .request = {.send = send_notice, .done = on_done},
	    .qmgr = q,
	    .message = m,
	};
	if (message_content(q, m) < 0) {
		log_warning("%s: its content cannot be read", m->item.id);
		free(n);
		message_close(q, m, 1);
		return;
	}
	talk_submit(services_get(q, STR("bounce"), &job_protocol), &n->request);
}
