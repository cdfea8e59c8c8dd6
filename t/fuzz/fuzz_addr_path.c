/* SPDX-License-Identifier: ISC */
/* Any bytes as a path: refused, or an address that survives being written
 * and read again. */
#include "mail/addr.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data, size};
	struct addr first, again;
	struct arena a;
	struct buf b;
	const char *why;
	size_t used;

	arena_init(&a, 8192);
	buf_init(&b, ADDR_MAX * 2 + 4);
	if (addr_parse_path(in, size % 2 == 0, &a, &first, &used, &why) == 0) {
		assert(used <= size && first.text.len <= ADDR_MAX);
		buf_add_char(&b, '<');
		assert(addr_format(first, &b) == 0);
		buf_add_char(&b, '>');
		assert(addr_parse_path(
			   buf_str(&b), true, &a, &again, &used, &why) == 0);
		assert(used == b.len && str_eq(first.text, again.text) &&
		       str_eq(first.local, again.local));
	}
	buf_done(&b);
	arena_done(&a);
	return 0;
}
