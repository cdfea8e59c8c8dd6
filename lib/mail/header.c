/* SPDX-License-Identifier: ISC */
/* header - fields of a header section.  Owns nothing. */
#include "mail/header.h"

#include <errno.h>

bool
header_is_folded(struct str line)
{
	return line.len > 0 && str_is_blank_char(line.p[0]);
}

bool
header_parse_line(struct str line, struct header *ret)
{
	struct str name = line;
	ptrdiff_t colon = str_find(str_sub(line, 0, HEADER_NAME_MAX + 2), ':');

	if (colon <= 0 || header_is_folded(line))
		return false;
	name.len = (size_t)colon;
	while (name.len > 0 && str_is_blank_char(name.p[name.len - 1]))
		name.len--;
	if (name.len > HEADER_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f)
			return false;
	*ret = (struct header){
	    .name = name,
	    .value = str_from(line, (size_t)colon + 1),
	    .whole = line,
	};
	return true;
}

/* The line at the front of `s`, and with its LF how long it is. */
static struct str
first_line(struct str s, size_t *ret_taken)
{
	ptrdiff_t eol = str_find(s, '\n');

	*ret_taken = eol < 0 ? s.len : (size_t)eol + 1;
	return str_sub(s, 0, eol < 0 ? s.len : (size_t)eol);
}

bool
header_next(struct str *rest, struct header *ret)
{
	struct str tail = *rest, line;
	size_t taken, end;
	struct header h;

	line = first_line(tail, &taken);
	if (!header_parse_line(line, &h))
		return false;
	end = line.len;
	for (tail = str_from(tail, taken); header_is_folded(tail);
	     tail = str_from(tail, taken)) {
		line = first_line(tail, &taken);
		end = (size_t)(line.p - rest->p) + line.len;
	}
	h.whole = str_sub(*rest, 0, end);
	h.value = str_from(h.whole, (size_t)(h.value.p - h.whole.p));
	*rest = tail;
	*ret = h;
	return true;
}

int
header_unfold(struct str value, struct buf *out)
{
	struct str line;
	bool again = false;

	while (str_line(&value, &line)) {
		line = str_trim(line);
		if (line.len == 0)
			continue;
		if (again && buf_add_char(out, ' ') < 0)
			return -EMSGSIZE;
		if (buf_add_str(out, line) < 0)
			return -EMSGSIZE;
		again = true;
	}
	return 0;
}
