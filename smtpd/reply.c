/* SPDX-License-Identifier: ISC */
/* reply - lines to the client. */
#include "reply.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/task.h"

#include <stdarg.h>

/* SECURITY: a reply may quote what a client, a table or the DNS said. */
static void
clean(struct buf *b)
{
	for (size_t i = 0; i < b->len; i++) {
		unsigned char c = (unsigned char)b->p[i];

		if (c < ' ' || c == 0x7f)
			b->p[i] = '?';
	}
}

static void
send_line(struct session *s, struct buf *line)
{
	int r;

	clean(line);
	r = stream_write(&s->stream, buf_str(line));
	if (r == 0)
		r = stream_write(&s->stream, STR("\r\n"));
	if (r < 0)
		session_fail(s, r);
}

/* Errors beyond the soft limit cost time, here and at the client. */
static void
count_error(struct session *s)
{
	const struct server *server = s->server;

	s->errors++;
	s->refusals++;
	if (s->errors <= server->soft_errors || server->error_sleep == 0)
		return;
	reply_flush(s);
	task_sleep(clock_after(server->error_sleep));
}

void
reply(struct session *s, const char *fmt, ...)
{
	struct buf line BUF_CLEANUP;
	va_list ap;

	buf_init(&line, 16 * 1024);
	va_start(ap, fmt);
	buf_vaddf(&line, fmt, ap);
	va_end(ap);
	if (line.len > REPLY_LINE_MAX - 2)
		buf_cut(&line, REPLY_LINE_MAX - 2);
	if (line.p[0] == '4' || line.p[0] == '5')
		count_error(s);
	send_line(s, &line);
}

void
reply_line(struct session *s, unsigned code, bool last, struct str text)
{
	struct buf line BUF_CLEANUP;

	buf_init(&line, REPLY_LINE_MAX - 2);
	buf_addf(&line, "%03u%c", code, last ? ' ' : '-');
	buf_add_str(&line, str_sub(text, 0, REPLY_LINE_MAX - 2 - line.len));
	send_line(s, &line);
}

void
reply_flush(struct session *s)
{
	int r = stream_flush(&s->stream);

	if (r < 0)
		session_fail(s, r);
}
