/* SPDX-License-Identifier: ISC */
/* Any bytes as the head of an exported message: what is parsed is printed
 * again and means the same.  The sums in front of it stop nobody who means
 * ill. */
#include "base/shape_text.h"
#include "mail/envelope.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct envelope e, again;
	struct buf why, text, other;
	struct arena a;

	arena_init(&a, 64 * (size + 65536));
	buf_init(&why, 4096);
	buf_init(&text, SIZE_MAX / 2);
	buf_init(&other, SIZE_MAX / 2);
	if (shape_parse(&envelope_shape, str_n((const char *)data, size), &a,
		&e, &why) == 0) {
		assert(shape_print(&envelope_shape, &e, &text) == 0);
		assert(shape_parse(&envelope_shape, buf_str(&text), &a, &again,
			   &why) == 0);
		assert(shape_print(&envelope_shape, &again, &other) == 0);
		assert(str_eq(buf_str(&text), buf_str(&other)));
	} else {
		assert(why.len > 0);
	}
	buf_done(&why);
	buf_done(&text);
	buf_done(&other);
	arena_done(&a);
	return 0;
}
