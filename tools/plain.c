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
	while (s.len > 0) {
		size_t n = str_shown_len(s);

		if (n > 0)
			fwrite(s.p, 1, n, out);
		else
			fputc('?', out);
		s = str_from(s, n > 0 ? n : 1);
	}
}
