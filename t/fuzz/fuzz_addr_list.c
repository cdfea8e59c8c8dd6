/* SPDX-License-Identifier: ISC */
/* Any bytes as a header's address list. */
#include "mail/addr.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(void *arg, struct addr a, struct str name)
{
	struct addr again;

	(void)name;
	(*(size_t *)arg)++;
	assert(a.text.len > 0 && addr_parse(a.text, &again) == 0);
	assert(str_eq(a.local, again.local) && str_eq(a.domain, again.domain));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data, size};
	struct arena a;
	struct buf b;
	size_t seen = 0;
	int r;

	arena_init(&a, 1 << 20);
	r = addr_parse_list(in, 100, &a, look, &seen);
	assert(r < 0 || (size_t)r == seen);
	buf_init(&b, size);
	if (addr_complete_list(in, STR_NONE, STR_NONE, &b) == 0)
		assert(str_eq(buf_str(&b), in));
	buf_done(&b);
	arena_done(&a);
	return 0;
}
