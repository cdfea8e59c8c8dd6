/* SPDX-License-Identifier: ISC */
/* lines - the logical lines of a table's text.  Owns the joined line. */
#include "dict/lines.h"

void
lines_init(struct lines *l, struct str text)
{
	*l = (struct lines){.rest = text};
	buf_init(&l->joined, text.len);
}

void
lines_done(struct lines *l)
{
	buf_done(&l->joined);
}

static bool
is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

static bool
says_nothing(struct str line)
{
	size_t i = 0;

	while (i < line.len && is_white(line.p[i]))
		i++;
	return i == line.len || line.p[i] == '#';
}

bool
lines_next(struct lines *l, struct str *ret_line)
{
	struct str ahead = l->rest, line;
	bool has_begun = false;

	buf_reset(&l->joined);
	while (str_line(&ahead, &line)) {
		bool is_text = !says_nothing(line);

		if (is_text && has_begun && !is_white(line.p[0]))
			break;
		l->read++;
		l->rest = ahead;
		if (!is_text)
			continue;
		if (!has_begun) {
			l->line = l->read;
			l->is_stray = is_white(line.p[0]);
		}
		has_begun = true;
		/* Cannot be full: it is never longer than the text. */
		buf_add_str(&l->joined, line);
	}
	*ret_line = str_trim(buf_str(&l->joined));
	return has_begun;
}

bool
lines_split(struct str line, struct str *ret_key, struct str *ret_value)
{
	bool is_quoted = false;
	size_t n = 0;

	for (; n < line.len; n++) {
		if (line.p[n] == '\\' && n + 1 < line.len)
			n++;
		else if (line.p[n] == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted && is_white(line.p[n]))
			break;
	}
	*ret_key = str_sub(line, 0, n);
	while (n < line.len && is_white(line.p[n]))
		n++;
	*ret_value = str_trim(str_from(line, n));
	return ret_key->len > 0 && ret_value->len > 0;
}
