/* SPDX-License-Identifier: ISC */
/*
 * access - the check_..._access tables: which keys a client, a name, an
 * address has, and what the right side of a table tells to do.
 */
#include "check.h"

#include "base/log.h"
#include "mail/addr.h"

#include <string.h>

/* What a table said, or that it could not say. */
struct answer {
	enum find find;
	struct str value;
};

static bool
ask(struct check *c, const struct rule *r, struct str key, struct answer *ret)
{
	if (ret->find != FIND_NO || key.len == 0 || key.len > DICT_KEY_MAX)
		return ret->find != FIND_NO;
	ret->find = dict_get(r->table, key, c->a, &ret->value);
	return ret->find != FIND_NO;
}

/* parent_domain_matches_subdomains: "example.com" speaks for hosts in it. */
static bool
parents_match(const struct check *c)
{
	struct str rest = conf_str(
	    c->s->server->conf, PARAM_parent_domain_matches_subdomains);
	struct str word;

	while (dict_list_next(&rest, &word) == 0 && word.len > 0)
		if (str_eq_case(word, STR("smtpd_access_maps")))
			return true;
	return false;
}

/* The name, then what it lies in: "a.b.c", "b.c", "c" (or ".b.c", ".c"). */
static void
ask_domain(
    struct check *c, const struct rule *r, struct str name, struct answer *ret)
{
	bool bare = parents_match(c);

	if (ask(c, r, name, ret) || dict_is_pattern(r->table) ||
	    addr_is_literal(name))
		return;
	for (;;) {
		ptrdiff_t dot = str_find(str_from(name, 1), '.');

		if (dot < 0)
			return;
		name = str_from(name, (size_t)dot + 1);
		if (name.len < 2 ||
		    ask(c, r, bare ? str_from(name, 1) : name, ret))
			return;
		if (bare)
			name = str_from(name, 1);
	}
}

/* "1.2.3.4", "1.2.3", "1.2", "1"; "1:2:3::4", "1:2:3", ... */
static void
ask_ip(struct check *c, const struct rule *r, struct answer *ret)
{
	struct str key = c->s->client.address;
	char sep = c->s->client.ip.family == 4 ? '.' : ':';

	if (ask(c, r, key, ret) || dict_is_pattern(r->table))
		return;
	for (;;) {
		ptrdiff_t at = str_find_last(key, sep);

		if (at <= 0)
			return;
		key = str_sub(key, 0, (size_t)at);
		while (key.len > 0 && key.p[key.len - 1] == sep)
			key.len--;
		if (ask(c, r, key, ret))
			return;
	}
}

/*
 * "user+ext@domain", "user@domain", the domain and its parents, "user+ext@",
 * "user@"; the null sender by a key of its own.
 */
static void
ask_address(
    struct check *c, const struct rule *r, struct addr addr, struct answer *ret)
{
	const struct conf *conf = c->s->server->conf;
	struct str user, ext;
	bool has_ext;

	if (addr_is_null(addr)) {
		ask(c, r, conf_str(conf, PARAM_smtpd_null_access_lookup_key),
		    ret);
		return;
	}
	if (ask(c, r, addr.text, ret) || dict_is_pattern(r->table))
		return;
	has_ext = addr_split_ext(
	    addr.local, conf_str(conf, PARAM_recipient_delimiter), &user, &ext);
	if (has_ext && addr.domain.len > 0 &&
	    ask(c, r,
		arena_strf(
		    c->a, "%.*s@%.*s", STR_ARG(user), STR_ARG(addr.domain)),
		ret))
		return;
	if (addr.domain.len > 0)
		ask_domain(c, r, addr.domain, ret);
	if (ask(c, r, arena_join(c->a, addr.local, STR("@")), ret))
		return;
	if (has_ext)
		ask(c, r, arena_join(c->a, user, STR("@")), ret);
}

static enum verdict
act(struct check *c, const struct rule *r, const struct answer *answer,
    enum subject about)
{
	switch (answer->find) {
	case FIND_YES:
		return access_result(c, r, answer->value, about);
	case FIND_NO:
		return VERDICT_DUNNO;
	case FIND_RETRY:
	case FIND_BROKEN:
		break;
	}
	/* SECURITY: a table that cannot answer never permits. */
	log_warning("%.*s: table lookup problem", STR_ARG(r->arg));
	return check_refuse_config(c, about);
}

enum verdict
access_check(struct check *c, const struct rule *r)
{
	const struct session *s = c->s;
	struct answer answer = {.find = FIND_NO};
	enum subject about = check_subject(c);

	if (r->what == RESTRICTION_check_client_access) {
		about = SUBJECT_CLIENT;
		ask_domain(c, r, s->client.name, &answer);
		ask_ip(c, r, &answer);
	} else if (r->what ==
		   RESTRICTION_check_reverse_client_hostname_access) {
		about = SUBJECT_CLIENT;
		ask_domain(c, r, s->client.reverse, &answer);
	} else if (r->what == RESTRICTION_check_helo_access) {
		about = SUBJECT_HELO;
		if (s->helo.len > 0)
			ask_domain(c, r, buf_str(&s->helo), &answer);
	} else if (r->what == RESTRICTION_check_sender_access) {
		about = SUBJECT_SENDER;
		if (s->txn.has_sender)
			ask_address(c, r, s->txn.sender, &answer);
	} else if (r->what == RESTRICTION_check_recipient_access) {
		about = SUBJECT_RECIPIENT;
		if (c->recipient != NULL)
			ask_address(c, r, *c->recipient, &answer);
	}
	return act(c, r, &answer, about);
}

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
access_result(
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
