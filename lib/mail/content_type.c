/* SPDX-License-Identifier: ISC */
/* content_type - tokens of a structured field. */
#include "mail/content_type.h"

#include <errno.h>
#include <string.h>

static bool
is_space(char c)
{
	return str_is_blank_char(c) || c == '\r' || c == '\n';
}

/* RFC 2045 section 5.1: neither a space nor a special. */
static bool
is_token(char c)
{
	return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

/* A comment, with those inside it; without its end: all. */
static struct str
skip_comment(struct str s)
{
	size_t depth = 0, at = 0;

	do {
		if (s.p[at] == '\\')
			at++;
		else if (s.p[at] == '(')
			depth++;
		else if (s.p[at] == ')')
			depth--;
		at++;
	} while (depth > 0 && at < s.len);
	return str_from(s, at);
}

static struct str
skip_space(struct str s)
{
	while (s.len > 0 && (is_space(s.p[0]) || s.p[0] == '('))
		s = s.p[0] == '(' ? skip_comment(s) : str_from(s, 1);
	return s;
}

static struct str
take_token(struct str *rest)
{
	struct str s = skip_space(*rest);
	size_t n = 0;

	while (n < s.len && is_token(s.p[n]))
		n++;
	*rest = skip_space(str_from(s, n));
	return str_sub(s, 0, n);
}

static bool
take_char(struct str *rest, char c)
{
	if (rest->len == 0 || rest->p[0] != c)
		return false;
	*rest = skip_space(str_from(*rest, 1));
	return true;
}

/* Behind the '"'; a fold is no part of it. */
static struct str
take_quoted(struct str s, struct buf *out)
{
	size_t at = 0;

	for (; at < s.len && s.p[at] != '"'; at++) {
		if (s.p[at] == '\r' || s.p[at] == '\n')
			continue;
		if (s.p[at] == '\\' && at + 1 < s.len)
			at++;
		if (out != NULL)
			buf_add_char(out, s.p[at]);
	}
	return str_from(s, at + 1);
}

/* A value, to `out` where somebody wants it. */
static struct str
take_value(struct str s, struct buf *out)
{
	size_t n = 0;

	if (s.len > 0 && s.p[0] == '"')
		return take_quoted(str_from(s, 1), out);
	while (n < s.len && !is_space(s.p[n]) && s.p[n] != ';')
		n++;
	if (out != NULL)
		buf_add_str(out, str_sub(s, 0, n));
	return str_from(s, n);
}

/* What no grammar knows, up to the next parameter. */
static struct str
skip_to_next(struct str s)
{
	while (s.len > 0 && s.p[0] != ';') {
		if (s.p[0] == '"')
			s = take_quoted(str_from(s, 1), NULL);
		else if (s.p[0] == '(')
			s = skip_comment(s);
		else
			s = str_from(s, 1);
	}
	return s;
}

int
content_type_parse(
    struct str value, struct content_type *ret, struct buf *boundary)
{
	struct str rest = value;
	struct content_type t = {.type = take_token(&rest)};

	if (t.type.len == 0 || !take_char(&rest, '/'))
		return -EINVAL;
	t.subtype = take_token(&rest);
	if (t.subtype.len == 0)
		return -EINVAL;
	*ret = t;
	for (rest = skip_to_next(rest); take_char(&rest, ';');
	     rest = skip_to_next(rest)) {
		struct str name = take_token(&rest);
		bool wanted = str_eq_case(name, STR("boundary")) &&
		              boundary->len == 0 && !boundary->full;
		if (take_char(&rest, '='))
			rest = take_value(rest, wanted ? boundary : NULL);
	}
	/* RFC 2046 section 5.1.1: it does not end in a blank. */
	while (boundary->len > 0 &&
	       str_is_blank_char(boundary->p[boundary->len - 1]))
		buf_cut(boundary, boundary->len - 1);
	if (boundary->full)
		buf_cut(boundary, 0);
	return 0;
}
