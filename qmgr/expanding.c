/* SPDX-License-Identifier: ISC */
/*
 * expanding - recipients of this host: local says what becomes of one, and
 * mda's child of that user carries it out, or a child message takes its place.
 */
#include "children.h"
#include "delivery.h"
#include "mail/proto/expand.h"

#include <string.h>

static int
send_ask(struct request *r, struct chan *c, uint32_t exchange)
{
	struct delivery *d = (struct delivery *)(void *)r;
	const struct envelope *e = &d->message->active->body->envelope;
	struct expand_ask ask = {
	    .id = e->id,
	    .transport = d->job.transport,
	    .nexthop = d->job.nexthop,
	    .sender = e->sender,
	    .recipient = d->recipients[0].recipient,
	    .loops = e->loops,
	};

	return chan_send(c, EXPAND_ASK, exchange, &ask, NULL, 0);
}

/* By mda's child of that user. */
static void
carry_out(struct delivery *d, const struct action *a, struct str delivered_to)
{
	shape_copy(&action_shape, a, &d->arena, &d->action);
	d->delivered_to = arena_str(&d->arena, delivered_to);
	d->recipients[0].recipient.action = (struct rows){&d->action, 1};
	delivery_hand_over(d, children_get(d->qmgr, &d->action));
}

static void
forward(struct delivery *d, const struct expand_answer *answer)
{
	uint64_t index = d->recipients[0].index;
	struct qmgr *q = d->qmgr;
	struct message *m = d->message;
	const char *agent = d->agent;
	int64_t started = d->started;

	forward_start(q, m, index, agent, started, answer->children.p,
	    answer->delivered_to);
	delivery_leave(d, SCHEDULE_REACHED);
}

static void
take_answer(struct delivery *d, const struct expand_answer *answer)
{
	bool is_whole =
	    (answer->verdict == EXPAND_DELIVER && answer->actions.n == 1) ||
	    (answer->verdict == EXPAND_FORWARD && answer->children.n == 1) ||
	    (answer->verdict == EXPAND_OUTCOME && answer->outcomes.n == 1);

	if (!is_whole) {
		delivery_defer(d, STR("local gave no usable answer"));
		return;
	}
	switch ((enum expand_verdict)answer->verdict) {
	case EXPAND_DELIVER:
		carry_out(d, answer->actions.p, answer->delivered_to);
		return;
	case EXPAND_FORWARD:
		forward(d, answer);
		return;
	case EXPAND_OUTCOME:
		delivery_end_all(d, answer->outcomes.p);
		return;
	}
}

static void
on_answer(struct request *r, struct parcel *answer)
{
	struct delivery *d = (struct delivery *)(void *)r;

	message_strike(d->message, r);
	if (answer != NULL && answer->kind == EXPAND_ANSWER)
		take_answer(d, answer->value);
	else
		delivery_defer(d, STR("mail transport unavailable"));
}

void
expanding_start(struct delivery *d)
{
	const struct recipient *r = &d->recipients[0].recipient;

	d->agent =
	    str_eq(d->job.transport, STR("virtual")) ? "virtual" : "local";
	if (r->action.n > 0) {
		carry_out(d, r->action.p, r->address);
		return;
	}
	d->request = (struct request){
	    .send = send_ask,
	    .done = on_answer,
	    .is_suspect = d->message->is_suspect,
	};
	talk_submit(services_get(d->qmgr, d->job.transport, &expand_protocol),
	    &d->request);
}
