/* SPDX-License-Identifier: ISC */
/* addr_path - the paths of MAIL FROM and RCPT TO.  Owns nothing. */
#include "mail/addr_reader.h"

#include <errno.h>

int
addr_parse_path(struct str s, bool strict, struct arena *a, struct addr *ret,
    size_t *ret_used, const char **ret_why)
{
	struct addr_reader r = {.in = s};
	bool angle = addr_reader_peek(&r) == '<';

	if (angle)
		r.at++;
	else if (strict)
		addr_reader_refuse(&r, "address is not in <>");
	if (r.why == NULL && addr_reader_spec(&r) == 0) {
		if (angle && addr_reader_peek(&r) != '>')
			addr_reader_refuse(&r, "address has no > at its end");
		else if (!angle && addr_reader_peek(&r) >= 0 &&
			 addr_reader_peek(&r) != ' ')
			addr_reader_refuse(&r, "not an address");
		else if (!angle && r.len == 0)
			addr_reader_refuse(&r, "no address");
	}
	if (r.why != NULL || addr_reader_finish(&r, a, ret) < 0) {
		*ret_why = r.why;
		return -EINVAL;
	}
	*ret_used = r.at + (angle ? 1 : 0);
	return 0;
}
