/* SPDX-License-Identifier: ISC */
/* plain - text without control bytes. */
#include "plain.h"

struct str
plain_cut(struct str s, unsigned width)
{
	unsigned columns = 0;

	for (size_t i = 0; i < s.len && width > 0; i++) {
		/* Bytes that go on with a character take no column. */
		if (((unsigned char)s.p[i] & 0xc0) == 0x80)
			continue;
		if (columns++ == width)
			return str_sub(s, 0, i);
	}
	return s;
}

void
plain_print(FILE *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		fputc(c < 0x20 || c == 0x7f ? '?' : c, out);
	}
}
