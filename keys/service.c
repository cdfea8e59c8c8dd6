/* SPDX-License-Identifier: ISC */
/* service - who may use what, and how often. */
#include "service.h"

#include "form.h"
#include "own.h"
#include "scheme.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WHY_MAX    2048
#define SAID_EVERY CLOCK_SEC

struct service *
services_get(struct services *all, struct str client)
{
	struct service *s;
	char *name;

	LIST_FOREACH (s, &all->list, next)
		if (str_eq(s->client, client))
			return s;
	if (all->n == KEYS_SERVICES_MAX)
		return NULL;
	s = calloc(1, sizeof(*s));
	name = strndup(client.p, client.len);
	if (s == NULL || name == NULL)
		log_fatal("out of memory for a service");
	s->client = str_n(name, client.len);
	s->names = names_new();
	all->n++;
	LIST_INSERT_HEAD(&all->list, s, next);
	return s;
}

void
services_done(struct services *all)
{
	struct service *s, *after;

	LIST_FOREACH_SAFE(s, &all->list, next, after)
	{
		chain_list_done(&s->chains);
		chain_list_done(&s->before);
		names_free(&s->names);
		explicit_bzero(&s->tickets, sizeof(s->tickets));
		free((void *)(uintptr_t)s->client.p);
		free(s);
	}
	LIST_INIT(&all->list);
	all->n = 0;
	sources_free(&all->sources);
	chain_list_done(&all->own);
}

/* ---- another configuration ---- */

static void
add_own(struct services *all, const struct keys_config *c,
    const struct services_from *from, struct chain_list *to)
{
	BUF_CLEANUP struct buf why = {0};

	buf_init(&why, WHY_MAX);
	if (all->own.n == 0 && own_open(from->own_fd, c->hostname, from->wall,
				   &all->own, &why) < 0)
		log_warning("%s", why.p);
	chain_list_add(to, &all->own);
}

static void
show_chains(struct service *s, struct chain_list *chains, int64_t mono)
{
	if (chain_list_eq(&s->chains, chains)) {
		chain_list_done(chains);
		return;
	}
	chain_list_done(&s->before);
	s->before = s->chains;
	s->before_until = mono + KEYS_AFTER;
	s->chains = *chains;
	for (size_t i = 0; i < s->chains.n && s->generation > 0; i++)
		log_info("%.*s: another certificate: %s", STR_ARG(s->client),
		    s->chains.at[i]->about);
	s->generation++;
}

static void
set_service(struct services *all, const struct keys_config *c,
    const struct keys_service *row, struct sources *sources,
    const struct services_from *from)
{
	struct service *s = services_get(all, row->client);
	const struct keys_source *source = row->sources.p;
	struct chain_list chains = {0};
	int64_t next;

	if (s == NULL)
		return;
	for (size_t i = 0; i < row->sources.n; i++)
		sources_get(sources, &source[i], &chains);
	if (chains.n == 0 && row->own)
		add_own(all, c, from, &chains);
	show_chains(s, &chains, from->mono);
	/* The tables may have changed. */
	if (!names_is_empty(s->names) || row->names.len > 0)
		s->generation++;
	names_renew(s->names, from->env, row->names, from->mono);
	s->role = (enum keys_role)row->role;
	s->rate_limit = row->rate;
	s->ticket_life = (int64_t)row->ticket_life * CLOCK_SEC;
	if (s->ticket_life > 0 &&
	    tickets_tend(&s->tickets, s->ticket_life, from->mono, &next))
		s->generation++;
}

static bool
has_service(const struct keys_config *c, struct str client)
{
	const struct keys_service *row = c->services.p;

	for (size_t i = 0; i < c->services.n; i++)
		if (str_eq(row[i].client, client))
			return true;
	return false;
}

void
services_load(struct services *all, const struct keys_config *c,
    const struct services_from *from)
{
	const struct keys_service *row = c->services.p;
	struct sources *sources =
	    sources_new(from->env, all->sources, from->wall);
	struct chain_list none = {0};
	struct service *s;

	for (size_t i = 0; i < c->services.n; i++)
		set_service(all, c, &row[i], sources, from);
	LIST_FOREACH (s, &all->list, next) {
		if (has_service(c, s->client))
			continue;
		show_chains(s, &none, from->mono);
		names_renew(s->names, from->env, STR_NONE, from->mono);
		s->ticket_life = 0;
	}
	sources_free(&all->sources);
	all->sources = sources;
}

int64_t
services_tend(struct services *all, int64_t now)
{
	int64_t next, soonest = CLOCK_NEVER;
	struct service *s;

	LIST_FOREACH (s, &all->list, next) {
		if (now >= s->before_until)
			chain_list_done(&s->before);
		if (s->before.n > 0 && s->before_until < soonest)
			soonest = s->before_until;
		next = names_tend(s->names, now);
		if (next < soonest)
			soonest = next;
		if (s->ticket_life == 0)
			continue;
		if (tickets_tend(&s->tickets, s->ticket_life, now, &next))
			s->generation++;
		if (next < soonest)
			soonest = next;
	}
	return soonest;
}

/* ---- signatures ---- */

static bool
may_say(struct service *s, int64_t now)
{
	if (s->said_at != 0 && now - s->said_at < SAID_EVERY)
		return false;
	s->said_at = now;
	return true;
}

/* SECURITY: of this service, and of no other. */
static struct chain *
find_key(const struct service *s, struct str id, int64_t now)
{
	struct chain *c = chain_list_find(&s->chains, id);

	if (c == NULL && now < s->before_until)
		c = chain_list_find(&s->before, id);
	return c != NULL ? c : names_find_key(s->names, id, now);
}

/* SECURITY: what this service's side of TLS signs, and nothing else. */
static bool
is_allowed(const struct service *s, struct str message, bool *ret_is_13)
{
	enum form form = form_parse(message);

	*ret_is_13 = form == FORM_SERVER_13 || form == FORM_CLIENT_13;
	switch (s->role) {
	case KEYS_SERVER:
		return form == FORM_SERVER_13 || form == FORM_SERVER_12;
	case KEYS_CLIENT:
		return form == FORM_CLIENT_13 || form == FORM_CLIENT_12;
	}
	return false;
}

static enum keys_verdict
sign(struct service *s, const struct keys_sign *q, int64_t now, struct buf *ret,
    const char **ret_why)
{
	struct chain *c = find_key(s, q->key, now);
	bool is_13;
	int e;

	*ret_why = "with a key that it has not";
	if (c == NULL)
		return KEYS_NO_KEY;
	*ret_why = "of something that its side of TLS does not sign";
	if (!is_allowed(s, q->message, &is_13))
		return KEYS_REFUSED;
	*ret_why = "more often than keys_signature_rate_limit has it";
	if (!rate_take(&s->rate, s->rate_limit, now))
		return KEYS_BUSY;
	*ret_why = "by a scheme that its key has not";
	e = scheme_sign(c->key, q->scheme, is_13, q->message, ret);
	if (e == -EINVAL)
		return KEYS_REFUSED;
	*ret_why = "and the library failed";
	return e == 0 ? KEYS_OK : KEYS_FAILED;
}

enum keys_verdict
service_sign(
    struct service *s, const struct keys_sign *q, int64_t now, struct buf *ret)
{
	const char *why;
	enum keys_verdict verdict = sign(s, q, now, ret, &why);

	if (verdict != KEYS_OK && may_say(s, now))
		log_warning("%.*s asks for a signature %s: refused",
		    STR_ARG(s->client), why);
	return verdict;
}
