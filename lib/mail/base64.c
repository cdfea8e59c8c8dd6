/* SPDX-License-Identifier: ISC */
/* base64 - three bytes as four characters, and back. */
#include "mail/base64.h"

#include <errno.h>

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t
base64_encoded_len(size_t n)
{
	return n / 3 * 4 + (n % 3 > 0 ? 4 : 0);
}

/* One to three bytes. */
static void
encode_group(struct str in, char *out)
{
	uint32_t v = 0;

	for (size_t i = 0; i < 3; i++)
		v = v << 8 | (i < in.len ? (unsigned char)in.p[i] : 0);
	for (size_t i = 0; i < 4; i++)
		out[i] = i <= in.len ? digits[v >> (18 - 6 * i) & 63] : '=';
}

int
base64_encode(struct str bytes, struct buf *out)
{
	size_t len = base64_encoded_len(bytes.len);
	char *to = buf_room(out, len);

	if (to == NULL)
		return -EMSGSIZE;
	for (size_t i = 0; i < bytes.len; i += 3, to += 4)
		encode_group(str_sub(bytes, i, 3), to);
	buf_grew(out, len);
	return 0;
}

/* 0 to 63, or -1. */
static int
digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters of which the last `pad` are '='. */
static int
decode_group(const char *in, size_t pad, char *out)
{
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++) {
		int d = i < 4 - pad ? digit_value(in[i]) : 0;
		if (d < 0)
			return -EINVAL;
		v = v << 6 | (uint32_t)d;
	}
	/* Section 3.5: the bits that stand for nothing are zero. */
	if ((v & ((1u << (8 * pad)) - 1)) != 0)
		return -EINVAL;
	for (size_t i = 0; i < 3 - pad; i++)
		out[i] = (char)(v >> (16 - 8 * i) & 0xff);
	return 0;
}

static size_t
count_padding(struct str text)
{
	if (str_has_suffix(text, STR("==")))
		return 2;
	return str_has_suffix(text, STR("=")) ? 1 : 0;
}

int
base64_decode(struct str text, struct buf *out)
{
	size_t groups = text.len / 4, pad = count_padding(text);

	if (text.len % 4 != 0)
		return -EINVAL;
	char *to = buf_room(out, 3 * groups - pad);
	if (to == NULL)
		return -EMSGSIZE;
	for (size_t i = 0; i < groups; i++, to += 3) {
		bool is_last = i + 1 == groups;
		if (decode_group(text.p + 4 * i, is_last ? pad : 0, to) != 0) {
			buf_cut(out, out->len);
			return -EINVAL;
		}
	}
	buf_grew(out, 3 * groups - pad);
	return 0;
}
