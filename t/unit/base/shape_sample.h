/* SPDX-License-Identifier: ISC */
/*
 * shape_sample - a value with a field of every kind, for the tests of what is
 * done with shapes.  Who includes it says how many rows there may be.
 */
#ifndef SHAPE_SAMPLE_H
#define SHAPE_SAMPLE_H

#include "base/shape.h"

#ifndef SAMPLE_ROWS_MAX
#define SAMPLE_ROWS_MAX 3
#endif

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
    SHAPE_ROWS(struct outer, many, SAMPLE_ROWS_MAX, &inner_shape),
};
static const struct shape outer_shape =
    SHAPE("outer", struct outer, outer_fields);

#endif
