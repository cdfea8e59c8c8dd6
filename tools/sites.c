/* SPDX-License-Identifier: ISC */
/* sites - counts by domain. */
#include "sites.h"

#include "base/log.h"
#include "mail/addr.h"

#include <stdio.h>
#include <stdlib.h>

void
sites_init(struct sites *s)
{
	map_init(&s->all);
}

void
sites_done(struct sites *s)
{
	MAP_FOREACH (slot, &s->all) {
		struct site *one = slot->value;

		free(one->name);
		free(one);
	}
	map_done(&s->all);
}

static struct str
domain_of(struct str address)
{
	ptrdiff_t at = str_find_last(address, '@');

	return at < 0 ? address : str_from(address, (size_t)at + 1);
}

/* `size` is ADDR_MAX + 1. */
static struct str
lower(struct str s, char *room, size_t size)
{
	size_t n = s.len < size ? s.len : size - 1;

	for (size_t i = 0; i < n; i++)
		room[i] = str_lower_char(s.p[i]);
	room[n] = '\0';
	return str_n(room, n);
}

const struct site *
sites_get(const struct sites *s, struct str name)
{
	char room[ADDR_MAX + 1];

	return map_get(&s->all, lower(name, room, sizeof(room)));
}

static struct site *
get_site(struct sites *s, struct str domain)
{
	char room[ADDR_MAX + 1];
	struct str name = lower(domain, room, sizeof(room));
	struct site *one = map_get(&s->all, name);

	if (one == NULL && s->all.count >= SITES_MAX) {
		name = STR(SITES_OTHERS);
		one = map_get(&s->all, name);
	}
	if (one != NULL)
		return one;
	one = calloc(1, sizeof(*one));
	if (one != NULL)
		one->name = strndup(name.p, name.len);
	if (one == NULL || one->name == NULL)
		log_fatal("out of memory");
	map_put(&s->all, str_n(one->name, name.len), one);
	return one;
}

void
sites_add(struct sites *s, const struct admin_entry *e)
{
	const struct admin_recipient *r = e->recipients.p;
	bool is_held = str_eq(e->queue, STR("hold"));

	if (!is_held && !str_eq(e->queue, STR("deferred")))
		return;
	for (size_t i = 0; i < e->recipients.n; i++) {
		struct site *one = get_site(s, domain_of(r[i].address));

		if (is_held)
			one->held++;
		else
			one->deferred++;
		if (r[i].reason.len > 0)
			snprintf(one->reason, sizeof(one->reason), "%.*s",
			    STR_ARG(r[i].reason));
	}
}

bool
sites_is_at(struct str address, struct str site)
{
	return str_eq_case(
	    str_has_char(site, '@') ? address : domain_of(address), site);
}

const struct admin_recipient *
sites_find(const struct admin_entry *e, struct str site)
{
	const struct admin_recipient *r = e->recipients.p;

	for (size_t i = 0; i < e->recipients.n; i++)
		if (sites_is_at(r[i].address, site))
			return &r[i];
	return NULL;
}
