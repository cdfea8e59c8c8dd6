/* SPDX-License-Identifier: ISC */
/*
 * Any message, taken apart and made 7-bit: in one block and in blocks of the
 * first byte's length the same comes out, and nothing in it needs to be
 * converted again.
 */
#include "convert.h"

#include "base/task.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static struct stream *
open_stream(void)
{
	static struct stream s;
	static int fds[2];

	if (fds[1] != 0)
		return &s;
	if (loop_init() != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0 ||
	    stream_init(&s, fds[0]) != 0)
		abort();
	return &s;
}

/* Lines as the queue has them, without the dots of DATA. */
static void
unstuff(struct str wire, struct buf *ret)
{
	struct str line;

	while (wire.len > 0) {
		bool ended = str_cut(wire, '\n', &line, &wire);
		if (ended && line.len > 0)
			line.len--;
		if (str_has_prefix(line, STR(".")))
			line = str_from(line, 1);
		buf_add_str(ret, line);
		if (ended)
			buf_add_char(ret, '\n');
	}
}

/* False: not needed. */
static bool
convert(struct str text, size_t block, struct buf *ret)
{
	struct stream *s = open_stream();
	struct convert *c = convert_new();
	struct body body;

	for (size_t at = 0; at < text.len; at += block)
		convert_survey(c, str_sub(text, at, block));
	convert_surveyed(c);
	bool needed = convert_is_needed(c);
	if (needed) {
		buf_reset(&s->out);
		body_init(&body, s, 0);
		convert_begin(c, &body);
		for (size_t at = 0; at < text.len; at += block)
			if (convert_write(c, str_sub(text, at, block)) != 0)
				abort();
		if (convert_end(c) != 0)
			abort();
		unstuff(buf_str(&s->out), ret);
	}
	convert_free(&c);
	return needed;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	BUF_CLEANUP struct buf once = {0}, cut = {0}, twice = {0};

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
