/* SPDX-License-Identifier: ISC */
/* generic - look-ups, and addresses put in the place of others. */
#include "generic.h"

#include "mail/header.h"
#include "mail/match.h"
#include "mail/repair.h"

#include <errno.h>

#define ROOM ((size_t)1024 * 1024) /* for one look-up */

static enum find
is_local(void *arg, struct str domain, struct arena *a)
{
	const struct generic *g = arg;

	if (str_eq_case(domain, g->origin))
		return FIND_YES;
	return match_domain(g->local, domain, a);
}

bool
generic_open(struct generic *g, const struct conf *c, enum param maps,
    const struct dict_env *env, struct buf *why)
{
	*g = (struct generic){
	    .origin = conf_str(c, PARAM_myorigin),
	    .rule =
		{
		    .delimiters = conf_str(c, PARAM_recipient_delimiter),
		    .is_local = is_local,
		    .arg = g,
		},
	    .maps = maps_open(env, conf_str(c, maps), why),
	};
	if (g->maps == NULL)
		return false;
	g->local = match_open_param(env, c, PARAM_mydestination, why);
	return g->local != NULL;
}

void
generic_done(struct generic *g)
{
	maps_free(&g->maps);
	match_free(&g->local);
}

bool
generic_is_empty(const struct generic *g)
{
	return maps_is_empty(g->maps);
}

enum find
generic_map(const struct generic *g, struct addr addr, struct arena *a,
    struct addr *ret)
{
	struct str value;
	enum find found =
	    address_find(&g->rule, g->maps, addr, a, &value, NULL);

	if (found != FIND_YES)
		return found;
	value = str_trim(value);
	if (str_has_prefix(value, STR("@")))
		value = arena_join(a, addr.local, value);
	else if (!str_has_char(value, '@'))
		value = arena_strf(
		    a, "%.*s@%.*s", STR_ARG(value), STR_ARG(g->origin));
	/* SECURITY: only what can be an address comes into a header. */
	return addr_parse(value, ret) == 0 && !str_eq(ret->text, addr.text)
	           ? FIND_YES
	           : FIND_NO;
}

int
generic_envelope(const struct generic *g, struct str address, struct arena *a,
    struct str *ret)
{
	ARENA_CLEANUP struct arena scratch = {0};
	struct addr from, to;

	arena_init(&scratch, ROOM);
	*ret = address;
	if (addr_parse(address, &from) != 0 || addr_is_null(from))
		return 0;
	switch (generic_map(g, from, &scratch, &to)) {
	case FIND_YES:
		*ret = arena_str(a, to.text);
		return 0;
	case FIND_NO:
		return 0;
	case FIND_RETRY:
	case FIND_BROKEN:
		break;
	}
	return -EAGAIN;
}

/* ---- a field ---- */

struct mapping {
	const struct generic *generic;
	int error;
};

static bool
map_one(void *arg, struct addr addr, struct arena *a, struct addr *ret)
{
	struct mapping *m = arg;
	enum find found = generic_map(m->generic, addr, a, ret);

	if (found == FIND_RETRY || found == FIND_BROKEN)
		m->error = -EAGAIN;
	return found == FIND_YES;
}

int
generic_field(const struct generic *g, struct str field, struct buf *out)
{
	struct mapping m = {.generic = g};
	ARENA_CLEANUP struct arena a = {0};
	struct header h;

	if (!header_parse_line(field, &h) || !repair_holds_addresses(h.name)) {
		buf_add_str(out, field);
		return 0;
	}
	arena_init(&a, ROOM);
	buf_add(out, field.p, field.len - h.value.len);
	if (addr_map_list(h.value, &a, map_one, &m, out) != 0)
		buf_add_str(out, h.value);
	return m.error;
}
