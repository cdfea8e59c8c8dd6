/* SPDX-License-Identifier: ISC */
/* pattern - "/pattern/flags". */
#include "dict/pattern.h"

bool
pattern_cut(struct str *rest, struct str *ret_pattern, struct str *ret_flags,
    struct buf *why)
{
	struct str s = *rest;
	size_t end = 1, flags;

	if (s.len == 0 || str_is_alnum_char(s.p[0]) ||
	    str_is_blank_char(s.p[0]) || s.p[0] == '\\') {
		buf_add_c(why, "need /pattern/");
		return false;
	}
	while (end < s.len && s.p[end] != s.p[0])
		end += s.p[end] == '\\' ? 2 : 1;
	if (end >= s.len) {
		buf_addf(why, "no closing pattern delimiter: %c", s.p[0]);
		return false;
	}
	flags = end + 1;
	while (flags < s.len && !str_is_blank_char(s.p[flags]))
		flags++;
	*ret_pattern = str_sub(s, 1, end - 1);
	*ret_flags = str_sub(s, end + 1, flags - end - 1);
	*rest = str_from(s, flags);
	return true;
}
