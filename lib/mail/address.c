/* SPDX-License-Identifier: ISC */
/* address - an address as a key.  Owns nothing. */
#include "mail/address.h"

/* One key with the extension, then one without. */
struct keys {
	struct maps *maps;
	struct arena *arena;
	struct str user, ext; /* ext with its delimiter; empty: none */
	struct str *ret_value, *ret_ext;
};

/* `tail` is what stands behind the local part; `whole`: the first key is the
 * address itself. */
static enum find
find_with_tail(
    const struct keys *k, struct str local, struct str tail, bool whole)
{
	struct arena *a = k->arena;
	enum find found = maps_get_part(
	    k->maps, arena_join(a, local, tail), whole, a, k->ret_value);

	if (found != FIND_NO || k->ext.len == 0)
		return found;
	found = maps_get_part(
	    k->maps, arena_join(a, k->user, tail), false, a, k->ret_value);
	if (found == FIND_YES)
		*k->ret_ext = k->ext;
	return found;
}

enum find
address_find(const struct address_rule *rule, struct maps *m, struct addr addr,
    struct arena *a, struct str *ret_value, struct str *ret_ext)
{
	struct keys k = {m, a, .ret_value = ret_value, .ret_ext = ret_ext};
	struct str ignored, tail = str_from(addr.text, addr.local.len);
	enum find found;

	if (ret_ext == NULL)
		k.ret_ext = &ignored;
	*k.ret_ext = STR_NONE;
	if (maps_is_empty(m) || addr_is_null(addr))
		return FIND_NO;
	if (addr_split_ext(addr.local, rule->delimiters, &k.user, &ignored))
		k.ext = str_from(addr.local, k.user.len);
	found = find_with_tail(&k, addr.local, tail, true);
	if (found != FIND_NO || addr.domain.len == 0)
		return found;
	found = rule->is_local(rule->arg, addr.domain, a);
	if (found == FIND_YES)
		found = find_with_tail(&k, addr.local, STR_NONE, false);
	if (found != FIND_NO)
		return found;
	return maps_get_part(m, tail, false, a, ret_value);
}
