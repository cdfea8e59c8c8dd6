/* SPDX-License-Identifier: ISC */
/*
 * routing - each recipient that is to be attempted gets a destination.  Look-
 * ups may wait, so a few tasks share the list of messages; while one waits
 * the others go on.
 */
#include "inhand.h"
#include "qmgr.h"

#include "base/log.h"

#define ROUTERS   8
#define ARENA_MAX ((size_t)1024 * 1024)

struct routing {
	struct qmgr *qmgr;
	struct site *site;
	struct message *message;
	struct arena arena;
};

static void
fail(struct routing *r, uint64_t index, const char *agent,
    enum outcome_state state, struct str dsn, struct str text)
{
	struct outcome o = {
	    .state = state,
	    .dsn = dsn,
	    .text = str_sub(text, 0, OUTCOME_TEXT_MAX),
	    .relay = STR("none"),
	};
	struct active *a = r->message->active;

	/* It is what waited for room that is attempted. */
	if (state == OUTCOME_DEFERRED && a->is_rest &&
	    !a->errands[index].is_passed) {
		a->skipped++;
		message_close(r->qmgr, r->message, 1);
		return;
	}
	message_result(r->qmgr, r->message, agent, clock_wall(), index, &o);
}

/* Of the site's defer_transports? */
static bool
is_to_wait(const struct routing *r, struct str transport)
{
	struct str rest = conf_str(r->site->conf, PARAM_defer_transports), one;

	while (dict_list_next(&rest, &one) == 0 && one.len > 0)
		if (str_eq(one, transport))
			return true;
	return false;
}

/* A mailbox is a destination of its own: a slow one holds up no other. */
static enum schedule_answer
add(struct routing *r, struct errand *e, struct str transport,
    struct str nexthop, struct str address, struct str *ret_why)
{
	struct schedule *s = r->qmgr->schedule;
	struct message *m = r->message;
	struct schedule_goal to = {transport, nexthop, address};

	if (site_delivers(transport)) {
		to.nexthop = address;
		to.recipient = STR_NONE;
	}
	return m->active->is_rest
	           ? schedule_add_called(
			 s, e, &m->turns, &to, clock_mono(), ret_why)
	           : schedule_add(s, e, &m->turns, &to, clock_mono(), ret_why);
}

static void
add_errand(struct routing *r, uint64_t index, struct str transport,
    struct str nexthop, struct str address)
{
	struct errand *e = &r->message->active->errands[index];
	char text[OUTCOME_TEXT_MAX];
	struct outcome o;
	struct str why;

	if (message_is_stopped(r->message)) {
		message_close(r->qmgr, r->message, 1);
		return;
	}
	if (is_to_wait(r, transport)) {
		fail(r, index, "error", OUTCOME_DEFERRED, STR("4.3.2"),
		    STR("deferred transport"));
		return;
	}
	e->index = index;
	switch (add(r, e, transport, nexthop, address, &why)) {
	case SCHEDULE_TAKEN:
		return;
	case SCHEDULE_DEAD:
		qmgr_suspension(why, text, &o);
		message_result(
		    r->qmgr, r->message, "error", clock_wall(), index, &o);
		return;
	case SCHEDULE_FULL:
		r->message->active->waiting++;
		break;
	case SCHEDULE_SKIPPED:
		r->message->active->skipped++;
		break;
	}
	message_close(r->qmgr, r->message, 1);
}

/* To a place that the recipient does not choose: "transport:nexthop". */
static void
add_sent_to(struct routing *r, uint64_t index, struct str place,
    struct str default_nexthop, struct str address)
{
	struct str transport, nexthop;

	str_cut(place, ':', &transport, &nexthop);
	if (nexthop.len == 0)
		nexthop = default_nexthop;
	if (nexthop.len == 0)
		nexthop = str_from(
		    address, (size_t)(str_find_last(address, '@') + 1));
	add_errand(r, index, transport, nexthop, address);
}

/* Others stand in its place, in this message: only its sender is to hear of
 * it (mail/intake.h). */
static bool
is_expanded(const struct recipient *rcpt)
{
	const struct action *a = rcpt->action.p;

	return rcpt->action.n > 0 && a->kind == ACTION_EXPANDED;
}

static void
say_expanded(struct routing *r, uint64_t index)
{
	const struct outcome o = {
	    .state = OUTCOME_SENT,
	    .how = OUTCOME_EXPANDED,
	    .dsn = STR("2.0.0"),
	    .text = STR("alias expanded"),
	    .relay = STR("none"),
	};

	message_result(r->qmgr, r->message, NULL, clock_wall(), index, &o);
}

/*
 * SECURITY: to our own double_bounce_sender come answers of other hosts to
 * mail for postmasters: an end of theirs, and of all, else two hosts write to
 * each other for ever.
 */
static bool
is_last_word(struct routing *r, struct addr addr)
{
	enum route_class class;

	return str_eq_case(addr.local,
		   conf_str(r->site->conf, PARAM_double_bounce_sender)) &&
	       router_class(r->site->router, addr, &r->arena, &class) ==
	           FIND_YES &&
	       class == ROUTE_LOCAL;
}

static void
end_last_word(struct routing *r, uint64_t index)
{
	const struct outcome o = {
	    .state = OUTCOME_SENT,
	    .dsn = STR("2.0.0"),
	    .text = STR("undeliverable postmaster notification discarded"),
	    .relay = STR("none"),
	};

	message_result(r->qmgr, r->message, "qmgr", clock_wall(), index, &o);
}

static void
route_recipient(struct routing *r, uint64_t index)
{
	const struct recipient *rcpt = message_recipient(r->message, index);
	const struct envelope *e = &r->message->active->body->envelope;
	struct str sender = e->sender, filter = e->filter;
	struct route route;
	struct addr addr;
	enum find f;

	if (is_expanded(rcpt)) {
		say_expanded(r, index);
		return;
	}
	if (rcpt->action.n > 0) {
		add_errand(r, index, delivery_action_transport(rcpt),
		    rcpt->address, rcpt->address);
		return;
	}
	if (filter.len > 0) {
		add_sent_to(r, index, filter,
		    conf_str(r->site->conf, PARAM_default_filter_nexthop),
		    rcpt->address);
		return;
	}
	if (addr_parse(rcpt->address, &addr) < 0) {
		fail(r, index, "error", OUTCOME_BOUNCED, STR("5.1.3"),
		    STR("bad address syntax"));
		return;
	}
	if (is_last_word(r, addr)) {
		end_last_word(r, index);
		return;
	}
	f = router_route(r->site->router, addr, sender, &r->arena, &route);
	switch (f) {
	case FIND_YES:
		add_errand(
		    r, index, route.transport, route.nexthop, route.recipient);
		return;
	case FIND_NO:
	case FIND_RETRY:
	case FIND_BROKEN:
		fail(r, index, "error", OUTCOME_DEFERRED, STR("4.3.0"),
		    STR("address resolver failure"));
		return;
	}
}

static void
bounce_all(struct routing *r)
{
	const struct progress *p = &r->message->active->body->progress;

	for (size_t i = 0; i < p->n; i++) {
		if (p->marks[i].done || progress_is_unsaid(&p->marks[i]))
			continue;
		r->message->active->open++;
		fail(r, i, "error", OUTCOME_BOUNCED, STR("5.4.0"),
		    STR("too many hops"));
	}
}

static void
route_all(struct routing *r)
{
	const struct progress *p = &r->message->active->body->progress;

	for (size_t i = 0; i < p->n && !message_is_stopped(r->message); i++) {
		if (p->marks[i].done || progress_is_unsaid(&p->marks[i]))
			continue;
		r->message->active->open++;
		arena_reset(&r->arena);
		inhand_set(r->qmgr->inhand, r->message->item.id);
		route_recipient(r, i);
		inhand_clear(r->qmgr->inhand);
	}
}

static void
route_message(struct qmgr *q, struct message *m)
{
	struct routing r = {.qmgr = q, .message = m, .site = site_use(q)};

	arena_init(&r.arena, ARENA_MAX);
	if (m->active->body->envelope.hops > r.site->hops_max)
		bounce_all(&r);
	else
		route_all(&r);
	if (m->active->is_rest && !m->is_called)
		schedule_served(q->schedule, &m->turns, clock_mono());
	arena_done(&r.arena);
	site_leave(&r.site);
	message_close(q, m, 1);
	qmgr_poke(q);
}

void
routing_pass(
    struct qmgr *q, struct message *m, uint64_t index, struct str place)
{
	struct routing r = {.qmgr = q, .message = m, .site = site_use(q)};
	struct errand *e = &m->active->errands[index];

	if (e->is_passed) {
		fail(&r, index, "error", OUTCOME_DEFERRED, STR("4.3.5"),
		    STR("passed on from transport to transport"));
	} else {
		e->is_passed = true;
		add_sent_to(&r, index, place, STR_NONE,
		    message_recipient(m, index)->address);
	}
	site_leave(&r.site);
}

static void
run(void *arg)
{
	struct qmgr *q = arg;
	struct message *m;

	for (;;) {
		while ((m = STAILQ_FIRST(&q->to_route)) == NULL)
			if (task_wait(&q->routers, CLOCK_NEVER) < 0)
				return;
		STAILQ_REMOVE_HEAD(&q->to_route, link);
		route_message(q, m);
	}
}

void
routing_start(struct qmgr *q)
{
	for (int i = 0; i < ROUTERS; i++)
		task_start(run, q);
}

void
routing_add(struct qmgr *q, struct message *m)
{
	STAILQ_INSERT_TAIL(&q->to_route, m, link);
	task_wake_one(&q->routers);
}
