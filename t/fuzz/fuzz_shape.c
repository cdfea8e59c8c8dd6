/* SPDX-License-Identifier: ISC */
/* Any bytes as a value: refused, or a value that encodes to the same bytes. */
#include "base/shape.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct inner {
	struct str word;
	uint64_t n;
};
static const struct field inner_fields[] = {
    SHAPE_LINE(struct inner, word, 10),
    SHAPE_U64(struct inner, n, 1000),
};
static const struct shape inner_shape =
    SHAPE("inner", struct inner, inner_fields);

struct outer {
	int64_t when;
	struct str text;
	struct inner one;
	struct rows many;
};
static const struct field outer_fields[] = {
    SHAPE_I64(struct outer, when, INT64_MAX),
    SHAPE_STR(struct outer, text, 100),
    SHAPE_ONE(struct outer, one, &inner_shape),
    SHAPE_ROWS(struct outer, many, 50, &inner_shape),
};
static const struct shape outer_shape =
    SHAPE("outer", struct outer, outer_fields);

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
