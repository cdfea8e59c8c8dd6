/* SPDX-License-Identifier: ISC */
/*
 * addr - mail addresses in the internal form: what is one, how it is written,
 * how it divides.  Paths are read in addr_path.c, lists in addr_list.c, both
 * by addr_reader.c.  Owns nothing.
 */
#include "mail/addr.h"

#include "mail/addr_reader.h"

#include <errno.h>
#include <string.h>

#define LABEL_MAX 63 /* RFC 1035 section 2.3.4 */

static bool
is_control(char c)
{
	unsigned char u = (unsigned char)c;

	return u < 0x20 || u == 0x7f;
}

/* The length of the sequence at the front of `s`, 0 when it is not UTF-8
 * (RFC 3629: the shortest form, no surrogates, up to U+10FFFF). */
static size_t
measure_utf8(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t n = p[0] < 0x80   ? 1
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

/* RFC 5322 section 3.2.3, and the bytes of UTF-8 (RFC 6531 section 3.3). */
bool
addr_is_atext(char c)
{
	if (str_is_alnum_char(c) || (unsigned char)c >= 0x80)
		return true;
	return c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL;
}

static bool
is_dot_atom(struct str s)
{
	bool was_dot = true;

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '.' ? was_dot : !addr_is_atext(s.p[i]))
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
