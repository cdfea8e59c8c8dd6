/* SPDX-License-Identifier: ISC */
/* dsn - the values of the DSN extension, read and written. */
#include "mail/dsn.h"

#include "mail/bounds.h"
#include "mail/envelope.h"

#include <errno.h>

static int
hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool
is_printable(int c)
{
	return c >= ' ' && c < 0x7f;
}

/* A byte of xtext as it stands for itself. */
static bool
is_xchar(char c)
{
	return c > ' ' && c < 0x7f && c != '+' && c != '=';
}

int
dsn_xtext_decode(struct str in, struct arena *a, struct str *ret)
{
	char *text = arena_alloc(a, in.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < in.len; i++) {
		int c = (unsigned char)in.p[i];

		if (c == '+') {
			int high = i + 2 < in.len ? hex_of(in.p[i + 1]) : -1;
			int low = i + 2 < in.len ? hex_of(in.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -EINVAL;
			c = high << 4 | low;
			i += 2;
		} else if (!is_xchar(in.p[i])) {
			return -EINVAL;
		}
		/* SECURITY: it becomes part of a header. */
		if (!is_printable(c))
			return -EINVAL;
		text[n++] = (char)c;
	}
	*ret = str_n(text, n);
	return 0;
}

void
dsn_xtext_encode(struct str text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		if (is_xchar(text.p[i]))
			(void)buf_add_char(out, text.p[i]);
		else
			(void)buf_addf(out, "+%02X", (unsigned char)text.p[i]);
	}
}

int
dsn_ret_parse(struct str word, uint64_t *ret)
{
	if (str_eq_case(word, STR("FULL")))
		*ret = RET_FULL;
	else if (str_eq_case(word, STR("HDRS")))
		*ret = RET_HDRS;
	else
		return -EINVAL;
	return 0;
}

const char *
dsn_ret_word(uint64_t ret)
{
	return ret == RET_HDRS ? "HDRS" : "FULL";
}

static const struct {
	const char *word;
	enum notify bit;
} notify_words[] = {
    {"NEVER", NOTIFY_NEVER},
    {"SUCCESS", NOTIFY_SUCCESS},
    {"FAILURE", NOTIFY_FAILURE},
    {"DELAY", NOTIFY_DELAY},
};
#define NOTIFY_WORDS (sizeof(notify_words) / sizeof(notify_words[0]))

static uint64_t
notify_bit(struct str word)
{
	for (size_t i = 0; i < NOTIFY_WORDS; i++)
		if (str_eq_case(word, str_c(notify_words[i].word)))
			return notify_words[i].bit;
	return 0;
}

int
dsn_notify_parse(struct str list, uint64_t *ret)
{
	uint64_t bits = 0;
	struct str word;
	bool has_more = true;

	while (has_more) {
		uint64_t bit;

		has_more = str_cut(list, ',', &word, &list);
		bit = notify_bit(word);
		if (bit == 0)
			return -EINVAL;
		bits |= bit;
	}
	if ((bits & NOTIFY_NEVER) != 0 && bits != NOTIFY_NEVER)
		return -EINVAL;
	*ret = bits;
	return 0;
}

void
dsn_notify_format(uint64_t notify, struct buf *out)
{
	const char *comma = "";

	for (size_t i = 0; i < NOTIFY_WORDS; i++) {
		if ((notify & notify_words[i].bit) == 0)
			continue;
		(void)buf_addf(out, "%s%s", comma, notify_words[i].word);
		comma = ",";
	}
}

int
dsn_envid_parse(struct str value, struct arena *a, struct str *ret)
{
	struct str text;

	if (value.len == 0 || value.len > 3 * BOUND_ENVID ||
	    dsn_xtext_decode(value, a, &text) < 0 || text.len > BOUND_ENVID)
		return -EINVAL;
	*ret = text;
	return 0;
}

static bool
is_type(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!str_is_alnum_char(s.p[i]) && s.p[i] != '-')
			return false;
	return s.len > 0;
}

int
dsn_orcpt_parse(struct str value, struct arena *a, struct str *ret)
{
	struct str type, address;

	if (value.len > 3 * BOUND_ORCPT ||
	    !str_cut(value, ';', &type, &address) || !is_type(type) ||
	    address.len == 0 || dsn_xtext_decode(address, a, &address) < 0 ||
	    type.len + 1 + address.len > BOUND_ORCPT)
		return -EINVAL;
	*ret = arena_strf(a, "%.*s;%.*s", STR_ARG(type), STR_ARG(address));
	return 0;
}

int
dsn_orcpt_format(struct str orcpt, struct buf *out)
{
	struct str type, address;

	/* SECURITY: local users hand theirs in as they like. */
	if (!str_cut(orcpt, ';', &type, &address) || !is_type(type))
		return -EINVAL;
	(void)buf_addf(out, "%.*s;", STR_ARG(type));
	dsn_xtext_encode(address, out);
	return 0;
}

uint64_t
dsn_notify_of_members(uint64_t notify)
{
	if (notify == NOTIFY_SUCCESS)
		return NOTIFY_NEVER;
	return notify & ~(uint64_t)NOTIFY_SUCCESS;
}

struct str
dsn_cut_status(struct str *text)
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
