/* SPDX-License-Identifier: ISC */
/* encode - bytes to ASCII. */
#include "encode.h"

#include <string.h>

void
encode_init(struct encode *e, struct body *out, bool is_base64)
{
	*e = (struct encode){.out = out, .is_base64 = is_base64};
}

bool
encode_is_special(char c)
{
	return c == '=' || (c < ' ' && c != '\t') || c == 0x7f ||
	       (unsigned char)c >= 0x80;
}

static int
write_line(struct encode *e, struct str end)
{
	int r = body_write(e->out, str_n(e->line, e->column));

	e->column = 0;
	return r != 0 ? r : body_write(e->out, end);
}

static void
add(struct encode *e, struct str text)
{
	memcpy(e->line + e->column, text.p, text.len);
	e->column += text.len;
}

/* ---- quoted-printable ---- */

/* One column is left for the '=' of a soft line break. */
static int
put_quoted(struct encode *e, struct str text)
{
	int r = 0;

	if (e->column + text.len > ENCODE_COLUMNS - 1)
		r = write_line(e, STR("=\n"));
	add(e, text);
	return r;
}

static int
put_special(struct encode *e, char c)
{
	static const char digits[] = "0123456789ABCDEF";
	const char text[] = {
	    '=', digits[(unsigned char)c >> 4], digits[c & 15]};

	return put_quoted(e, str_n(text, sizeof(text)));
}

/* Something stands behind the blank that was held: it may go as it is. */
static int
put_held(struct encode *e)
{
	size_t n = e->n;

	e->n = 0;
	return n > 0 ? put_quoted(e, str_n(e->held, 1)) : 0;
}

/* SECURITY: at the front of a line, which a soft line break may have put there,
 * it would begin a delimiter that was none. */
static bool
is_dash_in_front(const struct encode *e, char c)
{
	return c == '-' && (e->column == 0 || e->column == ENCODE_COLUMNS - 1);
}

static int
quote_byte(struct encode *e, char c)
{
	int r = put_held(e);

	if (r != 0)
		return r;
	if (encode_is_special(c) || is_dash_in_front(e, c))
		return put_special(e, c);
	if (!str_is_blank_char(c))
		return put_quoted(e, str_n(&c, 1));
	e->held[0] = c;
	e->n = 1;
	return 0;
}

/* Runs of plain text go in one piece, as far as the line has room. */
static size_t
plain_run(const struct encode *e, struct str s)
{
	size_t room = ENCODE_COLUMNS - 1 - e->column, n = 0;

	if (is_dash_in_front(e, s.p[0]))
		return 0;
	while (n < s.len && n < room && !encode_is_special(s.p[n]) &&
	       !str_is_blank_char(s.p[n]))
		n++;
	return n;
}

static int
quote(struct encode *e, struct str bytes)
{
	int r = 0;

	while (bytes.len > 0 && r == 0) {
		size_t n = e->n == 0 ? plain_run(e, bytes) : 0;
		if (n > 0)
			r = put_quoted(e, str_sub(bytes, 0, n));
		else
			r = quote_byte(e, bytes.p[0]);
		bytes = str_from(bytes, n > 0 ? n : 1);
	}
	return r;
}

/* RFC 2045 section 6.7 (3): a line does not end in a blank. */
static int
put_last_blank(struct encode *e)
{
	size_t n = e->n;

	e->n = 0;
	return n > 0 ? put_special(e, e->held[0]) : 0;
}

/* ---- base64 ---- */

static int
put_group(struct encode *e)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0;
	char text[4];

	for (size_t i = 0; i < 3; i++)
		bits = bits << 8 | (i < e->n ? (unsigned char)e->held[i] : 0);
	for (size_t i = 0; i < 4; i++)
		text[i] = i > e->n ? '=' : digits[bits >> (18 - 6 * i) & 63];
	e->n = 0;
	add(e, str_n(text, sizeof(text)));
	return e->column == ENCODE_COLUMNS ? write_line(e, STR("\n")) : 0;
}

static int
group(struct encode *e, struct str bytes)
{
	int r = 0;

	for (size_t i = 0; i < bytes.len && r == 0; i++) {
		e->held[e->n++] = bytes.p[i];
		if (e->n == 3)
			r = put_group(e);
	}
	return r;
}

static int
end_base64(struct encode *e)
{
	int r = e->n > 0 ? put_group(e) : 0;

	return r == 0 && e->column > 0 ? write_line(e, STR("\n")) : r;
}

/* ---- either ---- */

int
encode_bytes(struct encode *e, struct str bytes)
{
	return e->is_base64 ? group(e, bytes) : quote(e, bytes);
}

int
encode_line_end(struct encode *e)
{
	if (e->is_base64)
		return group(e, STR("\r\n"));
	int r = put_last_blank(e);
	return r != 0 ? r : write_line(e, STR("\n"));
}

int
encode_end(struct encode *e)
{
	if (e->is_base64)
		return end_base64(e);
	int r = put_last_blank(e);
	return r != 0 ? r : write_line(e, STR_NONE);
}
