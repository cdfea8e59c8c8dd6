/* SPDX-License-Identifier: ISC */
/* Any bytes as content, cut anywhere: the same comes out as uncut, without a
 * CR, and nothing but CRLF.CRLF ends it. */
#include "data.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
	struct data state;
	char *out;
	size_t len;
};

static struct result
parse(struct str in, size_t step)
{
	struct result r = {.out = malloc(2 * in.len + DATA_EXTRA)};

	assert(r.out != NULL);
	data_init(&r.state);
	for (size_t at = 0; at < in.len && r.state.state != DATA_ENDED;) {
		struct str block = str_sub(in, at, step);
		size_t len, used;

		used = data_parse(&r.state, block, r.out + r.len, &len);
		assert(len <= block.len + DATA_EXTRA);
		r.len += len;
		at += used;
	}
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in;
	struct result whole, cut;
	size_t step;

	if (size < 2)
		return 0;
	step = 1 + data[0] % 16;
	in = str_n((const char *)data + 1, size - 1);
	whole = parse(in, in.len);
	cut = parse(in, step);
	assert(whole.len == cut.len);
	assert(memcmp(whole.out, cut.out, cut.len) == 0);
	assert(whole.state.state == cut.state.state);
	assert(whole.state.size == cut.state.size);
	assert(whole.state.bare_lf == cut.state.bare_lf);
	assert(whole.state.bare_cr == cut.state.bare_cr);
	assert(memchr(whole.out, '\r', whole.len) == NULL);
	if (whole.state.state == DATA_ENDED) {
		size_t end = whole.state.size;

		assert(end >= 3 && memcmp(in.p + end - 3, ".\r\n", 3) == 0);
		assert(end == 3 || memcmp(in.p + end - 5, "\r\n", 2) == 0);
	}
	free(whole.out);
	free(cut.out);
	return 0;
}
