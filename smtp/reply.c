/* SPDX-License-Identifier: ISC */
/* reply - a server's words, one line at a time. */
#include "reply.h"

#include <stdio.h>
#include <string.h>

#define CODE_LENGTH 3

void
reply_init(struct reply *r)
{
	*r = (struct reply){.code = 0};
	buf_init(&r->text, REPLY_TEXT_MAX);
}

void
reply_reset(struct reply *r)
{
	r->code = 0;
	r->dsn[0] = '\0';
	r->lines = 0;
	buf_reset(&r->text);
}

void
reply_done(struct reply *r)
{
	buf_done(&r->text);
}

static size_t
count_digits(struct str s, size_t at, size_t max)
{
	size_t n = 0;

	while (n < max && at + n < s.len && str_is_digit_char(s.p[at + n]))
		n++;
	return n;
}

size_t
reply_dsn_length(struct str s)
{
	size_t at = 1;

	if (s.len < 5 || !strchr("245", s.p[0]) || s.p[0] == '\0')
		return 0;
	for (int part = 0; part < 2; part++) {
		if (at >= s.len || s.p[at] != '.')
			return 0;
		size_t n = count_digits(s, at + 1, 3);
		if (n == 0)
			return 0;
		at += 1 + n;
	}
	return at == s.len || str_is_blank_char(s.p[at]) ? at : 0;
}

/* SECURITY: replies are quoted in log lines and notifications, where a CR, an
 * LF or a NUL would make two of one; and a server's tab, its escape, or what is
 * no UTF-8, is not worth keeping either. */
static void
keep(struct reply *r, struct str line)
{
	if (r->text.len > 0)
		buf_add_char(&r->text, '\n');
	if (line.len > REPLY_TEXT_MAX - r->text.len)
		line.len = REPLY_TEXT_MAX - r->text.len;
	buf_add_shown(&r->text, line);
}

static bool
parse_code(struct str line, unsigned *ret)
{
	if (count_digits(line, 0, CODE_LENGTH + 1) != CODE_LENGTH ||
	    line.p[0] < '2' || line.p[0] > '5')
		return false;
	if (line.len > CODE_LENGTH && line.p[CODE_LENGTH] != ' ' &&
	    line.p[CODE_LENGTH] != '-')
		return false;
	*ret = (unsigned)(line.p[0] - '0') * 100 +
	       (unsigned)(line.p[1] - '0') * 10 + (unsigned)(line.p[2] - '0');
	return true;
}

/* The first line's enhanced code, when it is of the reply's class. */
static void
set_dsn(struct reply *r, struct str line)
{
	struct str text = str_from(line, CODE_LENGTH + 1);
	size_t n = reply_dsn_length(text);
	char class = line.p[0];

	if (r->dsn[0] == class)
		return;
	if (n > 0 && text.p[0] == class)
		snprintf(r->dsn, sizeof(r->dsn), "%.*s", (int)n, text.p);
	else
		snprintf(r->dsn, sizeof(r->dsn), "%c.0.0", class);
}

enum reply_step
reply_add(struct reply *r, struct str line)
{
	unsigned code;

	keep(r, line);
	if (!parse_code(line, &code) || ++r->lines > REPLY_LINES_MAX)
		return REPLY_BAD;
	r->code = code;
	set_dsn(r, line);
	return line.len > CODE_LENGTH && line.p[CODE_LENGTH] == '-'
	           ? REPLY_MORE
	           : REPLY_DONE;
}

bool
reply_is_positive(const struct reply *r)
{
	return r->code / 100 == 2;
}
