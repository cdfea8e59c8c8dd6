/* SPDX-License-Identifier: ISC */
/* rewrite - addresses made whole.  Owns nothing. */
#include "mail/rewrite.h"

struct rewrite
rewrite_of(const struct conf *c)
{
	struct rewrite w = {STR_NONE, STR_NONE};

	if (conf_bool(c, PARAM_append_at_myorigin))
		w.origin = conf_str(c, PARAM_myorigin);
	if (conf_bool(c, PARAM_append_dot_mydomain))
		w.mydomain = conf_str(c, PARAM_mydomain);
	return w;
}

static struct addr
append(struct addr addr, const char *sign, struct str tail, struct arena *a)
{
	struct addr longer;
	struct str text =
	    arena_join(a, arena_join(a, addr.text, str_c(sign)), tail);

	return addr_parse(text, &longer) == 0 ? longer : addr;
}

struct addr
rewrite_addr(const struct rewrite *w, struct addr addr, struct arena *a)
{
	if (addr_is_null(addr))
		return addr;
	if (addr.domain.len == 0 && w->origin.len > 0)
		addr = append(addr, "@", w->origin, a);
	if (addr.domain.len > 0 && w->mydomain.len > 0 &&
	    !addr_is_literal(addr.domain) && !str_has_char(addr.domain, '.'))
		addr = append(addr, ".", w->mydomain, a);
	return addr;
}
