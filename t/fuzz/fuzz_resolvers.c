/* SPDX-License-Identifier: ISC */
/* Any text as a resolv.conf, and as dns_resolvers: what is taken of it are
 * addresses, which dns_resolvers could name as well. */
#include "resolver.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct resolvers *r)
{
	assert(r->n <= RESOLVER_MAX);
	for (size_t i = 0; i < r->n; i++) {
		BUF_CLEANUP struct buf why = {0};
		struct resolvers again;

		buf_init(&why, 1000);
		assert(
		    resolvers_parse(&again, str_c(r->list[i].text), &why) == 0);
		assert(again.n == 1 &&
		       strcmp(again.list[0].text, r->list[i].text) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_n((const char *)data, size);
	BUF_CLEANUP struct buf why = {0};
	struct resolvers r;

	buf_init(&why, 2 * size + 1000);
	resolvers_parse_file(&r, text);
	assert(r.n > 0);
	check(&r);
	if (resolvers_parse(&r, text, &why) == 0)
		check(&r);
	return 0;
}
