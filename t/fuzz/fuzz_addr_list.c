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

/* All of them become one, and none is left over. */
static bool
map(void *arg, struct addr from, struct arena *a, struct addr *ret)
{
	(*(size_t *)arg)++;
	(void)a;
	return !str_eq(from.text, STR("x@y")) &&
	       addr_parse(STR("x@y"), ret) == 0;
}

static void
try_map(struct str in)
{
	size_t n = 0, again = 0;
	struct arena a;
	struct buf once, twice;

	arena_init(&a, 1 << 20);
	buf_init(&once, 4 * in.len + 16);
	buf_init(&twice, 4 * in.len + 16);
	if (addr_map_list(in, &a, map, &n, &once) == 0) {
		assert(addr_map_list(buf_str(&once), &a, map, &again, &twice) ==
		       0);
		assert(n == again);
		assert(str_eq(buf_str(&once), buf_str(&twice)));
	}
	buf_done(&once);
	buf_done(&twice);
	arena_done(&a);
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
	try_map(in);
	return 0;
}
