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

#include <errno.h>
#include <stdlib.h>

#define OUTCOMES_MAX 4000 /* what fits a parcel beside the envelope */
#define HEADER_MAX   (1024 * 1024)
#define RET_HDRS     2 /* of struct envelope */

struct notice {
	struct request request; /* first */
	struct qmgr *qmgr;
	struct message *message;
	struct content *content;
	bool is_cut;
};

bool
notice_is_due(const struct message *m)
{
	const struct progress *p = &m->active->body->progress;

	for (size_t i = 0; i < p->n; i++)
		if (progress_is_unsaid(&p->marks[i]))
			return true;
	return false;
}

static struct rows
gather_outcomes(const struct progress *p, struct arena *a)
{
	struct job_outcome *all = arena_array(a, p->n, sizeof(*all));
	size_t n = 0;

	for (size_t i = 0; i < p->n && n < OUTCOMES_MAX; i++)
		if (progress_is_unsaid(&p->marks[i]))
			all[n++] = (struct job_outcome){i, *p->marks[i].last};
	return (struct rows){all, n};
}

static int
send_notice(struct request *r, struct chan *c, uint32_t exchange)
{
	struct notice *n = (struct notice *)(void *)r;
	const struct store_body *body = n->message->active->body;
	ARENA_CLEANUP struct arena a = {0};
	struct job_bounce job = {
	    .about = BOUNCE_FAILURE, .envelope = body->envelope};
	const int *fds;
	size_t nfds;

	arena_init(&a, SIZE_MAX / 2); /* as many as the envelope has */
	job.outcomes = gather_outcomes(&body->progress, &a);
	job.cut = n->is_cut;
	content_wire_of(n->content, &job.content, &fds, &nfds);
	return chan_send(c, JOB_BOUNCE, exchange, &job, fds, nfds);
}

/*
 * What bounce had to say about recipients that no record settled: a failure
 * to be asked again, or that there is nobody to tell.
 */
static void
take_answer(struct notice *n, const struct job_done *done)
{
	struct message *m = n->message;
	const struct progress *p = &m->active->body->progress;
	const struct job_outcome *told = done->outcomes.p;
	struct message_result *rest =
	    calloc(done->outcomes.n + 1, sizeof(*rest));
	size_t nrest = 0;

	if (rest == NULL)
		log_fatal("out of memory for a notification");
	for (size_t i = 0; i < done->outcomes.n; i++)
		if (told[i].outcome.state != OUTCOME_DEFERRED &&
		    told[i].index < p->n &&
		    progress_is_unsaid(&p->marks[told[i].index]))
			rest[nrest++].index = told[i].index;
	if (nrest > 0) {
		log_info("%s: nobody is told of what failed: %.*s", m->item.id,
		    STR_ARG(told[0].outcome.text));
		message_forget_failed(n->qmgr, m, rest, nrest);
	} else if (notice_is_due(m)) {
		log_warning("%s: the notification of its sender was not "
			    "taken: it will be tried again",
		    m->item.id);
	}
	free(rest);
}

/* All of a small message goes back, of a larger one its header. */
static int
choose_content(struct notice *n)
{
	struct store_body *body = n->message->active->body;
	int64_t limit = conf_int(n->qmgr->site->conf, PARAM_bounce_size_limit);
	size_t size = content_header_size(body->content);
	char *bytes;
	ssize_t got;

	if (content_size(body->content) <= (size_t)limit &&
	    body->envelope.ret != RET_HDRS) {
		n->content = content_ref(body->content);
		return 0;
	}
	n->is_cut = true;
	size = size < HEADER_MAX ? size : HEADER_MAX;
	bytes = malloc(size + 1);
	if (bytes == NULL)
		return -ENOMEM;
	got = content_read(body->content, 0, bytes, size);
	if (got >= 0)
		n->content = content_from_str(str_n(bytes, (size_t)got));
	free(bytes);
	return n->content == NULL ? -EIO : 0;
}

static void
on_done(struct request *r, struct parcel *answer)
{
	struct notice *n = (struct notice *)(void *)r;
	struct message *m = n->message;
	struct qmgr *q = n->qmgr;

	if (answer != NULL && answer->kind == JOB_DONE)
		take_answer(n, answer->value);
	else
		log_warning("%s: bounce did not answer: its sender will be "
			    "told later",
		    m->item.id);
	message_strike(m, r);
	content_unref(&n->content);
	free(n);
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
	    .request = {.send = send_notice,
		.done = on_done,
		.is_suspect = m->is_suspect},
	    .qmgr = q,
	    .message = m,
	};
	if (message_content(q, m) < 0 || choose_content(n) < 0) {
		log_warning("%s: its content cannot be read", m->item.id);
		free(n);
		message_close(q, m, 1);
		return;
	}
	talk_submit(services_get(q, STR("bounce"), &job_protocol), &n->request);
}
