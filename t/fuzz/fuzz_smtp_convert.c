/* SPDX-License-Identifier: ISC */
/*
 * Any message, taken apart and made 7-bit: in one block and in blocks of the
 * first byte's length the same comes out, and nothing in it needs to be
 * converted again.
 */
#include "wire.h"

#include "convert.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* False: not needed. */
static bool
convert(struct str text, size_t block, struct buf *ret)
{
	struct convert *c = convert_new();
	struct body body;

	for (size_t at = 0; at < text.len; at += block)
		convert_survey(c, str_sub(text, at, block));
	convert_surveyed(c);
	bool needed = convert_is_needed(c);
	if (needed) {
		buf_reset(&wire_out.out);
		body_init(&body, &wire_out, 0);
		convert_begin(c, &body);
		for (size_t at = 0; at < text.len; at += block)
			if (convert_write(c, str_sub(text, at, block)) != 0)
				abort();
		if (convert_end(c) != 0)
			abort();
		wire_unstuff(buf_str(&wire_out.out), ret);
	}
	convert_free(&c);
	return needed;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	BUF_CLEANUP struct buf once = {0}, cut = {0}, twice = {0};
	static bool is_open;

	if (!is_open && wire_begin(NULL) != 0)
		abort();
	is_open = true;
	if (n < 2 || n > 8192) /* three times as much fits the stream */
		return 0;
	struct str text = str_n((const char *)bytes + 1, n - 1);
	buf_init(&once, 1 << 20);
	buf_init(&cut, 1 << 20);
	buf_init(&twice, 1 << 20);
	bool needed = convert(text, text.len, &once);
	if (needed != convert(text, 1 + bytes[0], &cut) ||
	    !str_eq(buf_str(&once), buf_str(&cut)))
		abort();
	if (needed && convert(buf_str(&once), once.len, &twice))
		abort();
	return 0;
}
