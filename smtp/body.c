/* SPDX-License-Identifier: ISC */
/* body - content on its way through DATA. */
#include "body.h"

#include <string.h>

void
body_init(struct body *b, struct stream *out, size_t line_limit)
{
	*b = (struct body){
	    .out = out, .line_limit = line_limit > 1 ? line_limit : 0};
}

/* SECURITY: no bare CR ever leaves this host (SMTP smuggling). */
static int
write_clean(struct body *b, struct str s)
{
	struct str head, tail;

	while (str_cut(s, '\r', &head, &tail)) {
		int e = stream_write(b->out, head);
		if (e == 0)
			e = stream_write(b->out, STR(" "));
		if (e != 0)
			return e;
		s = tail;
	}
	return stream_write(b->out, head);
}

/* A part of a line, or all of it, without its end. */
static int
write_part(struct body *b, struct str part)
{
	int e = 0;

	if (b->column == 0 && part.len > 0 && part.p[0] == '.')
		e = stream_write(b->out, STR("."));
	while (e == 0 && b->line_limit > 0 &&
	       part.len > b->line_limit - b->column) {
		size_t room = b->line_limit - b->column;
		e = write_clean(b, str_sub(part, 0, room));
		if (e == 0)
			e = stream_write(b->out, STR("\r\n "));
		part = str_from(part, room);
		b->column = 1;
	}
	if (e == 0)
		e = write_clean(b, part);
	b->column += part.len;
	return e;
}

int
body_write(struct body *b, struct str bytes)
{
	while (bytes.len > 0) {
		struct str line;
		bool ended = str_cut(bytes, '\n', &line, &bytes);
		int e = write_part(b, line);
		if (e == 0 && ended)
			e = stream_write(b->out, STR("\r\n"));
		if (e != 0)
			return e;
		if (ended)
			b->column = 0;
	}
	return 0;
}

int
body_end(struct body *b)
{
	int e = b->column > 0 ? stream_write(b->out, STR("\r\n")) : 0;

	b->column = 0;
	return e != 0 ? e : stream_write(b->out, STR(".\r\n"));
}
