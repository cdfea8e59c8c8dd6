/* SPDX-License-Identifier: ISC */
/* macro - names put in for one delivery. */
#include "macro.h"

#define DEPTH_MAX 8

static bool expand(struct str text, const struct macro *macros, size_t n,
    struct buf *out, unsigned depth);

static bool
is_name_char(char c)
{
	return str_is_alnum_char(c) || c == '_';
}

static struct str
get_value(const struct macro *macros, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(str_c(macros[i].name), name))
			return macros[i].value;
	return STR_NONE;
}

/* The index of what closes the bracket at the front of `s`; 0: nothing. */
static size_t
find_close(struct str s)
{
	char open = s.p[0], close = open == '{' ? '}' : ')';
	unsigned depth = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == open)
			depth++;
		else if (s.p[i] == close && --depth == 0)
			return i;
	}
	return 0;
}

/* "name", "name?text", "name:text". */
static bool
expand_inside(struct str s, const struct macro *macros, size_t n,
    struct buf *out, unsigned depth)
{
	struct str value, rest;
	size_t len = 0;

	while (len < s.len && is_name_char(s.p[len]))
		len++;
	value = get_value(macros, n, str_sub(s, 0, len));
	rest = str_from(s, len + 1);
	if (len == s.len)
		return value.len > 0 && buf_add_str(out, value) == 0;
	if (s.p[len] == '?')
		return value.len == 0 ||
		       expand(rest, macros, n, out, depth + 1);
	if (s.p[len] == ':')
		return value.len > 0 || expand(rest, macros, n, out, depth + 1);
	return false;
}

/* What begins with '$' at the front of *rest. */
static bool
expand_one(struct str *rest, const struct macro *macros, size_t n,
    struct buf *out, unsigned depth)
{
	struct str s = str_from(*rest, 1);
	size_t len = 0;

	if (s.len == 0)
		return false;
	if (s.p[0] == '$') {
		*rest = str_from(s, 1);
		return buf_add_char(out, '$') == 0;
	}
	if (s.p[0] == '{' || s.p[0] == '(') {
		len = find_close(s);
		*rest = str_from(s, len + 1);
		return len > 0 && expand_inside(str_sub(s, 1, len - 1), macros,
				      n, out, depth);
	}
	while (len < s.len && is_name_char(s.p[len]))
		len++;
	*rest = str_from(s, len);
	return len > 0 &&
	       expand_inside(str_sub(s, 0, len), macros, n, out, depth);
}

static bool
expand(struct str text, const struct macro *macros, size_t n, struct buf *out,
    unsigned depth)
{
	if (depth > DEPTH_MAX)
		return false;
	while (text.len > 0) {
		ptrdiff_t at = str_find(text, '$');

		if (at < 0)
			return buf_add_str(out, text) == 0;
		buf_add_str(out, str_sub(text, 0, (size_t)at));
		text = str_from(text, (size_t)at);
		if (!expand_one(&text, macros, n, out, depth))
			return false;
	}
	return !out->full;
}

bool
macro_expand(
    struct str text, const struct macro *macros, size_t n, struct buf *out)
{
	return expand(text, macros, n, out, 0);
}
