/* SPDX-License-Identifier: ISC */
/* A policy server's reply, and an endpoint as main.cf names it. */
#include "policy.h"

#include "net/endpoint.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_n((const char *)data, size), line, rest = text;
	struct policy_reply reply = {.action = STR_NONE};
	struct endpoint e;
	struct arena a;
	const char *why;
	int r = 0;

	arena_init(&a, 2 * size + 4096);
	while (r == 0 && str_line(&rest, &line))
		r = policy_reply_line(&reply, line, &a);
	assert(r != 1 || reply.has_action);
	assert(!str_has_char(reply.action, '\n'));
	if (endpoint_parse(text, &e, &why) == 0)
		assert(e.kind == ENDPOINT_INET ? e.host.len > 0 && e.port > 0
					       : e.name.len > 0);
	arena_done(&a);
	return 0;
}
