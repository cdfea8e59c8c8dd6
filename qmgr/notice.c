/* SPDX-License-Identifier: ISC */
/* notice - whom a notification goes to, and its way through bounce. */
#include "notice.h"

#include "base/log.h"
#include "mail/notice_class.h"
#include "qmgr.h"
#include "talk.h"

#include <errno.h>
#include <stdlib.h>

#define HEADER_MAX (1024 * 1024)
#define SENT_MAX   50 /* at a time ... */
#define SENT_LESS  10 /* ... or so many, while the journal is full ... */
#define FILL_MAX   60 /* ... to so many percent */

struct notice {
	struct request request; /* first */
	STAILQ_ENTRY(notice) link;
	struct qmgr *qmgr;
	struct site *site;
	struct message *message;
	struct content *content;
	enum bounce_about about;
	bool is_cut;
	bool is_claimed;
};

/* ---- whom ---- */

/* SECURITY: nobody is told of a notification (RFC 5321 section 6.1), else two
 * hosts write to each other for ever. */
static bool
has_sender(const struct envelope *e)
{
	return !e->is_bounce && !str_is_empty(e->sender);
}

/* Mail to the postmaster, which ends where it ends. */
static bool
is_last_word(const struct site *site, const struct envelope *e)
{
	struct str local;

	(void)str_cut(e->sender, '@', &local, NULL);
	return str_eq_case(
	    local, conf_str(site->conf, PARAM_double_bounce_sender));
}

/* RFC 3461 section 4.1: what was not said is failure, and delay as we do. */
static bool
is_asked(const struct site *site, const struct message *m, uint64_t index,
    enum bounce_about about)
{
	uint64_t notify = message_recipient(m, index)->notify;
	bool wants_delay = notify == 0 || (notify & NOTIFY_DELAY) != 0;

	switch (about) {
	case BOUNCE_FAILURE:
		return notify == 0 || (notify & NOTIFY_FAILURE) != 0;
	case BOUNCE_DELAY:
		return wants_delay;
	case BOUNCE_SUCCESS:
		break;
	}
	/* confirm_delay_cleared: good news for who was warned. */
	return (notify & NOTIFY_SUCCESS) != 0 ||
	       (site->confirms_delay && wants_delay &&
		   m->active->body->progress.warned);
}

static bool
sender_hears(const struct site *site, const struct message *m, uint64_t index,
    enum bounce_about about)
{
	const struct envelope *e = &m->active->body->envelope;

	return is_asked(site, m, index, about) && has_sender(e) &&
	       !is_last_word(site, e);
}

static struct str
failure_postmaster(const struct site *site, const struct envelope *e)
{
	if (!has_sender(e))
		return site->notices & (NOTICE_2BOUNCE | NOTICE_BOUNCE)
		           ? conf_str(
				 site->conf, PARAM_2bounce_notice_recipient)
		           : STR_NONE;
	return site->notices & NOTICE_BOUNCE
	           ? conf_str(site->conf, PARAM_bounce_notice_recipient)
	           : STR_NONE;
}

/* Who else hears of it; empty: nobody. */
static struct str
postmaster_of(
    const struct site *site, const struct message *m, enum bounce_about about)
{
	const struct envelope *e = &m->active->body->envelope;

	if (is_last_word(site, e))
		return STR_NONE;
	switch (about) {
	case BOUNCE_FAILURE:
		return failure_postmaster(site, e);
	case BOUNCE_DELAY:
		return site->notices & NOTICE_DELAY
		           ? conf_str(site->conf, PARAM_delay_notice_recipient)
		           : STR_NONE;
	case BOUNCE_SUCCESS:
		break;
	}
	return STR_NONE;
}

bool
notice_is_wanted(const struct qmgr *q, const struct message *m, uint64_t index,
    const struct outcome *o)
{
	if (o->state == OUTCOME_SENT)
		return o->how != OUTCOME_PASSED_ON &&
		       sender_hears(q->site, m, index, BOUNCE_SUCCESS);
	return sender_hears(q->site, m, index, BOUNCE_FAILURE) ||
	       !str_is_empty(postmaster_of(q->site, m, BOUNCE_FAILURE));
}

/* ---- what ---- */

static bool
is_about(const struct progress_mark *mark, enum bounce_about about)
{
	if (about == BOUNCE_DELAY)
		return !mark->done && mark->last != NULL &&
		       mark->last->state == OUTCOME_DEFERRED;
	return progress_is_unsaid(mark) &&
	       mark->last->state ==
	           (about == BOUNCE_FAILURE ? OUTCOME_BOUNCED : OUTCOME_SENT);
}

static bool
has_one(const struct message *m, enum bounce_about about)
{
	const struct progress *p = &m->active->body->progress;

	for (size_t i = 0; i < p->n; i++)
		if (is_about(&p->marks[i], about))
			return true;
	return false;
}

static bool
sender_hears_of_one(
    const struct site *site, const struct message *m, enum bounce_about about)
{
	const struct progress *p = &m->active->body->progress;

	for (size_t i = 0; i < p->n; i++)
		if (is_about(&p->marks[i], about) &&
		    sender_hears(site, m, i, about))
			return true;
	return false;
}

bool
notice_is_due(const struct message *m, enum bounce_about *ret)
{
	static const enum bounce_about all[] = {BOUNCE_FAILURE, BOUNCE_SUCCESS};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if ((m->active->noticed & 1u << all[i]) != 0 ||
		    !has_one(m, all[i]))
			continue;
		*ret = all[i];
		return true;
	}
	return false;
}

bool
notice_is_delay_due(const struct qmgr *q, const struct message *m)
{
	const struct site *site = q->site;
	const struct store_body *b = m->active->body;

	if (site->delay_warning == 0 || b->progress.warned ||
	    (m->active->noticed & 1u << BOUNCE_DELAY) != 0 ||
	    clock_age(b->envelope.arrival) < site->delay_warning)
		return false;
	if (!str_is_empty(postmaster_of(site, m, BOUNCE_DELAY)))
		return has_one(m, BOUNCE_DELAY);
	return sender_hears_of_one(site, m, BOUNCE_DELAY);
}

/* ---- the record ---- */

static void
add_marks(const struct message *m, enum bounce_about about, struct buf *done,
    struct entry_marks *ret)
{
	const struct progress *p = &m->active->body->progress;

	for (size_t i = 0; i < p->n && about != BOUNCE_DELAY; i++)
		if (is_about(&p->marks[i], about))
			(void)entry_add_done(done, (uint32_t)i);
	*ret = (struct entry_marks){
	    .id = message_id(m),
	    .done = buf_str(done),
	    .warned = about == BOUNCE_DELAY,
	};
}

bool
notice_claim(struct message *m, struct buf *done, struct entry_marks *ret)
{
	struct notice *n = m->active == NULL ? NULL : m->active->notice;

	if (n == NULL || n->is_claimed)
		return false;
	n->is_claimed = true;
	buf_init(done, m->active->body->progress.n * sizeof(uint32_t));
	add_marks(m, n->about, done, ret);
	return true;
}

/* There is nobody to tell after all. */
static void
forget(struct notice *n, struct str why)
{
	struct message *m = n->message;
	BUF_CLEANUP struct buf done = {0};
	struct entry_marks about;

	buf_init(&done, m->active->body->progress.n * sizeof(uint32_t));
	add_marks(m, n->about, &done, &about);
	log_info("%s: nobody is told: %.*s", m->item.id, STR_ARG(why));
	if (about.warned)
		m->active->body->progress.warned = true;
	else
		message_settle_told(n->qmgr, m, about.done);
}

/* ---- the job ---- */

static void
gather_reports(const struct notice *n, struct job_bounce *job, struct arena *a)
{
	const struct message *m = n->message;
	const struct progress *p = &m->active->body->progress;
	struct job_report *all = arena_array(
	    a, p->n < JOB_REPORTS_MAX ? p->n : JOB_REPORTS_MAX, sizeof(*all));
	size_t listed = 0;

	for (size_t i = 0; i < p->n; i++) {
		bool for_sender;

		if (!is_about(&p->marks[i], n->about))
			continue;
		for_sender = sender_hears(n->site, m, i, n->about);
		job->to_sender = job->to_sender || for_sender;
		if (listed == JOB_REPORTS_MAX) {
			job->more++;
			job->more_for_sender += for_sender;
			continue;
		}
		all[listed] = (struct job_report){
		    .recipient = *message_recipient(m, i),
		    .outcome = *p->marks[i].last,
		    .for_sender = for_sender,
		};
		all[listed++].recipient.action = (struct rows){NULL, 0};
	}
	job->reports = (struct rows){all, listed};
}

static struct job_bounce
make_job(const struct notice *n, struct arena *a)
{
	struct job_bounce job = {
	    .about = n->about,
	    .envelope = n->message->active->body->envelope,
	    .postmaster = postmaster_of(n->site, n->message, n->about),
	    .cut = n->is_cut,
	};

	job.envelope.recipients = job.envelope.loops = (struct rows){NULL, 0};
	gather_reports(n, &job, a);
	return job;
}

static int
send_notice(struct request *r, struct chan *c, uint32_t exchange)
{
	struct notice *n = (struct notice *)(void *)r;
	ARENA_CLEANUP struct arena a = {0};
	struct job_bounce job;
	const int *fds;
	size_t nfds;

	arena_init(&a, 1024 * 1024);
	job = make_job(n, &a);
	content_wire_of(n->content, &job.content, &fds, &nfds);
	return chan_send(c, JOB_BOUNCE, exchange, &job, fds, nfds);
}

/* All of a small message goes back, of a larger one its header. */
static int
choose_content(struct notice *n)
{
	struct store_body *body = n->message->active->body;
	int64_t limit = conf_int(n->site->conf, PARAM_bounce_size_limit);
	size_t size = content_header_size(body->content);
	char *bytes;
	ssize_t got;

	if (n->about == BOUNCE_FAILURE &&
	    content_size(body->content) <= (size_t)limit &&
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

/* ---- its way ---- */

static void
end(struct notice *n)
{
	struct message *m = n->message;
	struct qmgr *q = n->qmgr;

	m->active->notice = NULL;
	content_unref(&n->content);
	site_leave(&n->site);
	free(n);
	message_close(q, m, 1);
	qmgr_poke(q);
}

/* Who is still to be attempted has his own time. */
static bool
has_others(const struct progress *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (!p->marks[i].done && !progress_is_unsaid(&p->marks[i]))
			return true;
	return false;
}

/* When that is all it waits for it is told as soon as we can. */
static void
try_again_soon(struct notice *n, const char *why)
{
	struct active *a = n->message->active;
	struct progress *p = &a->body->progress;

	if (!has_others(p))
		p->next = clock_wall() + retry_wait_told(&n->site->backoff,
					     a->attempt,
					     arc4random_uniform(RETRY_CHANCES));
	log_warning("%s: %s: it will be tried again", n->message->item.id, why);
}

static void
take_answer(struct notice *n, const struct job_done *done)
{
	const struct job_outcome *told = done->outcomes.p;

	if (done->outcomes.n == 1 && told->outcome.state == OUTCOME_BOUNCED)
		forget(n, told->outcome.text);
	else if (done->outcomes.n != 1 || told->outcome.state != OUTCOME_SENT)
		try_again_soon(n, "its notification was not taken");
}

static void
on_done(struct request *r, struct parcel *answer)
{
	struct notice *n = (struct notice *)(void *)r;

	if (answer != NULL && answer->kind == JOB_DONE)
		take_answer(n, answer->value);
	else
		try_again_soon(n, "bounce did not answer its notification");
	message_strike(n->message, r);
	n->qmgr->notices.sent--;
	end(n);
}

/* Is there anyone?  What was configured may have changed since. */
static bool
has_reader(const struct notice *n)
{
	return !str_is_empty(postmaster_of(n->site, n->message, n->about)) ||
	       sender_hears_of_one(n->site, n->message, n->about);
}

void
notice_start(struct qmgr *q, struct message *m, enum bounce_about about)
{
	struct notice *n = calloc(1, sizeof(*n));

	if (n == NULL)
		log_fatal("out of memory for a notification");
	*n = (struct notice){
	    .request = {.send = send_notice,
		.done = on_done,
		.is_suspect = m->is_suspect},
	    .qmgr = q,
	    .site = site_use(q),
	    .message = m,
	    .about = about,
	};
	m->active->noticed |= 1u << about;
	m->active->notice = n;
	if (!has_reader(n)) {
		forget(n, STR("who was to hear of it is not any more"));
		end(n);
	} else {
		STAILQ_INSERT_TAIL(&q->notices.waiting, n, link);
		q->notices.nwaiting++;
	}
}

static void
send_one(struct notice *n)
{
	struct qmgr *q = n->qmgr;
	struct message *m = n->message;

	if (m->active->is_deleted) {
		end(n);
	} else if (message_content(q, m) < 0 || choose_content(n) < 0) {
		log_warning("%s: its content cannot be read", m->item.id);
		end(n);
	} else {
		q->notices.sent++;
		talk_submit(
		    services_get(q, STR("bounce"), &job_protocol), &n->request);
	}
}

void
notice_send(struct qmgr *q)
{
	struct notices *all = &q->notices;
	size_t most = store_fill(q->store) > FILL_MAX ? SENT_LESS : SENT_MAX;

	while (all->sent < most && store_has_room(q->store) &&
	       !STAILQ_EMPTY(&all->waiting)) {
		struct notice *n = STAILQ_FIRST(&all->waiting);

		STAILQ_REMOVE_HEAD(&all->waiting, link);
		all->nwaiting--;
		send_one(n);
	}
}
