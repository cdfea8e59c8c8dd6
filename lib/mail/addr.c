/* SPDX-License-Identifier: ISC */
/*
 * addr - mail addresses, in and out (RFC 5321 section 4.1.2, RFC 5322 section
 * 3.4).  One reader of "local@domain" serves paths and header lists; it
 * gathers the internal form in a fixed room and makes a struct addr only of
 * what passed every check.
 */
#include "mail/addr.h"

#include <errno.h>
#include <string.h>

#define LABEL_MAX 63 /* RFC 1035 section 2.3.4 */

static bool
is_control(char c)
{
	unsigned char u = (unsigned char)c;

	return u < 0x20 || u == 0x7f;
}

/* RFC 5322 section 3.2.3, and the bytes of UTF-8 (RFC 6531 section 3.3). */
static bool
is_atext(char c)
{
	if (str_is_alnum_char(c) || (unsigned char)c >= 0x80)
		return true;
	return c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL;
}

/* The length of the sequence at the front of `s`, 0 when it is not UTF-8
 * (RFC 3629: the shortest form, no surrogates, up to U+10FFFF). */
static size_t
measure_utf8(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t n = p[0] < 0x80	 ? 1
		   : p[0] < 0xc2 ? 0
		   : p[0] < 0xe0 ? 2
		   : p[0] < 0xf0 ? 3
		   : p[0] < 0xf5 ? 4
				 : 0;

	if (n > s.len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static bool
is_utf8(struct str s)
{
	while (s.len > 0) {
		size_t n = measure_utf8(s);

		if (n == 0)
			return false;
		s = str_from(s, n);
	}
	return true;
}

static bool
is_label(struct str s)
{
	if (s.len == 0 || s.len > LABEL_MAX || s.p[0] == '-' ||
	    s.p[s.len - 1] == '-')
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!str_is_alnum_char(s.p[i]) && s.p[i] != '-' &&
		    s.p[i] != '_' && (unsigned char)s.p[i] < 0x80)
			return false;
	return true;
}

bool
addr_is_domain(struct str s)
{
	struct str label;
	bool more = true;

	if (s.len > ADDR_DOMAIN_MAX || !is_utf8(s))
		return false;
	while (more) {
		more = str_cut(s, '.', &label, &s);
		if (!is_label(label))
			return false;
	}
	return true;
}

/* RFC 5321 section 4.1.3.  No '@', so that the last one of an address
 * always divides it. */
bool
addr_is_literal(struct str s)
{
	if (s.len < 3 || s.len > ADDR_DOMAIN_MAX || s.p[0] != '[' ||
	    s.p[s.len - 1] != ']')
		return false;
	for (size_t i = 1; i < s.len - 1; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '[' ||
		    s.p[i] == ']' || s.p[i] == '\\' || s.p[i] == '@')
			return false;
	return true;
}

static bool
is_local(struct str s)
{
	if (s.len == 0 || s.len > ADDR_LOCAL_MAX || !is_utf8(s))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (is_control(s.p[i]))
			return false;
	return true;
}

int
addr_parse(struct str s, struct addr *ret)
{
	ptrdiff_t at = str_find_last(s, '@');
	struct addr a;

	if (s.len == 0) {
		*ret = (struct addr){STR_NONE, STR_NONE, STR_NONE};
		return 0;
	}
	if (at < 0) {
		a = (struct addr){s, s, STR_NONE};
		if (!is_local(a.local))
			return -EINVAL;
		*ret = a;
		return 0;
	}
	if (s.p[s.len - 1] == '.') /* the root's dot says nothing */
		s.len--;
	a = (struct addr){
	    s, str_sub(s, 0, (size_t)at), str_from(s, (size_t)at + 1)};
	if (!is_local(a.local) ||
	    (!addr_is_domain(a.domain) && !addr_is_literal(a.domain)))
		return -EINVAL;
	*ret = a;
	return 0;
}

/* A reader over `in`, and the internal form as far as it came. */
struct reader {
	struct str in;
	size_t at;
	bool comments; /* blanks and comments may stand between words */
	char text[ADDR_MAX + 1];
	size_t len;
	size_t local_len;
	const char *why;
};

static int
refuse(struct reader *r, const char *why)
{
	r->why = why;
	return -EINVAL;
}

static int
peek(const struct reader *r) /* -1 at the end */
{
	return r->at < r->in.len ? (unsigned char)r->in.p[r->at] : -1;
}

static int
put(struct reader *r, char c)
{
	if (is_control(c))
		return refuse(r, "control character in address");
	if (r->len >= ADDR_MAX)
		return refuse(r, "address is too long");
	r->text[r->len++] = c;
	return 0;
}

/* RFC 5322 section 3.2.2; nested ones are counted, not recursed into. */
static int
skip_comment(struct reader *r)
{
	size_t depth = 0;

	for (; r->at < r->in.len; r->at++) {
		char c = r->in.p[r->at];

		if (c == '\\')
			r->at++;
		else if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0) {
			r->at++;
			return 0;
		}
	}
	return refuse(r, "comment without end");
}

static int
skip_blanks(struct reader *r)
{
	while (r->comments && r->at < r->in.len) {
		char c = r->in.p[r->at];

		if (c == '(') {
			if (skip_comment(r) < 0)
				return -EINVAL;
			continue;
		}
		if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
			break;
		r->at++;
	}
	return 0;
}

static int
read_quoted(struct reader *r)
{
	for (r->at++; r->at < r->in.len; r->at++) {
		char c = r->in.p[r->at];

		if (c == '"') {
			r->at++;
			return 0;
		}
		if (c == '\\' && ++r->at == r->in.len)
			break;
		if (put(r, r->in.p[r->at]) < 0)
			return -EINVAL;
	}
	return refuse(r, "quoted string without end");
}

static int
read_atom(struct reader *r)
{
	for (; r->at < r->in.len; r->at++) {
		char c = r->in.p[r->at];

		if (c == '\\') {
			if (++r->at == r->in.len)
				return refuse(r, "backslash at the end");
			c = r->in.p[r->at];
		} else if (!is_atext(c)) {
			break;
		}
		if (put(r, c) < 0)
			return -EINVAL;
	}
	return 0;
}

/* Words with dots between.  Dots anywhere are taken: there are mailboxes
 * with two in a row, and the internal form can say them. */
static int
read_local(struct reader *r)
{
	bool was_word = false;

	for (;;) {
		int c;

		if (skip_blanks(r) < 0)
			return -EINVAL;
		c = peek(r);
		if (c == '.') {
			r->at++;
			was_word = false;
			if (put(r, '.') < 0)
				return -EINVAL;
			continue;
		}
		if (c != '"' && c != '\\' && (c < 0 || !is_atext((char)c)))
			return 0;
		if (was_word)
			return refuse(r, "two words without a dot between");
		if ((c == '"' ? read_quoted(r) : read_atom(r)) < 0)
			return -EINVAL;
		was_word = true;
	}
}

static int
read_literal(struct reader *r)
{
	ptrdiff_t end = str_find(str_from(r->in, r->at), ']');

	if (end < 0)
		return refuse(r, "address literal without ]");
	for (end += r->at; r->at <= (size_t)end; r->at++)
		if (put(r, r->in.p[r->at]) < 0)
			return -EINVAL;
	return 0;
}

static int
read_label(struct reader *r)
{
	for (; r->at < r->in.len && is_atext(r->in.p[r->at]); r->at++)
		if (put(r, r->in.p[r->at]) < 0)
			return -EINVAL;
	return 0;
}

static int
read_domain(struct reader *r)
{
	if (skip_blanks(r) < 0)
		return -EINVAL;
	if (peek(r) == '[')
		return read_literal(r) < 0 ? -EINVAL : skip_blanks(r);
	for (bool was_dot = true;;) {
		int c = peek(r);

		if (c < 0 || (c != '.' && (!was_dot || !is_atext((char)c))))
			return 0;
		was_dot = c == '.';
		if (was_dot)
			r->at++;
		if ((was_dot ? put(r, '.') : read_label(r)) < 0 ||
		    skip_blanks(r) < 0)
			return -EINVAL;
	}
}

/* "@a,@b:" (RFC 5321 section 4.1.2): looked at and dropped. */
static int
skip_route(struct reader *r)
{
	while (peek(r) == '@') {
		size_t from = r->len;

		r->at++;
		if (read_domain(r) < 0)
			return -EINVAL;
		if (r->len == from)
			return refuse(r, "empty domain in source route");
		r->len = from;
		if (peek(r) == ',')
			r->at++;
		if (skip_blanks(r) < 0)
			return -EINVAL;
		if (peek(r) == ':') {
			r->at++;
			return 0;
		}
	}
	return refuse(r, "source route without an address");
}

/*
 * [route] local [@domain].  SECURITY: a second '@' is no part of any of them,
 * so "user@there@here" is refused and never relayed by its first half.
 */
static int
read_spec(struct reader *r)
{
	bool routed;

	if (skip_blanks(r) < 0)
		return -EINVAL;
	routed = peek(r) == '@';
	if (routed && skip_route(r) < 0)
		return -EINVAL;
	if (read_local(r) < 0)
		return -EINVAL;
	if (routed && r->len == 0)
		return refuse(r, "source route without an address");
	r->local_len = r->len;
	if (peek(r) != '@')
		return 0;
	r->at++;
	return put(r, '@') < 0 ? -EINVAL : read_domain(r);
}

/* The struct addr of what was read. */
static int
finish(struct reader *r, struct arena *a, struct addr *ret)
{
	struct str text = {r->text, r->len};
	struct addr addr;

	/* SECURITY: a local part alone with an '@' in it, quoted, would be
	 * taken for local@domain further on. */
	if (r->len == r->local_len && str_has_char(text, '@'))
		return refuse(r, "address without domain");
	if (r->local_len == 0 && r->len > 0)
		return refuse(r, "address without local part");
	/* The '@' that was read must be the last: none in a literal. */
	if (addr_parse(text, &addr) < 0 || addr.local.len != r->local_len)
		return refuse(r, "not an address");
	addr.text = arena_str(a, addr.text);
	addr.local = str_sub(addr.text, 0, addr.local.len);
	if (addr.domain.len > 0)
		addr.domain = str_from(addr.text, r->local_len + 1);
	*ret = addr;
	return 0;
}

int
addr_parse_path(struct str s, bool strict, struct arena *a, struct addr *ret,
    size_t *ret_used, const char **ret_why)
{
	struct reader r = {.in = s};
	bool angle = peek(&r) == '<';

	if (angle)
		r.at++;
	else if (strict)
		refuse(&r, "address is not in <>");
	if (r.why == NULL && read_spec(&r) == 0) {
		if (angle && peek(&r) != '>')
			refuse(&r, "address has no > at its end");
		else if (!angle && peek(&r) >= 0 && peek(&r) != ' ')
			refuse(&r, "not an address");
		else if (!angle && r.len == 0)
			refuse(&r, "no address");
	}
	if (r.why != NULL || finish(&r, a, ret) < 0) {
		*ret_why = r.why;
		return -EINVAL;
	}
	*ret_used = r.at + (angle ? 1 : 0);
	return 0;
}

/*
 * Where the item of an address list at r->at ends: at a ',' or ';' outside
 * quotes, comments and <>, or behind a group's ':'.  *ret_angle is the place
 * of its '<', or -1.
 */
static int
find_item_end(struct reader *r, size_t *ret_end, ptrdiff_t *ret_angle)
{
	ptrdiff_t angle = -1;
	bool in_quotes = false, in_angle = false, in_literal = false;
	size_t start = r->at;

	for (; r->at < r->in.len; r->at++) {
		char c = r->in.p[r->at];

		if (c == '\\') {
			r->at++;
		} else if (c == '"') {
			in_quotes = !in_quotes;
		} else if (in_quotes) {
			continue;
		} else if (c == '(') {
			if (skip_comment(r) < 0)
				return -EINVAL;
			r->at--;
		} else if (c == '[' || c == ']') {
			in_literal = c == '[';
		} else if (in_literal) {
			continue;
		} else if (c == '<') {
			if (angle >= 0)
				return refuse(r, "two < in an address");
			angle = (ptrdiff_t)r->at;
			in_angle = true;
		} else if (c == '>') {
			if (!in_angle)
				return refuse(r, "> without <");
			in_angle = false;
		} else if (!in_angle && (c == ',' || c == ';' || c == ':')) {
			break;
		}
	}
	if (in_quotes || in_angle)
		return refuse(r, "address without end");
	*ret_end = r->at < r->in.len ? r->at : r->in.len;
	*ret_angle = angle;
	r->at = start;
	return 0;
}

/* One address between r->at and `end`; *ret_none when only blanks stand
 * there. */
static int
read_item(struct reader *r, size_t end, ptrdiff_t angle, struct arena *a,
    struct addr *ret, struct str *ret_name, bool *ret_none)
{
	struct reader item = {
	    .in = str_sub(r->in, 0, end),
	    .at = r->at,
	    .comments = true,
	};

	*ret_name = STR_NONE;
	*ret_none = false;
	if (angle >= 0) {
		*ret_name =
		    str_trim(str_sub(r->in, r->at, (size_t)angle - r->at));
		item.at = (size_t)angle + 1;
	}
	if (read_spec(&item) < 0)
		return -EINVAL;
	if (angle >= 0 && peek(&item) == '>') {
		item.at++;
		if (skip_blanks(&item) < 0)
			return -EINVAL;
	}
	if (item.at < end)
		return -EINVAL;
	*ret_none = item.len == 0;
	return *ret_none ? 0 : finish(&item, a, ret);
}

int
addr_parse_list(
    struct str value, size_t max, struct arena *a, addr_each_fn each, void *arg)
{
	struct reader r = {.in = value, .comments = true};
	size_t count = 0;

	while (r.at < value.len) {
		ptrdiff_t angle;
		struct addr addr;
		struct str name;
		bool is_none;
		size_t end;

		if (find_item_end(&r, &end, &angle) < 0)
			return -EINVAL;
		if (end < value.len && value.p[end] == ':' && angle < 0) {
			r.at = end + 1; /* a group's name */
			continue;
		}
		if (read_item(&r, end, angle, a, &addr, &name, &is_none) < 0)
			return -EINVAL;
		r.at = end + 1;
		if (is_none)
			continue;
		if (++count > max)
			return -E2BIG;
		each(arg, addr, name);
	}
	return (int)count;
}

static bool
is_dot_atom(struct str s)
{
	bool was_dot = true;

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '.' ? was_dot : !is_atext(s.p[i]))
			return false;
		was_dot = s.p[i] == '.';
	}
	return !was_dot;
}

int
addr_format(struct addr a, struct buf *out)
{
	size_t start = out->len;
	int r = 0;

	if (addr_is_null(a))
		return 0;
	if (is_dot_atom(a.local))
		return buf_add_str(out, a.text);
	r |= buf_add_char(out, '"');
	for (size_t i = 0; i < a.local.len; i++) {
		if (a.local.p[i] == '"' || a.local.p[i] == '\\')
			r |= buf_add_char(out, '\\');
		r |= buf_add_char(out, a.local.p[i]);
	}
	r |= buf_add_char(out, '"');
	r |= buf_add_str(out, str_from(a.text, a.local.len));
	if (r == 0)
		return 0;
	buf_cut(out, start);
	return -EMSGSIZE;
}

/* Names that stay whole, whatever the delimiter. */
static bool
is_reserved(struct str local, struct str delimiters)
{
	if (str_eq_case(local, STR("postmaster")) ||
	    str_eq_case(local, STR("mailer-daemon")) ||
	    str_eq_case(local, STR("double-bounce")))
		return true;
	return str_has_char(delimiters, '-') &&
	       (str_has_prefix_case(local, STR("owner-")) ||
		   str_has_suffix_case(local, STR("-request")));
}

bool
addr_split_ext(struct str local, struct str delimiters, struct str *ret_user,
    struct str *ret_ext)
{
	*ret_user = local;
	*ret_ext = STR_NONE;
	if (is_reserved(local, delimiters))
		return false;
	for (size_t i = 0; i < local.len; i++) {
		if (!str_has_char(delimiters, local.p[i]))
			continue;
		if (i == 0) /* a name is needed in front */
			return false;
		*ret_user = str_sub(local, 0, i);
		*ret_ext = str_from(local, i + 1);
		return true;
	}
	return false;
}

bool
addr_is_null(struct addr a)
{
	return a.text.len == 0;
}

bool
addr_eq(struct addr a, struct addr b)
{
	return str_eq_case(a.text, b.text);
}
