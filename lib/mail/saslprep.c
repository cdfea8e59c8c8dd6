/* SPDX-License-Identifier: ISC */
/* saslprep - over libidn. */
#include "mail/saslprep.h"

#include <errno.h>
#include <string.h>
#include <stringprep.h>

static bool
is_ascii(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < ' ' || s.p[i] > '~')
			return false;
	return true;
}

static int
prepare(char text[SASLPREP_MAX + 1], struct buf *out)
{
	int r = stringprep(text, SASLPREP_MAX + 1, 0, stringprep_saslprep);

	if (r == STRINGPREP_TOO_SMALL_BUFFER)
		return -EMSGSIZE;
	if (r != STRINGPREP_OK || *text == '\0')
		return -EINVAL;
	return buf_add_c(out, text);
}

int
saslprep(struct str in, struct buf *out)
{
	char text[SASLPREP_MAX + 1];
	int r;

	if (in.len > SASLPREP_MAX)
		return -EMSGSIZE;
	if (in.len == 0 || str_has_char(in, '\0'))
		return -EINVAL;
	if (is_ascii(in))
		return buf_add_str(out, in);
	memcpy(text, in.p, in.len);
	text[in.len] = '\0';
	r = prepare(text, out);
	explicit_bzero(text, sizeof(text));
	return r;
}

int
saslprep_or_same(struct str in, struct buf *out)
{
	size_t len = out->len;

	if (saslprep(in, out) == 0)
		return 0;
	buf_cut(out, len);
	return buf_add_str(out, in);
}
