/* SPDX-License-Identifier: ISC */
/*
 * expansion - virtual_alias_maps.  A row of addresses grows at its end while
 * it is walked from its start: each is replaced by the first of what it
 * becomes, again and again, and the others are put behind.  No recursion.
 */
#include "mail/expansion.h"

#include "base/log.h"
#include "base/map.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOOKUP_MAX (8 * 1024 * 1024) /* a value and the addresses in it */
#define ONE_MAX    (16 * 1024)       /* what makes one address whole */

struct expansion {
	struct maps *aliases;
	const struct address_rule *rule;
	struct rewrite rewrite;
	size_t expansion_limit, recursion_limit;
};

struct entry {
	char text[ADDR_MAX];
	size_t len;
};

/* One run. */
struct run {
	struct expansion *x;
	struct entry *row;
	size_t count, cap, at;
	struct arena lookup, one; /* emptied for each look-up, each address */
	struct arena keys;
	struct map final; /* addresses that name themselves: lower case */
	/* While the value of row[at] is read: */
	struct addr self;
	struct str ext; /* to be carried over, with its delimiter */
	bool is_first, is_too_large;
};

struct expansion *
expansion_new(const struct conf *c, struct router *r,
    const struct dict_env *env, struct buf *why)
{
	struct expansion *x = calloc(1, sizeof(*x));

	if (x == NULL)
		log_fatal("out of memory for the expansion of aliases");
	x->rule = router_rule(r);
	x->rewrite = rewrite_of(c);
	x->expansion_limit =
	    (size_t)conf_int(c, PARAM_virtual_alias_expansion_limit);
	x->recursion_limit =
	    (size_t)conf_int(c, PARAM_virtual_alias_recursion_limit);
	x->aliases = maps_open(env, conf_str(c, PARAM_virtual_alias_maps), why);
	if (x->aliases == NULL)
		expansion_free(&x);
	return x;
}

void
expansion_free(struct expansion **xp)
{
	if (*xp == NULL)
		return;
	maps_free(&(*xp)->aliases);
	free(*xp);
	*xp = NULL;
}

/* The address with the extension that the key did not have. */
static struct addr
carry_ext(struct run *u, struct addr a)
{
	struct str user, ext, domain = str_from(a.text, a.local.len);
	struct addr longer;

	if (u->ext.len == 0 ||
	    addr_split_ext(a.local, u->x->rule->delimiters, &user, &ext))
		return a;
	user = arena_join(&u->one, a.local, u->ext);
	if (addr_parse(arena_join(&u->one, user, domain), &longer) < 0)
		return a;
	return longer;
}

static void
set_entry(struct entry *e, struct str text)
{
	assert(text.len <= ADDR_MAX);
	memcpy(e->text, text.p, text.len);
	e->len = text.len;
}

static void
add_entry(struct run *u, struct str text)
{
	if (u->count >= u->x->expansion_limit) {
		u->is_too_large = true;
		return;
	}
	if (u->count == u->cap) {
		u->cap = u->cap == 0 ? 1 : u->cap * 2;
		u->row = realloc(u->row, u->cap * sizeof(*u->row));
		if (u->row == NULL)
			log_fatal("out of memory for %zu aliases", u->cap);
	}
	set_entry(&u->row[u->count++], text);
}

/* An address that names itself is final: once it is there it is not looked
 * up again, whichever way leads to it. */
static void
mark_final(struct run *u)
{
	struct str key = arena_lower(&u->one, u->self.text);

	if (map_get(&u->final, key) != NULL)
		return;
	if (u->final.count >= u->x->expansion_limit) {
		u->is_too_large = true;
		return;
	}
	map_put(&u->final, arena_str(&u->keys, key), u);
}

static void
take_one(void *arg, struct addr a, struct str name)
{
	struct run *u = arg;

	(void)name;
	arena_reset(&u->one);
	a = rewrite_addr(&u->x->rewrite, carry_ext(u, a), &u->one);
	if (addr_eq(a, u->self))
		mark_final(u);
	if (u->is_first)
		set_entry(&u->row[u->at], a.text);
	else
		add_entry(u, a.text);
	u->is_first = false;
}

/* "@domain" on the right: the local part stays. */
static int
replace_domain(struct run *u, struct str value)
{
	struct addr a;

	if (addr_parse(arena_join(&u->lookup, u->self.local, value), &a) < 0)
		return -EINVAL;
	take_one(u, a, STR_NONE);
	return 1;
}

/* Blanks alone divide too, where nothing is quoted: tables have "a@x b@y". */
static struct str
divide_by_commas(struct run *u, struct str value)
{
	char *p;

	for (size_t i = 0; i < value.len; i++)
		if (strchr("<>()\"\\:", value.p[i]) != NULL)
			return value;
	p = arena_cstr(&u->lookup, value);
	for (size_t i = 0; i < value.len; i++)
		if (str_is_blank_char(p[i]))
			p[i] = ',';
	return str_n(p, value.len);
}

static bool
is_final(struct run *u)
{
	arena_reset(&u->one);
	return map_get(&u->final, arena_lower(&u->one, u->self.text)) != NULL;
}

/* Replace row[at] by what the tables make of it; FIND_NO: it is settled. */
static enum find
step(struct run *u, const char **ret_why)
{
	enum find found;
	struct str value;
	int n;

	arena_reset(&u->lookup);
	n = addr_parse(
	    arena_str(&u->lookup, str_n(u->row[u->at].text, u->row[u->at].len)),
	    &u->self);
	assert(n == 0);
	if (is_final(u))
		return FIND_NO;
	found = address_find(
	    u->x->rule, u->x->aliases, u->self, &u->lookup, &value, &u->ext);
	*ret_why = "a virtual alias table cannot be asked";
	if (found != FIND_YES)
		return found;
	u->is_first = true;
	value = str_trim(value);
	n = str_has_prefix(value, STR("@"))
	        ? replace_domain(u, value)
	        : addr_parse_list(divide_by_commas(u, value),
		      u->x->expansion_limit, &u->lookup, take_one, u);
	*ret_why = "unreasonable expansion of a virtual alias";
	if (u->is_too_large || n == -E2BIG)
		return FIND_BROKEN;
	*ret_why = "bad address in a virtual alias table";
	return n > 0 ? FIND_YES : FIND_BROKEN;
}

/* Step until all of the row is settled. */
static enum find
walk(struct run *u, const char **ret_why)
{
	for (u->at = 0; u->at < u->count; u->at++) {
		enum find found = FIND_YES;

		for (size_t n = 0; found == FIND_YES; n++) {
			if (n > u->x->recursion_limit) {
				*ret_why =
				    "unreasonable nesting of virtual aliases";
				return FIND_BROKEN;
			}
			found = step(u, ret_why);
		}
		if (found != FIND_NO)
			return found;
	}
	return FIND_YES;
}

enum find
expansion_run(struct expansion *x, struct addr rcpt, expansion_each_fn each,
    void *arg, const char **ret_why)
{
	struct run u = {.x = x};
	enum find found;

	if (maps_is_empty(x->aliases) || addr_is_null(rcpt)) {
		each(arg, rcpt);
		return FIND_YES;
	}
	arena_init(&u.lookup, LOOKUP_MAX);
	arena_init(&u.one, ONE_MAX);
	arena_init(&u.keys, x->expansion_limit * (ADDR_MAX + 64));
	map_init(&u.final);
	add_entry(&u, rcpt.text);
	found = walk(&u, ret_why);
	for (size_t i = 0; found == FIND_YES && i < u.count; i++) {
		struct addr a;
		int r = addr_parse(str_n(u.row[i].text, u.row[i].len), &a);

		assert(r == 0);
		each(arg, a);
	}
	map_done(&u.final);
	arena_done(&u.keys);
	arena_done(&u.one);
	arena_done(&u.lookup);
	free(u.row);
	return found;
}
