/* SPDX-License-Identifier: ISC */
/* delivery - jobs to agents and what they answer. */
#include "delivery.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Texts of outcomes, an action, a header: each with a bound of its own. */
#define ARENA_MAX ((size_t)64 * 1024 * 1024)

struct str
delivery_action_transport(const struct recipient *r)
{
	const struct action *a = r->action.p;

	return str_is_empty(a->relay) ? STR("local") : a->relay;
}

/* The slot in the schedule is free again; the delivery is gone. */
static void
release(struct delivery *d, enum schedule_result result, struct str why)
{
	struct qmgr *q = d->qmgr;

	schedule_done(
	    q->schedule, d->job.destination, result, why, clock_mono());
	q->jobs--;
	arena_done(&d->arena);
	free(d);
	qmgr_poke(q);
}

void
delivery_leave(struct delivery *d, enum schedule_result result)
{
	release(d, result, STR("4.3.0 unknown"));
}

static enum schedule_result
find_verdict(const struct delivery *d, const struct outcome *o)
{
	if (message_is_ours(o))
		return SCHEDULE_UNKNOWN;
	if (o->state != OUTCOME_DEFERRED)
		return SCHEDULE_REACHED;
	return d->is_unheard || str_has_prefix(o->dsn, STR("4.4."))
	           ? SCHEDULE_FAILED
	           : SCHEDULE_REACHED;
}

/* One that says more than the others counts: the host was reached, if it was
 * for one of them. */
static enum schedule_result
verdict_of_all(
    const struct delivery *d, const struct message_result *results, size_t n)
{
	enum schedule_result all = SCHEDULE_UNKNOWN, one;

	for (size_t i = 0; i < n; i++) {
		one = find_verdict(d, &results[i].outcome);
		if (one < all)
			all = one;
	}
	return all;
}

/*
 * A host that could not be reached, that went away, or a route to it that could
 * not be found, is told by outcomes of class 4.4.x for all; one that would not
 * talk to us by the agent.  Outcomes are recorded first:
 * what the schedule gives back when a host is dead comes after them.
 */
static void
end(struct delivery *d, const struct message_result *results, size_t n)
{
	BUF_CLEANUP struct buf why = {0};
	enum schedule_result verdict = verdict_of_all(d, results, n);
	struct message *m = d->message;
	struct qmgr *q = d->qmgr;
	const char *agent = d->agent;
	int64_t started = d->started;

	buf_init(&why, OUTCOME_TEXT_MAX + 16);
	buf_addf(&why, "%.*s %.*s", STR_ARG(results[0].outcome.dsn),
	    STR_ARG(results[0].outcome.text));
	message_results(q, m, agent, started, results, n);
	release(d, verdict, buf_str(&why));
}

static struct message_result *
new_results(struct delivery *d, const struct outcome *o)
{
	size_t n = d->job.count;
	struct message_result *results =
	    arena_array(&d->arena, n, sizeof(*results));

	for (size_t i = 0; i < n; i++)
		results[i] =
		    (struct message_result){d->recipients[i].index, *o};
	return results;
}

void
delivery_end_all(struct delivery *d, const struct outcome *o)
{
	end(d, new_results(d, o), d->job.count);
}

/* Trouble of our own (message_is_ours()). */
static struct outcome
own_trouble(struct str text)
{
	return (struct outcome){
	    .state = OUTCOME_DEFERRED,
	    .dsn = STR("4.3.0"),
	    .text = text,
	    .relay = STR("none"),
	};
}

void
delivery_defer(struct delivery *d, struct str text)
{
	struct outcome o = own_trouble(text);

	delivery_end_all(d, &o);
}

/* What the agent says of the recipient; what it left out is deferred. */
static struct job_outcome
told_of(const struct job_done *done, uint64_t index)
{
	const struct job_outcome *told = done->outcomes.p;

	for (size_t i = 0; i < done->outcomes.n; i++)
		if (told[i].index == index)
			return told[i];
	return (struct job_outcome){
	    .outcome = own_trouble(STR("unknown mail transport error"))};
}

static void
end_as_told(struct delivery *d, const struct job_done *done)
{
	struct message_result *results =
	    arena_array(&d->arena, d->job.count, sizeof(*results));
	size_t n = 0;

	d->is_unheard = done->unheard;
	if (done->is_lmtp)
		d->agent = "lmtp";
	for (size_t i = 0; i < d->job.count; i++) {
		uint64_t index = d->recipients[i].index;
		struct job_outcome o = told_of(done, index);
		if (o.elsewhere.len > 0)
			routing_pass(d->qmgr, d->message, index, o.elsewhere);
		else
			results[n++] = (struct message_result){
			    .index = index,
			    .outcome = o.outcome,
			    .is_repeatable = d->action.kind == ACTION_MAILDIR,
			};
	}
	if (n > 0)
		end(d, results, n);
	else
		delivery_leave(d, SCHEDULE_UNKNOWN);
}

/* ---- handing over ---- */

static void
add_local_header(struct buf *out, const struct delivery *d)
{
	const struct recipient *r = &d->recipients[0].recipient;
	struct str sender = d->message->active->body->envelope.sender;

	buf_addf(out, "Return-Path: <%.*s>\n", STR_ARG(sender));
	if (!str_is_empty(r->original))
		buf_addf(out, "X-Original-To: %.*s\n", STR_ARG(r->original));
	if (!str_is_empty(d->delivered_to))
		buf_addf(out, "Delivered-To: %.*s\n", STR_ARG(d->delivered_to));
}

static int
send_job(struct request *r, struct chan *c, uint32_t exchange)
{
	struct delivery *d = (struct delivery *)(void *)r;
	const struct store_body *body = d->message->active->body;
	const struct envelope *e = &body->envelope;
	BUF_CLEANUP struct buf header = {0};
	struct job_deliver job = {
	    .id = e->id,
	    .nexthop = d->job.nexthop,
	    .sender = e->sender,
	    .arrival = e->arrival,
	    .body_8bit = e->body_8bit,
	    .utf8 = e->utf8,
	    .is_bounce = e->is_bounce,
	    .is_again = d->message->is_found || d->message->active->attempt > 1,
	    .envid = e->envid,
	    .ret = e->ret,
	    .recipients = {d->recipients, d->job.count},
	};
	const int *fds;
	size_t nfds;

	buf_init(&header, DELIVERY_HEADER_MAX);
	if (d->action.kind != ACTION_NONE)
		add_local_header(&header, d);
	job.header = buf_str(&header);
	content_wire_of(body->content, &job.content, &fds, &nfds);
	return chan_send(c, JOB_DELIVER, exchange, &job, fds, nfds);
}

static void
on_done(struct request *r, struct parcel *answer)
{
	struct delivery *d = (struct delivery *)(void *)r;

	message_strike(d->message, r);
	if (answer != NULL && answer->kind == JOB_DONE)
		end_as_told(d, answer->value);
	else
		delivery_defer(d, STR("mail transport unavailable"));
}

void
delivery_hand_over(struct delivery *d, struct talk *t)
{
	int r = message_content(d->qmgr, d->message);

	if (r < 0) {
		log_warning("%s: its content cannot be read: %s",
		    d->message->item.id, strerror(-r));
		delivery_defer(
		    d, STR("the message cannot be read from the queue"));
		return;
	}
	d->request = (struct request){
	    .send = send_job,
	    .done = on_done,
	    .is_suspect = d->message->is_suspect,
	};
	talk_submit(t, &d->request);
}

/* ---- transports that are answered here ---- */

/* "5.1.6 the domain has moved": the code, when there is one, then the text. */
static void
end_with_text(struct delivery *d, enum outcome_state state, struct str dsn)
{
	struct outcome o = {
	    .state = state,
	    .dsn = dsn,
	    .text = d->job.nexthop,
	    .relay = STR("none"),
	};
	struct str code, rest;
	bool has_code = str_cut(d->job.nexthop, ' ', &code, &rest) &&
	                code.len >= 5 && code.p[1] == '.' &&
	                code.p[0] == dsn.p[0];

	if (has_code) {
		o.dsn = code;
		o.text = str_trim(rest);
	}
	delivery_end_all(d, &o);
}

static bool
answer_here(struct delivery *d)
{
	struct outcome discarded = {
	    .state = OUTCOME_SENT,
	    .dsn = STR("2.0.0"),
	    .text = d->job.nexthop,
	    .relay = STR("none"),
	};
	struct str t = d->job.transport;

	if (str_eq(t, STR("error"))) {
		d->agent = "error";
		end_with_text(d, OUTCOME_BOUNCED, STR("5.0.0"));
	} else if (str_eq(t, STR("retry"))) {
		d->agent = "error";
		end_with_text(d, OUTCOME_DEFERRED, STR("4.0.0"));
	} else if (str_eq(t, STR("discard"))) {
		d->agent = "discard";
		delivery_end_all(d, &discarded);
	} else {
		return false;
	}
	return true;
}

/* ---- the start ---- */

static void
take_recipients(struct delivery *d)
{
	struct errand *e;
	size_t n = 0;

	d->recipients =
	    arena_array(&d->arena, d->job.count, sizeof(*d->recipients));
	TAILQ_FOREACH (e, &d->job.errands, link)
		d->recipients[n++] = (struct job_recipient){
		    e->index, *message_recipient(d->message, e->index)};
}

void
delivery_start(struct qmgr *q, struct schedule_job *job)
{
	struct delivery *d = calloc(1, sizeof(*d));

	if (d == NULL)
		log_fatal("out of memory for a delivery");
	d->qmgr = q;
	d->message = message_of_turns(job->message);
	d->job = *job;
	d->started = clock_wall();
	d->agent = "smtp";
	arena_init(&d->arena, ARENA_MAX);
	take_recipients(d);
	q->jobs++;
	if (site_delivers(job->transport))
		expanding_start(d);
	else if (!answer_here(d))
		delivery_hand_over(
		    d, services_get(q, job->transport, &job_protocol));
}
