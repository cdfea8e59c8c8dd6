/* SPDX-License-Identifier: ISC */
/*
 * decide - transport local: the loop check, aliases, users; an alias for one
 * other address of this host leads on, anything else ends here.
 */
#include "decide.h"

#include "base/log.h"
#include "mail/date.h"
#include "mail/dsn.h"

bool
decide_no_loop(struct decide *d)
{
	const struct loop_mark *marks = d->ask->loops.p;

	for (size_t i = 0; i < d->ask->loops.n; i++)
		if (str_eq_case(marks[i].address, d->addr.text))
			return answer_outcome(&d->answer, "5.4.6",
			    "mail forwarding loop for %.*s",
			    STR_ARG(d->addr.text));
	for (size_t i = 0; i < d->steps; i++)
		if (str_eq_case(d->seen[i], d->addr.text))
			return answer_outcome(&d->answer, "5.4.6",
			    "mail forwarding loop for %.*s",
			    STR_ARG(d->addr.text));
	if (d->steps == DECIDE_STEPS)
		return answer_outcome(&d->answer, "5.4.6",
		    "possible alias database loop for %.*s",
		    STR_ARG(d->addr.text));
	d->seen[d->steps++] = d->addr.text;
	return true;
}

static void
set_names(struct decide *d)
{
	d->local = arena_lower(d->a, d->addr.local);
	addr_split_ext(d->local,
	    conf_str(d->site->conf, PARAM_recipient_delimiter), &d->user,
	    &d->extension);
}

/* One round: the targets of who it is now are in the answer. */
static bool
decide_round(struct decide *d)
{
	bool is_alias = false;

	set_names(d);
	if (!decide_no_loop(d) || !alias_expand(d, &is_alias))
		return false;
	return is_alias || user_deliver(d);
}

/* Nothing but one address, which this transport delivers, too. */
static bool
leads_on(struct decide *d, struct addr *ret)
{
	struct answer *w = &d->answer;
	struct route route;

	if (w->n != 1 || w->list[0].action.n > 0 || w->refused.state != 0 ||
	    w->is_discarded || addr_parse(w->list[0].address, ret) != 0)
		return false;
	return router_route(d->site->router, *ret, d->sender, d->a, &route) ==
	           FIND_YES &&
	       str_eq(route.transport, d->ask->transport) &&
	       addr_parse(route.recipient, ret) == 0;
}

static bool
is_marked(const struct decide *d, const struct action *action)
{
	if (action->kind == ACTION_COMMAND)
		return d->site->marks_commands;
	return action->kind != ACTION_FILE || d->site->marks_files;
}

/* SECURITY: addresses hold no control bytes (addr.h). */
static struct str
child_header(struct decide *d)
{
	char date[DATE_TEXT_MAX];
	struct str mark = STR_NONE;

	date_format(clock_wall(), date);
	if (d->site->marks_forwards)
		mark = arena_strf(
		    d->a, "Delivered-To: %.*s\n", STR_ARG(d->addr.text));
	return arena_strf(d->a,
	    "Received: by %.*s (%.*s)\n\tfor <%.*s>; %s\n"
	    "%.*s",
	    STR_ARG(conf_str(d->site->conf, PARAM_myhostname)),
	    STR_ARG(conf_str(d->site->conf, PARAM_mail_name)),
	    STR_ARG(d->addr.text), date, STR_ARG(mark));
}

static void
finish_without(struct decide *d)
{
	struct answer *w = &d->answer;

	if (w->refused.state != 0)
		answer_outcome(
		    w, w->refused.dsn.p, "%.*s", STR_ARG(w->refused.text));
	else if (w->is_discarded)
		answer_outcome(w, "2.0.0", "delivered to file: /dev/null");
	else
		answer_outcome(w, "4.3.5", "nothing is named for %.*s",
		    STR_ARG(d->addr.text));
}

/*
 * RFC 3461 section 5.2.7: members of an alias are asked what the recipient
 * was, but for news of success, which is that it was expanded; members of a
 * list get its own mail, of which its owner hears, and not the sender.
 */
static void
pass_requests(struct decide *d)
{
	struct answer *w = &d->answer;

	for (size_t i = 0; i < w->n; i++) {
		struct recipient *r = &w->list[i];

		r->notify = d->is_list ? 0 : dsn_notify_of_members(r->notify);
		if (d->is_list)
			r->orcpt = STR_NONE;
	}
}

static void
finish(struct decide *d)
{
	struct answer *w = &d->answer;
	struct expand_child *child;

	if (w->n == 0) {
		finish_without(d);
		return;
	}
	if (w->refused.state != 0)
		log_warning("%.*s: %.*s: left out", STR_ARG(d->addr.text),
		    STR_ARG(w->refused.text));
	if (w->n == 1 && w->list[0].action.n == 1 &&
	    str_eq(d->sender, d->ask->sender)) {
		w->value.verdict = EXPAND_DELIVER;
		w->value.actions = w->list[0].action;
		if (is_marked(d, w->list[0].action.p))
			w->value.delivered_to = d->addr.text;
		return;
	}
	pass_requests(d);
	child = arena_alloc(d->a, sizeof(*child));
	*child = (struct expand_child){
	    .sender = d->sender,
	    .is_list = d->is_list,
	    .recipients = {w->list, w->n},
	    .header = child_header(d),
	};
	w->value.verdict = EXPAND_FORWARD;
	w->value.children = (struct rows){child, 1};
	w->value.delivered_to = d->addr.text;
}

void
decide_local(struct site *s, const struct expand_ask *ask, struct arena *a,
    struct expand_answer *ret)
{
	struct decide d = {
	    .site = s, .ask = ask, .a = a, .sender = ask->sender};
	struct addr next;
	bool goes_on;

	answer_init(&d.answer, a);
	if (addr_parse(ask->recipient.address, &d.addr) != 0 ||
	    addr_is_null(d.addr)) {
		goes_on =
		    answer_outcome(&d.answer, "5.1.3", "bad address syntax");
	} else {
		goes_on = decide_round(&d);
	}
	while (goes_on && leads_on(&d, &next)) {
		d.addr = next;
		answer_done(&d.answer);
		answer_init(&d.answer, a);
		goes_on = decide_round(&d);
	}
	if (goes_on)
		finish(&d);
	*ret = d.answer.value;
	answer_done(&d.answer);
}
