/* SPDX-License-Identifier: ISC */
/* rules - a table of patterns in order.  Owns the text and the patterns. */
#include "dict/rules.h"
#include "dict/lines.h"

#include "base/log.h"
#include "base/task.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#define NESTING_MAX 64

enum rule_kind {
	RULE_VALUE,
	RULE_IF,
	RULE_ENDIF
};

struct rule {
	enum rule_kind kind;
	bool is_negated;
	unsigned line;
	size_t end; /* of an IF: the index behind its ENDIF */
	void *pattern;
	struct str value;
};

struct rules {
	const struct rules_engine *engine;
	struct rule *list;
	size_t n, cap;
	struct arena arena;
};

/* Reading. */

struct reader {
	struct rules *rules;
	const struct dict_opening *o;
	size_t open[NESTING_MAX]; /* the IFs that wait for their ENDIF */
	size_t nopen;
};

static void
append(struct rules *r, const struct rule *rule)
{
	if (r->n == r->cap) {
		r->cap = r->cap == 0 ? 64 : r->cap * 2;
		r->list = reallocarray(r->list, r->cap, sizeof(*r->list));
		if (r->list == NULL)
			log_fatal("out of memory for a table");
	}
	r->list[r->n++] = *rule;
}

/* "$2", "${2}", "$(2)" or "$$" at the front of `s`, which begins with '$':
 * the bytes it takes, 0 when it is none of these.  *ret is -1 for "$$". */
static size_t
parse_group(struct str s, int *ret)
{
	size_t n = 1, digits = 0, group = 0;
	char close = '\0';

	if (s.len > 1 && s.p[1] == '$') {
		*ret = -1;
		return 2;
	}
	if (s.len > 1 && (s.p[1] == '{' || s.p[1] == '(')) {
		close = s.p[1] == '{' ? '}' : ')';
		n++;
	}
	for (; n < s.len && str_is_digit_char(s.p[n]) && digits < 3; n++) {
		group = group * 10 + (size_t)(s.p[n] - '0');
		digits++;
	}
	if (digits == 0 || (close != '\0' && (n >= s.len || s.p[n] != close)))
		return 0;
	*ret = (int)group;
	return close == '\0' ? n : n + 1;
}

static bool
check_value(const struct rules *r, const struct rule *rule, struct buf *why)
{
	struct str s = rule->value;
	ptrdiff_t at;
	int group;

	if (r->engine->groups == NULL)
		return true;
	while ((at = str_find(s, '$')) >= 0) {
		size_t n = parse_group(str_from(s, (size_t)at), &group);

		if (n == 0)
			buf_addf(why, "need $number or $$ at \"%.*s\"",
			    STR_ARG(str_from(s, (size_t)at)));
		else if (group >= 0 && rule->is_negated)
			buf_add_c(why, "$number not allowed with !pattern");
		else if (group == 0 || group >= RULES_GROUPS ||
			 (group > 0 &&
			     (size_t)group > r->engine->groups(rule->pattern)))
			buf_addf(why, "out of range replacement index \"%d\"",
			    group);
		if (why->len > 0)
			return false;
		s = str_from(s, (size_t)at + n);
	}
	return true;
}

static bool
take_word(struct str *line, struct str word)
{
	if (!str_has_prefix_case(*line, word) ||
	    (line->len > word.len && str_is_alnum_char(line->p[word.len])))
		return false;
	*line = str_trim(str_from(*line, word.len));
	return true;
}

static bool
read_endif(
    struct reader *rd, struct rule *rule, struct str rest, struct buf *why)
{
	if (rd->nopen == 0) {
		buf_add_c(why, "endif without if");
		return false;
	}
	if (rest.len > 0)
		dict_remark(rd->o, "%.*s, line %u: text after endif is ignored",
		    STR_ARG(rd->o->name), rule->line);
	rule->kind = RULE_ENDIF;
	append(rd->rules, rule);
	rd->rules->list[rd->open[--rd->nopen]].end = rd->rules->n;
	return true;
}

/* "!" any number of times, as in Postfix each one turns it around. */
static bool
read_pattern(
    struct reader *rd, struct rule *rule, struct str *rest, struct buf *why)
{
	while (rest->len > 0 && rest->p[0] == '!') {
		rule->is_negated = !rule->is_negated;
		*rest = str_trim(str_from(*rest, 1));
	}
	rule->pattern = rd->rules->engine->compile(rest, why);
	*rest = str_trim(*rest);
	return rule->pattern != NULL;
}

static bool
read_if(struct reader *rd, struct rule *rule, struct str rest, struct buf *why)
{
	if (rd->nopen == NESTING_MAX) {
		buf_addf(why, "if nested deeper than %d", NESTING_MAX);
		return false;
	}
	if (!read_pattern(rd, rule, &rest, why))
		return false;
	if (rest.len > 0)
		dict_remark(rd->o,
		    "%.*s, line %u: text after if pattern is ignored: \"%.*s\"",
		    STR_ARG(rd->o->name), rule->line, STR_ARG(rest));
	rule->kind = RULE_IF;
	rd->open[rd->nopen++] = rd->rules->n;
	append(rd->rules, rule);
	return true;
}

static bool
read_value(
    struct reader *rd, struct rule *rule, struct str rest, struct buf *why)
{
	bool is_right;

	if (!read_pattern(rd, rule, &rest, why))
		return false;
	rule->value = arena_str(&rd->rules->arena, rest);
	is_right = rest.len > 0;
	if (!is_right)
		buf_add_c(why, "no value behind the pattern");
	is_right = is_right && check_value(rd->rules, rule, why);
	if (is_right)
		append(rd->rules, rule);
	else
		rd->rules->engine->free(rule->pattern);
	return is_right;
}

static bool
read_rule(struct reader *rd, struct str line, unsigned number, struct buf *why)
{
	struct rule rule = {.line = number};

	if (take_word(&line, STR("endif")))
		return read_endif(rd, &rule, line, why);
	if (take_word(&line, STR("if")))
		return read_if(rd, &rule, line, why);
	return read_value(rd, &rule, line, why);
}

/*
 * A value that is not right is left out.  What shapes the table (an if that
 * does not compile or is not closed) makes all of it wrong: leaving that out
 * would turn what was conditional into what holds for everybody.
 */
static bool
read_rules(struct reader *rd, struct str text, struct buf *why)
{
	BUF_CLEANUP struct buf wrong = {0};
	bool is_right = true;
	struct lines l;
	struct str line;

	buf_init(&wrong, 1024);
	lines_init(&l, text);
	while (is_right && lines_next(&l, &line)) {
		struct str word = line;

		buf_reset(&wrong);
		if (read_rule(rd, line, l.line, &wrong))
			continue;
		is_right = !take_word(&word, STR("if")) &&
		           !take_word(&word, STR("endif"));
		if (is_right)
			dict_remark(rd->o,
			    "%.*s, line %u: %s: ignoring this rule",
			    STR_ARG(rd->o->name), l.line, wrong.p);
		else
			buf_addf(why, "%.*s, line %u: %s", STR_ARG(rd->o->name),
			    l.line, wrong.p);
	}
	lines_done(&l);
	if (is_right && rd->nopen > 0) {
		buf_addf(why, "%.*s, line %u: if without endif",
		    STR_ARG(rd->o->name),
		    rd->rules->list[rd->open[rd->nopen - 1]].line);
		is_right = false;
	}
	return is_right;
}

void
rules_free(struct dict *d)
{
	struct rules *r = d->state;

	for (size_t i = 0; i < r->n; i++)
		if (r->list[i].pattern != NULL)
			r->engine->free(r->list[i].pattern);
	free(r->list);
	arena_done(&r->arena);
	free(r);
}

/* "{ {rule}, {rule} }" in place of a file's name, as lines. */
static bool
join_inline(const struct dict_opening *o, struct buf *text)
{
	struct str list, item;
	int r = dict_unbrace(o->name, &list) ? 0 : -EINVAL;

	while (r == 0 && list.len > 0) {
		r = dict_list_next(&list, &item);
		if (r == 0 && item.len == 0)
			break;
		if (r == 0)
			r = buf_addf(text, "%.*s\n", STR_ARG(item));
	}
	if (r == 0)
		return true;
	buf_addf(o->why, "%.*s: need {{pattern result}, {pattern result}}",
	    STR_ARG(o->spec));
	return false;
}

bool
rules_open(
    struct dict *d, const struct dict_opening *o, const struct rules_engine *e)
{
	BUF_CLEANUP struct buf text = {0};
	struct reader rd = {.o = o};

	buf_init(&text, DICT_TEXT_MAX);
	if (rules_are_inline(o->name) ? !join_inline(o, &text)
				      : !dict_read_file(o, &text))
		return false;
	d->state = rd.rules = calloc(1, sizeof(*rd.rules));
	if (rd.rules == NULL)
		log_fatal("out of memory for a table");
	rd.rules->engine = e;
	arena_init(&rd.rules->arena, SIZE_MAX); /* bounded by the text */
	if (read_rules(&rd, buf_str(&text), o->why))
		return true;
	rules_free(d);
	return false;
}

bool
rules_are_inline(struct str name)
{
	return str_has_prefix(name, STR("{"));
}

/* Asking. */

struct question {
	const struct rules *rules;
	struct str key;
	struct arena *a;
	enum find answer;
	struct str value;
};

static void
add_group(struct buf *b, struct str key, const struct rules_span *s)
{
	if (s->from <= s->to)
		buf_add_str(b, str_sub(key, s->from, s->to - s->from));
}

static enum find
expand(struct question *q, const struct rule *rule, const struct rules_match *m)
{
	BUF_CLEANUP struct buf b = {0};
	struct str s = rule->value;
	ptrdiff_t at;
	int group;

	if (q->rules->engine->groups == NULL || str_find(s, '$') < 0)
		return dict_give(s, q->a, &q->value);
	buf_init(&b, DICT_VALUE_MAX);
	while ((at = str_find(s, '$')) >= 0) {
		size_t n = parse_group(str_from(s, (size_t)at), &group);

		buf_add_str(&b, str_sub(s, 0, (size_t)at));
		if (group < 0)
			buf_add_char(&b, '$');
		else
			add_group(&b, q->key, &m->spans[group]);
		s = str_from(s, (size_t)at + n);
	}
	buf_add_str(&b, s);
	return b.full ? FIND_BROKEN : dict_give(buf_str(&b), q->a, &q->value);
}

static void
ask(void *arg)
{
	struct question *q = arg;
	const struct rules *r = q->rules;
	struct rules_match m;

	q->answer = FIND_NO;
	for (size_t i = 0; i < r->n; i++) {
		const struct rule *rule = &r->list[i];
		enum find f;

		if (rule->kind == RULE_ENDIF)
			continue;
		f = r->engine->match(rule->pattern, q->key, &m);
		if (f != FIND_YES && f != FIND_NO) {
			q->answer = f;
			return;
		}
		if ((f == FIND_YES) != rule->is_negated) {
			if (rule->kind == RULE_IF)
				continue;
			q->answer = expand(q, rule, &m);
			return;
		}
		if (rule->kind == RULE_IF)
			i = rule->end - 1;
	}
}

enum find
rules_get(
    struct dict *d, struct str key, struct arena *a, struct str *ret_value)
{
	struct question q = {.rules = d->state, .key = key, .a = a};

	if (q.rules->engine->is_deep && task_self() != NULL)
		task_on_main_stack(ask, &q);
	else
		ask(&q);
	if (q.answer == FIND_YES)
		*ret_value = q.value;
	return q.answer;
}
