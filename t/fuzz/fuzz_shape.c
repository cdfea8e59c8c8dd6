/* SPDX-License-Identifier: ISC */
/* Any bytes as a value: refused, or a value that encodes to the same bytes. */
#define SAMPLE_ROWS_MAX 50
#include "../unit/base/shape_sample.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data, size};
	struct outer value;
	struct arena a;
	struct buf b;
	const char *why;

	arena_init(&a, 1 << 20);
	buf_init(&b, size);
	if (shape_decode(&outer_shape, in, &a, &value, &why) == 0) {
		assert(shape_encode(&outer_shape, &value, &b) == 0);
		assert(str_eq(buf_str(&b), in));
	}
	buf_done(&b);
	arena_done(&a);
	return 0;
}
