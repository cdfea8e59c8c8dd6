/* SPDX-License-Identifier: ISC */
/* Any bytes as a message on its way in, by all rules: nothing is read twice
 * or lost, and what comes out is a header and a body again. */
#include "mail/repair.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
take(void *arg, struct addr a, bool is_resent)
{
	struct addr again;

	(void)is_resent;
	(*(size_t *)arg)++;
	assert(addr_parse(a.text, &again) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data, size}, line;
	size_t seen = 0, fed = 0;
	unsigned how = size == 0 ? 0 : data[0];
	struct repair_rule rule = {
	    .add_missing = (how & 1) != 0,
	    .is_local = (how & 2) != 0,
	    .complete = (how & 4) != 0,
	    .origin = STR("o.example"),
	    .mydomain = STR("d.example"),
	    .recipient = (how & 8) != 0 ? take : NULL,
	    .arg = &seen,
	    .field_max = 1000,
	    .id = STR("ID"),
	    .hostname = STR("h.example"),
	    .sender = STR("s@s.example"),
	    .full_name = STR("Name"),
	    .undisclosed = STR_NONE,
	};
	struct content_builder *out = content_builder_new(CONTENT_MAX);
	struct repair r;
	struct arena a;
	struct content *c;

	arena_init(&a, 16 << 20);
	repair_init(&r, &rule, out, &a);
	while (str_line(&in, &line) && !r.is_done) {
		repair_line(&r, line);
		fed++;
	}
	repair_end(&r);
	assert(r.is_done && r.hops <= fed && r.nloops <= fed);
	c = content_finish(&out);
	assert(c != NULL);
	assert(r.error != 0 || content_size(c) <= size * 12 + 4096);
	content_unref(&c);
	repair_done(&r);
	arena_done(&a);
	return 0;
}
