/* SPDX-License-Identifier: ISC */
/*
 * check - the seven lists at their stages, and one list from its first rule
 * to its last.
 */
#include "check.h"

#include "base/log.h"
#include "base/task.h"
#include "reply.h"

static enum verdict
sleep_for(struct check *c, struct str seconds)
{
	uint64_t n;

	/* The name of a class, or words without a time, cannot come here. */
	if (str_parse_u64(seconds, 300, &n) < 0)
		return check_refuse_config(c, check_subject(c));
	reply_flush(c->s);
	task_sleep(clock_after((int64_t)n * CLOCK_SEC));
	return VERDICT_DUNNO;
}

static unsigned
code_of(const struct check *c, enum param p)
{
	return (unsigned)conf_int(c->s->server->conf, p);
}

static enum verdict
ask_policy(struct check *c, const struct rule *r)
{
	BUF_CLEANUP struct buf request = {0};

	buf_init(&request, POLICY_REQUEST_MAX);
	policy_describe(c, r->policy, &request);
	if (request.full)
		return check_refuse_config(c, check_subject(c));
	return action_do(c, r,
	    policy_ask(r->policy, c->s->server->sv, buf_str(&request), c->a),
	    check_subject(c));
}

/* A word of the table, by what it looks at. */
static enum verdict
check_word(struct check *c, const struct rule *r)
{
	enum subject about = check_subject(c);

	if (restriction_table[r->what].gone != NULL)
		return VERDICT_DUNNO; /* named by `check` and at the start */
	switch (restriction_table[r->what].arg) {
	case RESTRICTION_TABLE:
		return access_check(c, r);
	case RESTRICTION_ZONE:
		return rbl_check(c, r);
	case RESTRICTION_TIME:
		return sleep_for(c, r->arg);
	case RESTRICTION_SERVICE:
		return ask_policy(c, r);
	case RESTRICTION_NOTHING:
		break;
	}
	if (r->what == RESTRICTION_permit)
		return VERDICT_PERMIT;
	if (r->what == RESTRICTION_reject)
		return check_refuse_about(c, code_of(c, PARAM_reject_code),
		    STR("5.7.1"), about, STR("Access denied"));
	if (r->what == RESTRICTION_defer)
		return check_refuse_about(c, code_of(c, PARAM_defer_code),
		    STR("4.7.1"), about, STR("Try again later"));
	if (r->what == RESTRICTION_defer_if_permit) {
		check_defer_if_permit(
		    c, STR("4.7.0"), about, STR("defer_if_permit requested"));
		return VERDICT_DUNNO;
	}
	if (r->what == RESTRICTION_defer_if_reject) {
		check_defer_if_reject(
		    c, STR("4.7.0"), about, STR("defer_if_reject requested"));
		return VERDICT_DUNNO;
	}
	if (r->what == RESTRICTION_reject_unlisted_recipient) {
		c->did_list_recipient = true;
		return listed_check(c, c->recipient, SUBJECT_RECIPIENT);
	}
	if (r->what == RESTRICTION_reject_unlisted_sender) {
		c->did_list_sender = true;
		return listed_check(c, &c->s->txn.sender, SUBJECT_SENDER);
	}
	return relay_check(c, r->what);
}

static enum verdict
check_rule(struct check *c, const struct rule *r)
{
	switch (r->kind) {
	case RULE_WORD:
		return check_word(c, r);
	case RULE_CLASS:
		return check_rules(c, r->class);
	case RULE_BROKEN:
		break;
	}
	return check_refuse(c, 451, "4.3.5", "Server configuration error");
}

enum verdict
check_rules(struct check *c, const struct rules *rules)
{
	enum verdict v = VERDICT_DUNNO;
	bool was_warning = c->is_warning;

	if (c->depth == RULES_DEPTH_MAX)
		return check_refuse(
		    c, 451, "4.3.5", "Server configuration error");
	c->depth++;
	for (size_t i = 0; i < rules->n && v == VERDICT_DUNNO; i++) {
		const struct rule *r = &rules->rule[i];

		if (r->kind == RULE_WORD &&
		    r->what == RESTRICTION_warn_if_reject) {
			c->is_warning = true;
			continue;
		}
		v = check_rule(c, r);
		c->is_warning = was_warning;
	}
	c->is_warning = was_warning;
	c->depth--;
	return v;
}

static void
begin(struct check *c, struct session *s)
{
	*c = (struct check){.s = s, .a = &s->scratch};
}

static enum verdict
run_list(struct check *c, enum rules_list list)
{
	c->list = list;
	return check_rules(c, &c->s->server->rules->lists[list]);
}

static void
keep(struct kept *to, const struct later *from)
{
	to->is_set = from->is_set;
	to->code = from->code;
	buf_reset(&to->text);
	buf_add_str(&to->text, from->text);
}

static void
recall(struct later *to, const struct kept *from)
{
	if (!from->is_set || to->is_set)
		return;
	*to = (struct later){
	    .is_set = true,
	    .code = from->code,
	    .text = buf_str(&from->text),
	};
}

/* A stage at its own command, as smtpd_delay_reject = no has it. */
static bool
check_stage(struct check *c, struct session *s, enum rules_list list,
    enum kept_stage stage)
{
	enum verdict v;

	begin(c, s);
	if (s->server->delay_reject)
		return true;
	v = run_list(c, list);
	keep(&s->kept_permit[stage], &c->if_permit);
	keep(&s->kept_reject[stage], &c->if_reject);
	return v != VERDICT_REJECT;
}

bool
check_client(struct check *c, struct session *s)
{
	return check_stage(c, s, RULES_CLIENT, KEPT_CLIENT);
}

bool
check_helo(struct check *c, struct session *s)
{
	return check_stage(c, s, RULES_HELO, KEPT_HELO);
}

static bool
check_sender_listed(struct check *c)
{
	const struct session *s = c->s;

	if (c->did_list_sender ||
	    !conf_bool(s->server->conf, PARAM_smtpd_reject_unlisted_sender))
		return true;
	c->list = RULES_SENDER;
	return listed_check(c, &s->txn.sender, SUBJECT_SENDER) !=
	       VERDICT_REJECT;
}

bool
check_sender(struct check *c, struct session *s)
{
	if (!check_stage(c, s, RULES_SENDER, KEPT_SENDER))
		return false;
	return s->server->delay_reject || check_sender_listed(c);
}

/* The lists that were put off until now. */
static bool
check_delayed(struct check *c)
{
	struct session *s = c->s;

	if (!s->server->delay_reject) {
		for (size_t i = 0; i < KEPT_STAGES; i++) {
			recall(&c->if_permit, &s->kept_permit[i]);
			recall(&c->if_reject, &s->kept_reject[i]);
		}
		return true;
	}
	if (run_list(c, RULES_CLIENT) == VERDICT_REJECT)
		return false;
	if (s->helo.len > 0 && run_list(c, RULES_HELO) == VERDICT_REJECT)
		return false;
	return run_list(c, RULES_SENDER) != VERDICT_REJECT &&
	       check_sender_listed(c);
}

/* Where some rule would have refused had it been able to ask. */
static bool
settle(struct check *c)
{
	if (!c->if_permit.is_set)
		return true;
	c->code = c->if_permit.code;
	c->text = c->if_permit.text;
	check_log(c, "reject",
	    arena_strf(c->a, "%u %.*s", c->code, STR_ARG(c->text)));
	return false;
}

static bool
check_relay_and_recipient(struct check *c)
{
	const struct server *server = c->s->server;
	bool relay_first = conf_bool(
	    server->conf, PARAM_smtpd_relay_before_recipient_restrictions);
	enum rules_list first = relay_first ? RULES_RELAY : RULES_RECIPIENT;
	enum rules_list second = relay_first ? RULES_RECIPIENT : RULES_RELAY;

	/* SECURITY: without a guard in either list every one may relay. */
	if (!server->rules->has_guard) {
		c->list = RULES_RELAY;
		check_refuse(c, 451, "4.3.5", "Server configuration error");
		return false;
	}
	return run_list(c, first) != VERDICT_REJECT &&
	       run_list(c, second) != VERDICT_REJECT;
}

/* What comes back from a content filter was asked about before. */
static bool
lists_recipients(const struct conf *conf)
{
	return conf_bool(conf, PARAM_smtpd_reject_unlisted_recipient) &&
	       !conf_has_word(conf, PARAM_receive_override_options,
		   STR("no_unknown_recipient_checks"));
}

bool
check_recipient(
    struct check *c, struct session *s, const struct addr *recipient)
{
	begin(c, s);
	c->recipient = recipient;
	/* RFC 5321 section 4.5.1: postmaster alone is always taken. */
	if (str_eq_case(recipient->text, STR("postmaster")))
		return true;
	if (!check_delayed(c) || !check_relay_and_recipient(c))
		return false;
	c->list = RULES_RECIPIENT;
	if (!c->did_list_recipient && !c->is_discarded &&
	    lists_recipients(s->server->conf) &&
	    listed_check(c, recipient, SUBJECT_RECIPIENT) == VERDICT_REJECT)
		return false;
	return settle(c);
}

bool
check_data(struct check *c, struct session *s)
{
	begin(c, s);
	return run_list(c, RULES_DATA) != VERDICT_REJECT && settle(c);
}

bool
check_end(struct check *c, struct session *s)
{
	begin(c, s);
	return run_list(c, RULES_END) != VERDICT_REJECT && settle(c);
}
