/* SPDX-License-Identifier: ISC */
/* reply - lines to the client. */
#include "reply.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/task.h"
#include "trouble.h"

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

	if (line->len > REPLY_LINE_MAX - 2)
		buf_cut(line, REPLY_LINE_MAX - 2);
	clean(line);
	trouble_said(s, buf_str(line));
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

/*
 * smtpd_reject_footer: behind a "\\c" on the same line, else on a line of its
 * own with the same codes.
 */
static void
add_footer(struct session *s, struct buf *line)
{
	struct str footer =
	    conf_str(s->server->conf, PARAM_smtpd_reject_footer);
	struct str rest = str_from(buf_str(line), 4);
	struct str dsn = str_word(&rest, " ");

	if (footer.len == 0 || line->len < 4)
		return;
	if (str_has_prefix(footer, STR("\\c"))) {
		buf_add_str(line, str_from(footer, 2));
		return;
	}
	line->p[3] = '-';
	send_line(s, line);
	rest = arena_strf(&s->scratch, "%.3s %.*s %.*s", line->p, STR_ARG(dsn),
	    STR_ARG(footer));
	buf_reset(line);
	buf_add_str(line, rest);
}

void
reply(struct session *s, const char *fmt, ...)
{
	BUF_CLEANUP struct buf line = {0};
	va_list ap;

	buf_init(&line, 16 * 1024);
	va_start(ap, fmt);
	buf_vaddf(&line, fmt, ap);
	va_end(ap);
	if (line.p[0] == '4' || line.p[0] == '5') {
		count_error(s);
		add_footer(s, &line);
	}
	send_line(s, &line);
}

void
reply_line(struct session *s, unsigned code, bool last, struct str text)
{
	BUF_CLEANUP struct buf line = {0};

	buf_init(&line, REPLY_LINE_MAX - 2);
	buf_addf(&line, "%03u%c", code, last ? ' ' : '-');
	buf_add_str(&line, str_sub(text, 0, REPLY_LINE_MAX - 2 - line.len));
	send_line(s, &line);
}

void
reply_challenge(struct session *s, struct str challenge)
{
	int r = stream_writef(&s->stream, "334 %.*s\r\n", STR_ARG(challenge));

	if (r < 0)
		session_fail(s, r);
}

void
reply_flush(struct session *s)
{
	int r = stream_flush(&s->stream);

	if (r < 0)
		session_fail(s, r);
}
