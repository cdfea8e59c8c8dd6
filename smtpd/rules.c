/* SPDX-License-Identifier: ISC */
/* rules - from the text of a restriction list to what can be carried out. */
#include "rules.h"

#include "base/buf.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

#define WHY_MAX 1024

static const struct {
	enum param param;
	enum restriction table; /* what a bare type:name means in this list */
} lists[RULES_LISTS] = {
    [RULES_CLIENT] = {PARAM_smtpd_client_restrictions,
	RESTRICTION_check_client_access},
    [RULES_HELO] = {PARAM_smtpd_helo_restrictions,
	RESTRICTION_check_helo_access},
    [RULES_SENDER] = {PARAM_smtpd_sender_restrictions,
	RESTRICTION_check_sender_access},
    [RULES_RELAY] = {PARAM_smtpd_relay_restrictions,
	RESTRICTION_check_recipient_access},
    [RULES_RECIPIENT] = {PARAM_smtpd_recipient_restrictions,
	RESTRICTION_check_recipient_access},
    [RULES_DATA] = {PARAM_smtpd_data_restrictions,
	RESTRICTION_check_recipient_access},
    [RULES_END] = {PARAM_smtpd_end_of_data_restrictions,
	RESTRICTION_check_recipient_access},
};

/* What a list is made with. */
struct maker {
	struct rulebook *book;
	const struct conf *conf;
	const struct dict_env *env;  /* NULL: no tables, no services */
	enum restriction bare_table; /* RESTRICTION_COUNT: not allowed */
	const char *where;           /* the parameter, for the log */
	struct arena *a;
};

static size_t
count_words(struct str text)
{
	struct str word;
	size_t n = 0;

	while (dict_list_next(&text, &word) == 0 && word.len > 0)
		n++;
	return n;
}

static const struct rules *
find_class(const struct rulebook *b, struct str name)
{
	for (size_t i = 0; i < b->nclasses; i++)
		if (str_eq_case(b->class_names[i], name))
			return &b->classes[i];
	return NULL;
}

static void
break_rule(const struct maker *m, struct rule *r, const char *what)
{
	r->kind = RULE_BROKEN;
	log_warning("%s: \"%.*s\": %s; mail that gets there is refused for now",
	    m->where, STR_ARG(r->name), what);
}

static void
open_table(struct maker *m, struct rule *r)
{
	struct rulebook *b = m->book;
	BUF_CLEANUP struct buf why = {0};

	if (m->env == NULL) {
		break_rule(m, r, "a table cannot be named here");
		return;
	}
	buf_init(&why, WHY_MAX);
	r->table = dict_open(m->env, r->arg, &why);
	if (r->table == NULL) {
		break_rule(m, r, why.p);
		return;
	}
	b->tables[b->ntables++] = r->table;
}

static void
open_policy(struct maker *m, struct rule *r)
{
	struct rulebook *b = m->book;
	BUF_CLEANUP struct buf why = {0};

	if (m->env == NULL) {
		break_rule(m, r, "a service cannot be named here");
		return;
	}
	buf_init(&why, WHY_MAX);
	r->policy = policy_new(m->conf, r->arg, &why);
	if (r->policy == NULL)
		break_rule(m, r, why.p);
	else
		b->policies[b->npolicies++] = r->policy;
}

/* A bare "type:name", or a word and, for some, what stands behind it. */
static void
make_word(struct maker *m, struct rule *r, struct str *rest)
{
	const struct restriction_row *row;

	if (str_has_char(r->name, ':') && m->bare_table != RESTRICTION_COUNT) {
		r->what = m->bare_table;
		r->arg = r->name;
		open_table(m, r);
		return;
	}
	if (!restriction_find(r->name, &r->what)) {
		break_rule(m, r, "unknown restriction");
		return;
	}
	row = &restriction_table[r->what];
	if (row->arg == RESTRICTION_NOTHING)
		return;
	if (dict_list_next(rest, &r->arg) < 0 || r->arg.len == 0)
		break_rule(m, r, "something must stand behind it");
	else if (row->arg == RESTRICTION_TABLE && row->gone == NULL)
		open_table(m, r);
	else if (row->arg == RESTRICTION_SERVICE)
		open_policy(m, r);
}

static void
make_rules(struct maker *m, struct str text, struct rules *ret)
{
	size_t max = count_words(text);
	struct rule *rule = arena_array(m->a, max + 1, sizeof(*rule));
	struct str word;
	size_t n = 0;

	text = arena_str(m->a, text);
	while (dict_list_next(&text, &word) == 0 && word.len > 0) {
		struct rule *r = &rule[n++];

		r->name = word;
		r->class = find_class(m->book, word);
		if (r->class != NULL)
			r->kind = RULE_CLASS;
		else
			make_word(m, r, &text);
	}
	if (str_trim(text).len > 0) { /* braces that do not match */
		rule[n].name = text;
		break_rule(m, &rule[n++], "not a list of restrictions");
	}
	*ret = (struct rules){.rule = rule, .n = n};
}

static void
make_classes(struct maker *m, const struct conf *c)
{
	struct rulebook *b = m->book;
	struct str names = conf_str(c, PARAM_smtpd_restriction_classes);
	size_t max = count_words(names);
	struct str name;

	b->classes = arena_array(m->a, max + 1, sizeof(*b->classes));
	b->class_names = arena_array(m->a, max + 1, sizeof(*b->class_names));
	while (b->nclasses < max && dict_list_next(&names, &name) == 0)
		b->class_names[b->nclasses++] = arena_str(m->a, name);
	m->bare_table = RESTRICTION_COUNT;
	for (size_t i = 0; i < b->nclasses; i++) {
		struct str text;

		m->where = arena_cstr(m->a, b->class_names[i]);
		if (!conf_by_name(c, b->class_names[i], &text))
			text = STR("(this class has no value)");
		make_rules(m, text, &b->classes[i]);
	}
}

static bool
find_guard(const struct rules *rules)
{
	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *r = &rules->rule[i];

		/* Behind warn_if_reject nothing is refused. */
		if (r->kind == RULE_WORD &&
		    r->what == RESTRICTION_warn_if_reject)
			i++;
		else if (r->kind == RULE_WORD && restriction_is_guard(r->what))
			return true;
		else if (r->kind == RULE_CLASS && r->class->has_guard)
			return true;
	}
	return false;
}

/* Classes may name each other: as many rounds as there are. */
static void
find_guards(struct rulebook *b)
{
	for (size_t n = 0; n < b->nclasses; n++)
		for (size_t i = 0; i < b->nclasses; i++)
			b->classes[i].has_guard = find_guard(&b->classes[i]);
	for (size_t i = 0; i < RULES_LISTS; i++)
		b->lists[i].has_guard = find_guard(&b->lists[i]);
	b->has_guard = b->lists[RULES_RELAY].has_guard ||
	               b->lists[RULES_RECIPIENT].has_guard;
}

static size_t
count_all_words(const struct conf *c)
{
	struct str names = conf_str(c, PARAM_smtpd_restriction_classes);
	struct str name, text;
	size_t n = 0;

	for (size_t i = 0; i < RULES_LISTS; i++)
		n += count_words(conf_str(c, lists[i].param));
	while (dict_list_next(&names, &name) == 0 && name.len > 0)
		if (conf_by_name(c, name, &text))
			n += count_words(text);
	return n;
}

struct rulebook *
rulebook_new(const struct conf *c, const struct dict_env *env, struct arena *a)
{
	struct rulebook *b = arena_alloc(a, sizeof(*b));
	struct maker m = {.book = b, .conf = c, .env = env, .a = a};
	size_t max = count_all_words(c) + 1;

	b->tables = arena_array(a, max, sizeof(*b->tables));
	b->policies = arena_array(a, max, sizeof(*b->policies));
	make_classes(&m, c);
	for (size_t i = 0; i < RULES_LISTS; i++) {
		m.where = param_table[lists[i].param].name;
		m.bare_table = lists[i].table;
		make_rules(&m, conf_str(c, lists[i].param), &b->lists[i]);
	}
	find_guards(b);
	if (!b->has_guard)
		log_error("smtpd_relay_restrictions or "
			  "smtpd_recipient_restrictions must hold one of "
			  "reject_unauth_destination, "
			  "defer_unauth_destination, reject, defer, "
			  "defer_if_permit: without it no recipient is taken");
	return b;
}

void
rulebook_free(struct rulebook **b)
{
	if (*b == NULL)
		return;
	for (size_t i = 0; i < (*b)->ntables; i++)
		dict_free(&(*b)->tables[i]);
	for (size_t i = 0; i < (*b)->npolicies; i++)
		policy_free(&(*b)->policies[i]);
	*b = NULL;
}

void
rules_parse(const struct rulebook *b, struct str text, struct arena *a,
    struct rules *ret)
{
	struct rulebook view = *b;
	struct maker m = {
	    .book = &view,
	    .bare_table = RESTRICTION_COUNT,
	    .where = "access table",
	    .a = a,
	};

	make_rules(&m, text, ret);
}
