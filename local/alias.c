/* SPDX-License-Identifier: ISC */
/*
 * alias - alias_maps: the whole local part first, then without its extension.
 * "owner-NAME", when there is such an alias, is who hears of errors of NAME's
 * members.  An alias that names itself means the user of that name.
 */
#include "decide.h"

/* Who hears of errors.  The null sender stays: nobody does. */
static bool
set_owner(struct decide *d, struct str name)
{
	struct str key = arena_join(d->a, STR("owner-"), name), value;
	struct addr owner;

	switch (maps_get(d->site->aliases, key, d->a, &value)) {
	case FIND_NO:
		return true;
	case FIND_YES:
		break;
	case FIND_RETRY:
	case FIND_BROKEN:
		return answer_outcome(
		    &d->answer, "4.3.0", "alias database unavailable");
	}
	if (d->sender.len == 0 || addr_parse(key, &owner) != 0)
		return true;
	d->sender = rewrite_addr(&d->site->rewrite, owner, d->a).text;
	d->is_list = true;
	return true;
}

static bool
expand(struct decide *d, struct str name, struct str value)
{
	const struct naming n = {
	    .origin = FROM_ALIAS,
	    .self = name,
	    .max = DECIDE_MEMBERS,
	};
	struct targets t = {0};
	const char *why;
	int r = targets_parse(&t, value, DECIDE_MEMBERS, d->a, &why);

	if (r != 0)
		return answer_outcome(&d->answer, "4.3.5",
		    "alias %.*s: %s in \"%.*s\"", STR_ARG(name), why,
		    STR_ARG(str_sub(value, 0, 200)));
	return set_owner(d, name) && collect_targets(d, &n, &t);
}

static bool
try(struct decide *d, struct str name, bool *ret_found)
{
	struct str value;

	*ret_found = false;
	switch (maps_get(d->site->aliases, name, d->a, &value)) {
	case FIND_NO:
		return true;
	case FIND_YES:
		*ret_found = true;
		return expand(d, name, value);
	case FIND_RETRY:
	case FIND_BROKEN:
		break;
	}
	return answer_outcome(
	    &d->answer, "4.3.0", "alias database unavailable");
}

bool
alias_expand(struct decide *d, bool *ret_found)
{
	if (!try(d, d->local, ret_found))
		return false;
	if (*ret_found || d->extension.len == 0)
		return true;
	return try(d, d->user, ret_found);
}
