/* SPDX-License-Identifier: ISC */
/*
 * action - what the right side of an access table tells to do.
 */
#include "check.h"

#include "base/log.h"
#include "mail/addr.h"
#include "mail/dsn.h"

#include <string.h>

enum verdict
check_refuse_text(struct check *c, unsigned code, struct str dsn,
    enum subject about, struct str text)
{
	struct str own = dsn_cut_status(&text);

	return check_refuse_about(c, code, own.len > 0 ? own : dsn, about,
	    text.len > 0 ? text : STR("Access denied"));
}

static enum verdict
refuse_with(struct check *c, unsigned code, struct str text, enum subject about)
{
	return check_refuse_text(c, code, STR_NONE, about, text);
}

static bool
parse_code(struct str word, unsigned *ret)
{
	uint64_t n;

	if (word.len != 3 || (word.p[0] != '4' && word.p[0] != '5') ||
	    str_parse_u64(word, 599, &n) < 0)
		return false;
	*ret = (unsigned)n;
	return true;
}

/* Told once: "<name>: class text". */
static void
note(struct check *c, const char *what, enum subject about, struct str text)
{
	check_log(c, what,
	    arena_strf(c->a, "<%.*s>: %s %.*s", STR_ARG(check_name(c, about)),
		check_class(about), STR_ARG(text)));
}

static bool
is_address(struct str text)
{
	struct addr a;

	return addr_parse(text, &a) == 0 && a.domain.len > 0;
}

/* A header line in front of the message; the same one once. */
static bool
do_prepend(struct check *c, struct str text, enum subject about)
{
	(void)about;
	if (str_find(text, ':') <= 0 || str_has_char(text, '\n') ||
	    c->list == RULES_END)
		return false;
	return treatment_add(&c->s->txn.treatment.prepend, text);
}

static bool
do_discard(struct check *c, struct str text, enum subject about)
{
	note(c, "discard", about,
	    text.len > 0 ? text : STR("triggers DISCARD action"));
	c->is_discarded = true;
	c->s->txn.treatment.is_discarded = true;
	return true;
}

static bool
do_hold(struct check *c, struct str text, enum subject about)
{
	if (!c->s->txn.treatment.is_held)
		note(c, "hold", about,
		    text.len > 0 ? text : STR("triggers HOLD action"));
	c->s->txn.treatment.is_held = true;
	return true;
}

static bool
do_redirect(struct check *c, struct str text, enum subject about)
{
	if (!is_address(text) ||
	    !treatment_set(&c->s->txn.treatment.redirect, text))
		return false;
	note(c, "redirect", about,
	    arena_join(c->a, STR("triggers REDIRECT "), text));
	return true;
}

static bool
do_bcc(struct check *c, struct str text, enum subject about)
{
	if (!is_address(text) || !treatment_add(&c->s->txn.treatment.bcc, text))
		return false;
	note(c, "bcc", about, arena_join(c->a, STR("triggers BCC "), text));
	return true;
}

static bool
do_filter(struct check *c, struct str text, enum subject about)
{
	if (str_find(text, ':') <= 0 || str_has_char(text, '\n') ||
	    !treatment_set(&c->s->txn.treatment.filter, text))
		return false;
	note(c, "filter", about,
	    arena_join(c->a, STR("triggers FILTER "), text));
	return true;
}

/* What a table may have done with the message. */
static const struct treating {
	const char *word;
	/* False: what stands behind the word is not right. */
	bool (*run)(struct check *c, struct str text, enum subject about);
	enum verdict verdict;
} treatings[] = {
    {"BCC", do_bcc, VERDICT_DUNNO},
    {"DISCARD", do_discard, VERDICT_PERMIT},
    {"FILTER", do_filter, VERDICT_DUNNO},
    {"HOLD", do_hold, VERDICT_DUNNO},
    {"PREPEND", do_prepend, VERDICT_DUNNO},
    {"REDIRECT", do_redirect, VERDICT_DUNNO},
};

static const struct treating *
find_treating(struct str word)
{
	for (size_t i = 0; i < sizeof(treatings) / sizeof(treatings[0]); i++)
		if (str_eq_case(word, str_c(treatings[i].word)))
			return &treatings[i];
	return NULL;
}

/*
 * Where it cannot be done the mail must not pass as if nothing stood there:
 * refused for now.  With smtpd_delay_reject = no the lists of the client and
 * HELO are judged before there is a message.
 */
static enum verdict
treat(struct check *c, const struct rule *r, const struct treating *t,
    struct str text, enum subject about)
{
	if (c->is_warning)
		return VERDICT_DUNNO;
	if (c->s->txn.has_sender && t->run(c, text, about))
		return t->verdict;
	log_warning("%.*s: \"%s %.*s\" cannot be done here", STR_ARG(r->arg),
	    t->word, STR_ARG(str_sub(text, 0, 100)));
	return check_refuse_config(c, about);
}

/* What is left of the words: a refusal that stands by, or a line in the log;
 * false: none of these. */
static bool
act_otherwise(
    struct check *c, struct str word, struct str text, enum subject about)
{
	struct str dsn;

	if (str_eq_case(word, STR("WARN"))) {
		check_log(c, "warn", text);
		return true;
	}
	if (str_eq_case(word, STR("INFO"))) {
		check_log(c, "info", text);
		return true;
	}
	if (!str_has_prefix_case(word, STR("DEFER_IF_")))
		return false;
	dsn = dsn_cut_status(&text);
	if (text.len == 0)
		text = STR("Service unavailable");
	if (str_eq_case(word, STR("DEFER_IF_PERMIT")))
		check_defer_if_permit(c, dsn, about, text);
	else if (str_eq_case(word, STR("DEFER_IF_REJECT")))
		check_defer_if_reject(c, dsn, about, text);
	else
		return false;
	return true;
}

static bool
is_number(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!str_is_digit_char(s.p[i]))
			return false;
	return s.len > 0;
}

/* The value is words of a list. */
static enum verdict
do_words(struct check *c, struct str words, enum subject about)
{
	bool was_nested = c->is_nested;
	enum subject before = c->nested;
	struct rules rules;
	enum verdict v;

	rules_parse(c->s->server->rules, words, c->a, &rules);
	c->is_nested = true;
	c->nested = about;
	v = check_rules(c, &rules);
	c->is_nested = was_nested;
	c->nested = before;
	return v;
}

enum verdict
action_do(
    struct check *c, const struct rule *r, struct str value, enum subject about)
{
	const struct conf *conf = c->s->server->conf;
	struct str text = str_trim(value);
	struct str word = str_word(&text, " \t");
	const struct treating *treating;
	unsigned code;

	text = str_trim(text);
	if (str_eq_case(word, STR("REJECT")))
		return refuse_with(c,
		    (unsigned)conf_int(conf, PARAM_access_map_reject_code),
		    text, about);
	if (str_eq_case(word, STR("DEFER")))
		return refuse_with(c,
		    (unsigned)conf_int(conf, PARAM_access_map_defer_code), text,
		    about);
	if (parse_code(word, &code))
		return refuse_with(c, code, text, about);
	if (str_eq_case(word, STR("OK")) || str_eq_case(word, STR("RELAY")) ||
	    is_number(value))
		return VERDICT_PERMIT;
	if (str_eq_case(word, STR("DUNNO")))
		return VERDICT_DUNNO;
	treating = find_treating(word);
	if (treating != NULL)
		return treat(c, r, treating, text, about);
	if (act_otherwise(c, word, text, about))
		return VERDICT_DUNNO;
	if (word.len == 0) {
		log_warning("%.*s: \"%.*s\" does not work here",
		    STR_ARG(r->arg), STR_ARG(str_sub(value, 0, 100)));
		return check_refuse_config(c, about);
	}
	return do_words(c, value, about);
}
