/* SPDX-License-Identifier: ISC */
/*
 * conf_expand - $names in values, as postconf(5) describes them.
 *
 * A value may refer to values that refer to values: the depth is bounded
 * (what refers to itself ends there), and so are the number of steps and the
 * length, because a chain of twenty short lines can ask for a gigabyte.
 */
#include "mail/conf_body.h"

#include <errno.h>

#define DEPTH_MAX 100
#define STEPS_MAX 20000

struct expander {
	const struct conf *c;
	unsigned steps;
	const char *why;
};

static int expand_text(
    struct expander *e, struct str text, struct buf *out, unsigned depth);

static int
fail(struct expander *e, int error, const char *why)
{
	e->why = why;
	return error;
}

static bool
is_name_char(char c)
{
	return str_is_alnum_char(c) || c == '_';
}

static struct str
skip_blanks(struct str s)
{
	while (s.len > 0 && (str_is_blank_char(s.p[0]) || s.p[0] == '\n'))
		s = str_from(s, 1);
	return s;
}

static struct str
take_name(struct str *rest)
{
	size_t n = 0;

	while (n < rest->len && is_name_char(rest->p[n]))
		n++;
	struct str name = str_sub(*rest, 0, n);
	*rest = str_from(*rest, n);
	return name;
}

/*
 * Take "{...}" (or "(...)") off the front of *rest, which begins with the
 * opening one; what stands between goes to *ret_inner.
 */
static bool
take_braced(struct str *rest, struct str *ret_inner)
{
	char open = rest->p[0], close = open == '{' ? '}' : ')';
	size_t depth = 0;

	for (size_t i = 0; i < rest->len; i++) {
		if (rest->p[i] == open)
			depth++;
		else if (rest->p[i] == close && --depth == 0) {
			*ret_inner = str_sub(*rest, 1, i - 1);
			*rest = str_from(*rest, i + 1);
			return true;
		}
	}
	return false;
}

static int
expand_name(
    struct expander *e, struct str name, struct buf *out, unsigned depth)
{
	const struct conf_entry *entry = conf_entry(e->c, name);
	struct str transport;
	enum param p;

	if (param_find(name, &p)) {
		if (e->c->values[p].is_known)
			return buf_add_str(out, e->c->values[p].text);
		if (entry == NULL)
			return expand_text(
			    e, str_c(param_table[p].def), out, depth);
	}
	if (entry != NULL)
		return expand_text(e, entry->set.value, out, depth);
	if (param_find_transport(name, &transport, &p))
		return expand_name(e, str_c(param_table[p].name), out, depth);
	return 0;
}

/* "{yes}:{no}", "{yes}", or "yes" to the end; behind a '?' or a ':'. */
static int
split_choice(struct expander *e, struct str rest, char sign,
    struct str *ret_yes, struct str *ret_no)
{
	struct str first, second = STR_NONE;

	rest = skip_blanks(rest);
	if (!str_has_prefix(rest, STR("{"))) {
		first = rest;
	} else {
		if (!take_braced(&rest, &first))
			return fail(e, -EINVAL, "a { without its }");
		rest = skip_blanks(rest);
		if (sign == '?' && str_has_prefix(rest, STR(":"))) {
			second = skip_blanks(str_from(rest, 1));
			rest = STR_NONE;
			if (str_has_prefix(second, STR("{"))) {
				rest = second;
				if (!take_braced(&rest, &second))
					return fail(
					    e, -EINVAL, "a { without its }");
			}
		}
		if (!str_is_empty(skip_blanks(rest)))
			return fail(e, -EINVAL,
			    "text behind the last } of a "
			    "choice");
	}
	*ret_yes = sign == '?' ? first : STR_NONE;
	*ret_no = sign == '?' ? second : first;
	return 0;
}

static const struct relation {
	const char *text;
	bool less, equal, greater;
} relations[] = {
    {"==", false, true, false},
    {"!=", true, false, true},
    {"<=", true, true, false},
    {">=", false, true, true},
    {"<", true, false, false},
    {">", false, false, true},
};

static int
compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* "3.6" as two numbers; what is no number is the newest of all. */
static int
compare_levels(struct str a, struct str b)
{
	for (unsigned i = 0; i < 3; i++) {
		struct str part_a, part_b;
		uint64_t x = 0, y = 0;
		str_cut(a, '.', &part_a, &a);
		str_cut(b, '.', &part_b, &b);
		if (!str_is_empty(part_a) &&
		    str_parse_u64(part_a, UINT32_MAX, &x) != 0)
			x = UINT64_MAX;
		if (!str_is_empty(part_b) &&
		    str_parse_u64(part_b, UINT32_MAX, &y) != 0)
			y = UINT64_MAX;
		if (x != y)
			return compare_numbers(x, y);
	}
	return 0;
}

static int
compare_values(struct str a, struct str b)
{
	uint64_t x, y;

	if (str_parse_u64(a, UINT64_MAX, &x) == 0 &&
	    str_parse_u64(b, UINT64_MAX, &y) == 0)
		return compare_numbers(x, y);
	return str_cmp(a, b);
}

/* "== {b}" behind the {a}, with or without "level". */
static const struct relation *
take_relation(struct str *rest, bool *ret_levels)
{
	*rest = skip_blanks(*rest);
	for (size_t i = 0; i < sizeof(relations) / sizeof(relations[0]); i++) {
		struct str text = str_c(relations[i].text);
		if (!str_has_prefix(*rest, text))
			continue;
		*rest = skip_blanks(str_from(*rest, text.len));
		*ret_levels = str_has_prefix(*rest, STR("level"));
		if (*ret_levels)
			*rest = skip_blanks(str_from(*rest, 5));
		return &relations[i];
	}
	return NULL;
}

static int
relate(struct expander *e, const struct relation *rel, bool levels,
    struct str a, struct str b, unsigned depth, bool *ret)
{
	BUF_CLEANUP struct buf x = {0}, y = {0};
	buf_init(&x, CONF_VALUE_MAX);
	buf_init(&y, CONF_VALUE_MAX);
	int r = expand_text(e, a, &x, depth);
	if (r == 0)
		r = expand_text(e, b, &y, depth);
	if (r != 0)
		return r;

	struct str left = str_trim(buf_str(&x)), right = str_trim(buf_str(&y));
	int order =
	    levels ? compare_levels(left, right) : compare_values(left, right);
	*ret = order < 0 ? rel->less : order > 0 ? rel->greater : rel->equal;
	return 0;
}

/* "{a} == {b} ? {x} : {y}" */
static int
expand_comparison(
    struct expander *e, struct str text, struct buf *out, unsigned depth)
{
	struct str a, b, yes = STR("bool:true"), no = STR_NONE;
	bool levels, holds;

	if (!take_braced(&text, &a))
		return fail(e, -EINVAL, "a { without its }");
	const struct relation *rel = take_relation(&text, &levels);
	if (rel == NULL || !str_has_prefix(text, STR("{")))
		return fail(e, -EINVAL,
		    "a comparison has the form "
		    "${{a} == {b} ? {x} : {y}}");
	if (!take_braced(&text, &b))
		return fail(e, -EINVAL, "a { without its }");

	text = skip_blanks(text);
	if (!str_is_empty(text)) {
		char sign = text.p[0];
		if (sign != '?' && sign != ':')
			return fail(e, -EINVAL,
			    "behind a comparison stands "
			    "'?' or ':'");
		int r = split_choice(e, str_from(text, 1), sign, &yes, &no);
		if (r != 0)
			return r;
	}
	int r = relate(e, rel, levels, a, b, depth, &holds);
	if (r != 0)
		return r;
	return expand_text(e, holds ? yes : no, out, depth);
}

/* What stands in ${...}. */
static int
expand_braced(
    struct expander *e, struct str text, struct buf *out, unsigned depth)
{
	struct str yes, no;

	text = skip_blanks(text);
	if (str_has_prefix(text, STR("{")))
		return expand_comparison(e, text, out, depth);
	struct str name = take_name(&text);
	if (str_is_empty(name))
		return fail(e, -EINVAL, "no parameter's name behind ${");
	text = skip_blanks(text);
	if (str_is_empty(text))
		return expand_name(e, name, out, depth);
	char sign = text.p[0];
	if (sign != '?' && sign != ':')
		return fail(e, -EINVAL,
		    "behind the name in ${ stands '?', ':' "
		    "or '}'");
	int r = split_choice(e, str_from(text, 1), sign, &yes, &no);
	if (r != 0)
		return r;

	BUF_CLEANUP struct buf value = {0};
	buf_init(&value, CONF_VALUE_MAX);
	r = expand_name(e, name, &value, depth);
	if (r != 0)
		return r;
	return expand_text(e, value.len > 0 ? yes : no, out, depth);
}

/* One $... at the front of *rest. */
static int
expand_dollar(
    struct expander *e, struct str *rest, struct buf *out, unsigned depth)
{
	struct str inner;

	*rest = str_from(*rest, 1);
	if (str_is_empty(*rest))
		return fail(e, -EINVAL, "a $ at the end ($$ is a dollar)");
	if (rest->p[0] == '$') {
		*rest = str_from(*rest, 1);
		return buf_add_char(out, '$');
	}
	if (rest->p[0] == '{' || rest->p[0] == '(') {
		if (!take_braced(rest, &inner))
			return fail(e, -EINVAL, "a ${ without its }");
		return expand_braced(e, inner, out, depth);
	}
	struct str name = take_name(rest);
	if (str_is_empty(name))
		return fail(e, -EINVAL,
		    "no parameter's name behind a $ ($$ "
		    "is a dollar)");
	return expand_name(e, name, out, depth);
}

static int
expand_text(
    struct expander *e, struct str text, struct buf *out, unsigned depth)
{
	if (depth >= DEPTH_MAX)
		return fail(e, -ELOOP,
		    "parameters refer to one another in a "
		    "circle");
	while (!str_is_empty(text)) {
		ptrdiff_t at = str_find(text, '$');
		if (at < 0)
			return buf_add_str(out, text);
		if (++e->steps > STEPS_MAX)
			return fail(e, -EMSGSIZE,
			    "there is too much to "
			    "expand");
		int r = buf_add_str(out, str_sub(text, 0, (size_t)at));
		text = str_from(text, (size_t)at);
		if (r == 0)
			r = expand_dollar(e, &text, out, depth + 1);
		if (r != 0)
			return r;
	}
	return 0;
}

int
conf_expand_to(const struct conf *c, struct str text, struct buf *out,
    const char **ret_why)
{
	struct expander e = {.c = c};
	int r = expand_text(&e, text, out, 0);

	if (r != 0)
		*ret_why = e.why != NULL ? e.why : "it becomes too long";
	return r;
}

int
conf_expand(const struct conf *c, struct str text, struct arena *a,
    struct str *ret, const char **ret_why)
{
	BUF_CLEANUP struct buf out = {0};
	buf_init(&out, CONF_VALUE_MAX);
	int r = conf_expand_to(c, text, &out, ret_why);

	if (r == 0)
		*ret = arena_str(a, buf_str(&out));
	return r;
}

void
conf_names_in(
    struct str text, void (*each)(void *arg, struct str name), void *arg)
{
	ptrdiff_t at;

	while ((at = str_find(text, '$')) >= 0) {
		text = str_from(text, (size_t)at + 1);
		if (str_has_prefix(text, STR("$"))) {
			text = str_from(text, 1);
			continue;
		}
		if (str_has_prefix(text, STR("{")) ||
		    str_has_prefix(text, STR("(")))
			text = skip_blanks(str_from(text, 1));
		struct str name = take_name(&text);
		if (!str_is_empty(name))
			each(arg, name);
	}
}
