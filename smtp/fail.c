/* SPDX-License-Identifier: ISC */
/* fail - reasons, kept in one place until they are final. */
#include "fail.h"

#include <string.h>

void
fail_init(struct fail *f)
{
	f->dsn[0] = '\0';
	buf_init(&f->text, OUTCOME_TEXT_MAX);
	buf_init(&f->diagnostic, OUTCOME_TEXT_MAX);
}

void
fail_done(struct fail *f)
{
	buf_done(&f->text);
	buf_done(&f->diagnostic);
}

void
fail_reset(struct fail *f)
{
	f->dsn[0] = '\0';
	buf_reset(&f->text);
	buf_reset(&f->diagnostic);
}

/* Up to the bound: a text that is too long is cut, not refused. */
static void
add_cut(struct buf *b, struct str s)
{
	buf_add_str(b, str_sub(s, 0, b->max - b->len));
}

void
fail_set(struct fail *f, const char *dsn, const char *fmt, ...)
{
	BUF_CLEANUP struct buf all = {0};
	va_list ap;

	buf_init(&all, 8 * OUTCOME_TEXT_MAX);
	fail_reset(f);
	strlcpy(f->dsn, dsn, sizeof(f->dsn));
	va_start(ap, fmt);
	buf_vaddf(&all, fmt, ap);
	va_end(ap);
	add_cut(&f->text, buf_str(&all));
}

/* The lines of a reply on one. */
static void
add_reply(struct buf *b, const struct reply *r)
{
	struct str text = buf_str(&r->text), line;
	bool first = true;

	while (text.len > 0) {
		str_cut(text, '\n', &line, &text);
		if (!first)
			add_cut(b, STR(" "));
		add_cut(b, line);
		first = false;
	}
}

static void
start(struct fail *f, const struct reply *r)
{
	fail_reset(f);
	strlcpy(f->dsn, r->dsn, sizeof(f->dsn));
	add_reply(&f->diagnostic, r);
}

void
fail_said(struct fail *f, const struct reply *r, const char *name,
    const char *command)
{
	BUF_CLEANUP struct buf tail = {0};
	BUF_CLEANUP struct buf reply = {0};

	buf_init(&tail, 100);
	buf_init(&reply, OUTCOME_TEXT_MAX);
	start(f, r);
	buf_addf(&tail, " (in reply to %s)", command);
	buf_addf(&f->text, "host %s said: ", name);
	add_reply(&reply, r);
	/* The command is worth more than the end of a long reply. */
	size_t room = f->text.max - f->text.len - tail.len;
	buf_add_str(&f->text, str_sub(buf_str(&reply), 0, room));
	buf_add_str(&f->text, buf_str(&tail));
}

void
fail_refused(struct fail *f, const struct reply *r, const char *name)
{
	start(f, r);
	buf_addf(&f->text, "host %s refused to talk to me: ", name);
	add_reply(&f->text, r);
}

void
fail_login(struct fail *f, const struct reply *r, const char *name)
{
	start(f, r);
	buf_addf(
	    &f->text, "SASL authentication failed; server %s said: ", name);
	add_reply(&f->text, r);
}

void
fail_tls(struct fail *f, const struct reply *r, const char *name)
{
	start(f, r);
	fail_soften(f, "4.7.4");
	buf_addf(&f->text,
	    "TLS is required, but host %s refused to start TLS: ", name);
	add_reply(&f->text, r);
}

void
fail_quote(struct fail *f, const struct reply *r)
{
	start(f, r);
	add_reply(&f->text, r);
}

bool
fail_is_set(const struct fail *f)
{
	return f->dsn[0] != '\0';
}

bool
fail_is_hard(const struct fail *f)
{
	return f->dsn[0] == '5';
}

void
fail_soften(struct fail *f, const char *dsn)
{
	strlcpy(f->dsn, dsn, sizeof(f->dsn));
}
