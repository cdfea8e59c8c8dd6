/* SPDX-License-Identifier: ISC */
/*
 * addr_reader - reads "[route] local [@domain]" (RFC 5321 section 4.1.2, RFC
 * 5322 section 3.4.1).  Nothing recurses, each byte is looked at once.
 */
#include "mail/addr_reader.h"

#include <errno.h>

static bool
is_control(char c)
{
	unsigned char u = (unsigned char)c;

	return u < 0x20 || u == 0x7f;
}

int
addr_reader_refuse(struct addr_reader *r, const char *why)
{
	r->why = why;
	return -EINVAL;
}

int
addr_reader_peek(const struct addr_reader *r) /* -1 at the end */
{
	return r->at < r->in.len ? (unsigned char)r->in.p[r->at] : -1;
}

static int
put(struct addr_reader *r, char c)
{
	if (is_control(c))
		return addr_reader_refuse(r, "control character in address");
	if (r->len >= ADDR_MAX)
		return addr_reader_refuse(r, "address is too long");
	r->text[r->len++] = c;
	return 0;
}

/* RFC 5322 section 3.2.2; nested ones are counted, not recursed into. */
int
addr_reader_skip_comment(struct addr_reader *r)
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
	return addr_reader_refuse(r, "comment without end");
}

int
addr_reader_skip_blanks(struct addr_reader *r)
{
	while (r->comments && r->at < r->in.len) {
		char c = r->in.p[r->at];

		if (c == '(') {
			if (addr_reader_skip_comment(r) < 0)
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
read_quoted(struct addr_reader *r)
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
	return addr_reader_refuse(r, "quoted string without end");
}

static int
read_atom(struct addr_reader *r)
{
	for (; r->at < r->in.len; r->at++) {
		char c = r->in.p[r->at];

		if (c == '\\') {
			if (++r->at == r->in.len)
				return addr_reader_refuse(
				    r, "backslash at the end");
			c = r->in.p[r->at];
		} else if (!addr_is_atext(c)) {
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
read_local(struct addr_reader *r)
{
	bool was_word = false;

	for (;;) {
		int c;

		if (addr_reader_skip_blanks(r) < 0)
			return -EINVAL;
		c = addr_reader_peek(r);
		if (c == '.') {
			r->at++;
			was_word = false;
			if (put(r, '.') < 0)
				return -EINVAL;
			r->local_end = r->at;
			continue;
		}
		if (c != '"' && c != '\\' && (c < 0 || !addr_is_atext((char)c)))
			return 0;
		if (was_word)
			return addr_reader_refuse(
			    r, "two words without a dot between");
		if ((c == '"' ? read_quoted(r) : read_atom(r)) < 0)
			return -EINVAL;
		was_word = true;
		r->local_end = r->at;
	}
}

static int
read_literal(struct addr_reader *r)
{
	ptrdiff_t end = str_find(str_from(r->in, r->at), ']');

	if (end < 0)
		return addr_reader_refuse(r, "address literal without ]");
	for (end += r->at; r->at <= (size_t)end; r->at++)
		if (put(r, r->in.p[r->at]) < 0)
			return -EINVAL;
	r->domain_end = r->at;
	return 0;
}

static int
read_label(struct addr_reader *r)
{
	for (; r->at < r->in.len && addr_is_atext(r->in.p[r->at]); r->at++)
		if (put(r, r->in.p[r->at]) < 0)
			return -EINVAL;
	return 0;
}

static int
read_domain(struct addr_reader *r)
{
	if (addr_reader_skip_blanks(r) < 0)
		return -EINVAL;
	if (addr_reader_peek(r) == '[')
		return read_literal(r) < 0 ? -EINVAL
		                           : addr_reader_skip_blanks(r);
	for (bool was_dot = true;;) {
		int c = addr_reader_peek(r);

		if (c < 0 ||
		    (c != '.' && (!was_dot || !addr_is_atext((char)c))))
			return 0;
		was_dot = c == '.';
		if (was_dot)
			r->at++;
		if ((was_dot ? put(r, '.') : read_label(r)) < 0)
			return -EINVAL;
		r->domain_end = r->at;
		if (addr_reader_skip_blanks(r) < 0)
			return -EINVAL;
	}
}

/* "@a,@b:" (RFC 5321 section 4.1.2): looked at and dropped. */
static int
skip_route(struct addr_reader *r)
{
	while (addr_reader_peek(r) == '@') {
		size_t from = r->len;

		r->at++;
		if (read_domain(r) < 0)
			return -EINVAL;
		if (r->len == from)
			return addr_reader_refuse(
			    r, "empty domain in source route");
		r->len = from;
		if (addr_reader_peek(r) == ',')
			r->at++;
		if (addr_reader_skip_blanks(r) < 0)
			return -EINVAL;
		if (addr_reader_peek(r) == ':') {
			r->at++;
			return 0;
		}
	}
	return addr_reader_refuse(r, "source route without an address");
}

/*
 * [route] local [@domain].  SECURITY: a second '@' is no part of any of them,
 * so "user@there@here" is refused and never relayed by its first half.
 */
int
addr_reader_spec(struct addr_reader *r)
{
	bool routed;

	if (addr_reader_skip_blanks(r) < 0)
		return -EINVAL;
	r->begin = r->at;
	routed = addr_reader_peek(r) == '@';
	if (routed && skip_route(r) < 0)
		return -EINVAL;
	if (read_local(r) < 0)
		return -EINVAL;
	if (routed && r->len == 0)
		return addr_reader_refuse(r, "source route without an address");
	r->local_len = r->len;
	if (addr_reader_peek(r) != '@')
		return 0;
	r->at++;
	return put(r, '@') < 0 ? -EINVAL : read_domain(r);
}

/* The struct addr of what was read. */
int
addr_reader_finish(struct addr_reader *r, struct arena *a, struct addr *ret)
{
	struct str text = {r->text, r->len};
	struct addr addr;

	/* SECURITY: a local part alone with an '@' in it, quoted, would be
	 * taken for local@domain further on. */
	if (r->len == r->local_len && str_has_char(text, '@'))
		return addr_reader_refuse(r, "address without domain");
	if (r->local_len == 0 && r->len > 0)
		return addr_reader_refuse(r, "address without local part");
	/* The '@' that was read must be the last: none in a literal. */
	if (addr_parse(text, &addr) < 0 || addr.local.len != r->local_len)
		return addr_reader_refuse(r, "not an address");
	addr.text = arena_str(a, addr.text);
	addr.local = str_sub(addr.text, 0, addr.local.len);
	if (addr.domain.len > 0)
		addr.domain = str_from(addr.text, r->local_len + 1);
	*ret = addr;
	return 0;
}
