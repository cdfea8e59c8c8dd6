/* SPDX-License-Identifier: ISC */
/* str - a borrowed piece of text.  Owns nothing. */
#include "base/str.h"

#include <errno.h>
#include <string.h>

struct str
str_n(const char *p, size_t len)
{
	return (struct str){p, len};
}

struct str
str_c(const char *c)
{
	return c == NULL ? STR_NONE : (struct str){c, strlen(c)};
}

char
str_lower_char(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

char
str_upper_char(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}

bool
str_is_blank_char(char c)
{
	return c == ' ' || c == '\t';
}

bool
str_is_digit_char(char c)
{
	return c >= '0' && c <= '9';
}

bool
str_is_alnum_char(char c)
{
	char l = str_lower_char(c);

	return str_is_digit_char(c) || (l >= 'a' && l <= 'z');
}

bool
str_is_empty(struct str s)
{
	return s.len == 0;
}

bool
str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool
str_eq_case(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (str_lower_char(a.p[i]) != str_lower_char(b.p[i]))
			return false;
	return true;
}

int
str_cmp(struct str a, struct str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (c != 0)
		return c;
	return (a.len > b.len) - (a.len < b.len);
}

bool
str_has_prefix(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq(str_sub(s, 0, prefix.len), prefix);
}

bool
str_has_prefix_case(struct str s, struct str prefix)
{
	return s.len >= prefix.len &&
	       str_eq_case(str_sub(s, 0, prefix.len), prefix);
}

bool
str_has_suffix(struct str s, struct str suffix)
{
	return s.len >= suffix.len &&
	       str_eq(str_from(s, s.len - suffix.len), suffix);
}

bool
str_has_suffix_case(struct str s, struct str suffix)
{
	return s.len >= suffix.len &&
	       str_eq_case(str_from(s, s.len - suffix.len), suffix);
}

bool
str_has_char(struct str s, char c)
{
	return str_find(s, c) >= 0;
}

bool
str_is_ascii(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

ptrdiff_t
str_find(struct str s, char c)
{
	const char *at = s.len == 0 ? NULL : memchr(s.p, c, s.len);

	return at == NULL ? -1 : at - s.p;
}

ptrdiff_t
str_find_last(struct str s, char c)
{
	const char *at = s.len == 0 ? NULL : memrchr(s.p, c, s.len);

	return at == NULL ? -1 : at - s.p;
}

ptrdiff_t
str_find_str(struct str s, struct str needle)
{
	const char *at;

	if (needle.len == 0)
		return 0;
	if (s.len == 0)
		return -1;
	at = memmem(s.p, s.len, needle.p, needle.len);
	return at == NULL ? -1 : at - s.p;
}

struct str
str_sub(struct str s, size_t from, size_t len)
{
	if (from > s.len)
		from = s.len;
	if (len > s.len - from)
		len = s.len - from;
	return (struct str){s.p + from, len};
}

struct str
str_from(struct str s, size_t from)
{
	return str_sub(s, from, s.len);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str
str_trim(struct str s)
{
	while (s.len > 0 && is_space(s.p[0]))
		s = str_from(s, 1);
	while (s.len > 0 && is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

bool
str_cut(struct str s, char at, struct str *ret_head, struct str *ret_tail)
{
	ptrdiff_t i = str_find(s, at);
	size_t len = i < 0 ? s.len : (size_t)i;

	if (ret_head != NULL)
		*ret_head = str_sub(s, 0, len);
	if (ret_tail != NULL)
		*ret_tail = str_from(s, len + 1);
	return i >= 0;
}

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

struct str
str_word(struct str *rest, const char *seps)
{
	struct str s = *rest;
	size_t n = 0;

	while (s.len > 0 && is_one_of(s.p[0], seps))
		s = str_from(s, 1);
	while (n < s.len && !is_one_of(s.p[n], seps))
		n++;
	*rest = str_from(s, n);
	return str_sub(s, 0, n);
}

bool
str_line(struct str *rest, struct str *ret_line)
{
	struct str line;

	if (rest->len == 0)
		return false;
	str_cut(*rest, '\n', &line, rest);
	if (line.len > 0 && line.p[line.len - 1] == '\r')
		line.len--;
	*ret_line = line;
	return true;
}

int
str_parse_u64(struct str s, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (s.len == 0)
		return -EINVAL;
	for (size_t i = 0; i < s.len; i++)
		if (!str_is_digit_char(s.p[i]))
			return -EINVAL;
	for (size_t i = 0; i < s.len; i++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v) ||
		    v > max)
			return -ERANGE;
	*ret = v;
	return 0;
}

size_t
str_shown_len(struct str s)
{
	unsigned char lead = (unsigned char)s.p[0], next;
	size_t n = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;

	if (lead < 0x80)
		return lead >= ' ' && lead != 0x7f;
	if (lead < 0xc2 || lead > 0xf4 || s.len < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if (((unsigned char)s.p[i] & 0xc0) != 0x80)
			return 0;
	next = (unsigned char)s.p[1];
	if ((lead == 0xc2 && next < 0xa0) || (lead == 0xe0 && next < 0xa0) ||
	    (lead == 0xed && next > 0x9f) || (lead == 0xf0 && next < 0x90) ||
	    (lead == 0xf4 && next > 0x8f))
		return 0;
	return n;
}
