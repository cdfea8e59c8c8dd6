/* SPDX-License-Identifier: ISC */
/* Any bytes as a header section: the fields and what is left are the whole,
 * in order, and nothing is read twice. */
#include "mail/header.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data, size}, rest = in;
	const char *end = in.p;
	struct header h;
	struct buf b;

	buf_init(&b, size);
	while (header_next(&rest, &h)) {
		assert(h.whole.p == end);
		assert(h.name.p == h.whole.p && h.name.len > 0);
		assert(h.value.p + h.value.len == h.whole.p + h.whole.len);
		end = rest.p;
		buf_reset(&b);
		header_unfold(h.value, &b);
		assert(!str_has_char(buf_str(&b), '\n'));
	}
	assert(rest.p == end && rest.p + rest.len == in.p + size);
	buf_done(&b);
	return 0;
}
