/* SPDX-License-Identifier: ISC */
/* restriction - the table of restriction names, and finding a row. */
#include "mail/restriction.h"

#include <stddef.h>

const struct restriction_row restriction_table[RESTRICTION_COUNT] = {
#define RESTRICTION(name, arg)                                                 \
	{#name, RESTRICTION_##name, RESTRICTION_##arg, NULL},
#define OLD(name, now) {#name, RESTRICTION_##now, RESTRICTION_NOTHING, NULL},
#define GONE(name, arg, reason)                                                \
	{#name, RESTRICTION_##name, RESTRICTION_##arg, reason},
#include "mail/restriction.def"
#undef RESTRICTION
#undef OLD
#undef GONE
};

bool
restriction_find(struct str name, enum restriction *ret)
{
	for (size_t i = 0; i < RESTRICTION_COUNT; i++) {
		if (!str_eq_case(name, str_c(restriction_table[i].name)))
			continue;
		*ret = restriction_table[i].now;
		return true;
	}
	return false;
}

bool
restriction_is_guard(enum restriction r)
{
	return r == RESTRICTION_reject || r == RESTRICTION_defer ||
	       r == RESTRICTION_defer_if_permit ||
	       r == RESTRICTION_reject_unauth_destination ||
	       r == RESTRICTION_defer_unauth_destination;
}
