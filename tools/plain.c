/* SPDX-License-Identifier: ISC */
/* plain - text without control bytes. */
#include "plain.h"

void
plain_print(FILE *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		fputc(c < 0x20 || c == 0x7f ? '?' : c, out);
	}
}
