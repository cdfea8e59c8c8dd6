/* SPDX-License-Identifier: ISC */
/*
 * action - what the right side of an access table tells to do.
 */
#include "check.h"

#include "base/log.h"

#include <string.h>

/* "5.7.1 text": the enhanced code off the front of a text, if there is one. */
static struct str
cut_dsn(struct str *text)
{
	struct str rest = *text;
	struct str word = str_word(&rest, " \t");
	unsigned dots = 0;

	if (word.len < 5 || word.len > 9 || !strchr("245", word.p[0]) ||
	    word.p[1] != '.' || word.p[word.len - 1] == '.')
		return STR_NONE;
	for (size_t i = 1; i < word.len; i++) {
		if (word.p[i] == '.' && word.p[i - 1] != '.')
			dots++;
		else if (!str_is_digit_char(word.p[i]))
			return STR_NONE;
	}
	if (dots != 2)
		return STR_NONE;
	*text = str_trim(rest);
	return word;
}

static enum verdict
refuse_with(struct check *c, unsigned code, struct str text, enum subject about)
{
	struct str dsn = cut_dsn(&text);

	return check_refuse_about(
	    c, code, dsn, about, text.len > 0 ? text : STR("Access denied"));
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

/* A header line in front of the message; the same one once. */
static enum verdict
do_prepend(struct check *c, struct str text, enum subject about)
{
	struct buf *b = &c->s->txn.prepend;
	struct str line = arena_join(c->a, text, STR("\n"));

	if (c->is_warning)
		return VERDICT_DUNNO;
	if (str_find(text, ':') <= 0 || str_has_char(text, '\n') ||
	    c->list == RULES_END)
		return check_refuse_config(c, about);
	if (str_find_str(buf_str(b), line) < 0 && buf_add_str(b, line) < 0)
		return check_refuse_config(c, about);
	return VERDICT_DUNNO;
}

static enum verdict
note(struct check *c, const char *what, struct str text, enum subject about)
{
	check_log(c, what,
	    arena_strf(c->a, "<%.*s>: %s triggers %.*s",
		STR_ARG(check_name(c, about)), check_class(about),
		STR_ARG(text)));
	return VERDICT_DUNNO;
}

static enum verdict
do_discard(struct check *c, struct str text, enum subject about)
{
	if (c->is_warning)
		return VERDICT_DUNNO;
	note(c, "discard", text.len > 0 ? text : STR("DISCARD action"), about);
	c->is_discarded = true;
	c->s->txn.is_discarded = true;
	return VERDICT_PERMIT;
}

/* What else than a verdict a table may tell to do; false: none of these. */
static bool
act_otherwise(struct check *c, struct str word, struct str text,
    enum subject about, enum verdict *ret)
{
	struct str dsn;

	*ret = VERDICT_DUNNO;
	if (str_eq_case(word, STR("DEFER_IF_PERMIT"))) {
		dsn = cut_dsn(&text);
		check_defer_if_permit(c, dsn, about,
		    text.len > 0 ? text : STR("Service unavailable"));
		return true;
	}
	if (str_eq_case(word, STR("DEFER_IF_REJECT"))) {
		dsn = cut_dsn(&text);
		check_defer_if_reject(c, dsn, about,
		    text.len > 0 ? text : STR("Service unavailable"));
		return true;
	}
	if (str_eq_case(word, STR("WARN")))
		*ret = note(c, "warn", text, about);
	else if (str_eq_case(word, STR("INFO")))
		*ret = note(c, "info", text, about);
	else if (str_eq_case(word, STR("PREPEND")))
		*ret = do_prepend(c, text, about);
	else if (str_eq_case(word, STR("DISCARD")))
		*ret = do_discard(c, text, about);
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

/* Actions of Postfix's that are not here: the mail must not pass as if
 * nothing stood there. */
static bool
is_absent(struct str word)
{
	static const char *const absent[] = {
	    "BCC", "FILTER", "HOLD", "REDIRECT"};

	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		if (str_eq_case(word, str_c(absent[i])))
			return true;
	return false;
}

enum verdict
action_do(
    struct check *c, const struct rule *r, struct str value, enum subject about)
{
	const struct conf *conf = c->s->server->conf;
	struct str text = str_trim(value);
	struct str word = str_word(&text, " \t");
	struct rules rules;
	enum verdict v;
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
	if (act_otherwise(c, word, text, about, &v))
		return v;
	if (word.len == 0 || is_absent(word)) {
		log_warning("%.*s: \"%.*s\" does not work here",
		    STR_ARG(r->arg), STR_ARG(str_sub(value, 0, 100)));
		return check_refuse_config(c, about);
	}
	rules_parse(c->s->server->rules, value, c->a, &rules);
	return check_rules(c, &rules);
}
