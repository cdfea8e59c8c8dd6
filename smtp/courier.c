/* SPDX-License-Identifier: ISC */
/* courier - server after server, until all recipients have an outcome. */
#include "courier.h"

#include "base/log.h"
#include "transact.h"

#include <string.h>

#define TARGETS_ARENA (1024 * 1024)

/* One next hop, and what is tried for it. */
struct site {
	struct courier *c;
	struct letter *l;
	struct str text;
	bool is_last; /* no fallback after it */
	struct targets targets;
	unsigned best;  /* preference */
	bool is_only;   /* nothing but one target is there to be tried */
	struct ip used; /* by a kept session; family 0: none */
	uint16_t used_port;
	size_t sessions;
	unsigned reused;
};

void
courier_init(struct courier *c, const struct settings *settings,
    struct link *dns, struct link *lookup)
{
	*c = (struct courier){
	    .settings = settings, .dns = dns, .lookup = lookup};
	pool_init(&c->pool);
	task_queue_init(&c->own_read);
}

/* Names in inet_interfaces are looked up once, by the first who needs it. */
static void
need_own(struct courier *c)
{
	while (!c->has_own && c->reads_own)
		if (task_wait(&c->own_read, CLOCK_NEVER) != 0)
			return;
	if (c->has_own)
		return;
	c->reads_own = true;
	own_read(&c->own, c->settings->inet_interfaces,
	    c->settings->proxy_interfaces, c->lookup);
	c->has_own = true;
	task_wake_all(&c->own_read);
}

/* ---- one session ---- */

static void
give_back(struct site *site, struct session **s, const struct target *t)
{
	if (t != NULL && t->preference == site->best)
		session_keep_for(*s, site->text, site->is_only);
	pool_put(&site->c->pool, s);
}

/* It says that it is us. */
static void
refuse_own(struct site *site, const struct target *t)
{
	fail_set(&site->l->why, t->preference == site->best ? "5.4.6" : "4.4.6",
	    "mail for %.*s loops back to myself", STR_ARG(site->text));
	letter_failed_all(site->l);
}

/* The letter goes over a session.  False: it was a kept one, and over. */
static bool
use_session(struct site *site, struct session *s, const struct target *t)
{
	letter_use(site->l, s);
	if (s->uses > 0)
		site->reused++;
	if (s->is_own)
		refuse_own(site, t);
	else if (s->uses == 0 && s->is_dead)
		letter_failed_all(site->l); /* the greeting went wrong */
	else
		return transact(site->l, s);
	s->is_dead = true;
	return true;
}

/* A session that was kept for this next hop. */
static void
try_kept(struct site *site)
{
	struct session *s = pool_take(&site->c->pool, site->text);

	if (s == NULL)
		return;
	site->l->is_last = s->is_only;
	if (use_session(site, s, NULL)) {
		site->used = s->ip;
		site->used_port = s->port;
		site->sessions++;
		give_back(site, &s, NULL);
		return;
	}
	site->reused--;
	session_free(&s);
}

/* ---- one server ---- */

/* One that was kept for its address's sake; false: there is none, or it is
 * over. */
static bool
try_kept_address(struct site *site, const struct target *t)
{
	struct session *s = pool_take_address(&site->c->pool, &t->ip, t->port);

	if (s == NULL)
		return false;
	session_call(s, t->host);
	if (use_session(site, s, t)) {
		give_back(site, &s, t);
		return true;
	}
	site->reused--;
	session_free(&s);
	return false;
}

static void
try_target(struct site *site, const struct target *t)
{
	struct letter *l = site->l;

	if (try_kept_address(site, t)) {
		site->sessions++;
		return;
	}
	letter_use(l, NULL);
	struct session *s = session_open(site->c->settings, t, &l->why);
	if (s == NULL) {
		log_info("%.*s", STR_ARG(buf_str(&l->why.text)));
		return;
	}
	site->sessions++;
	use_session(site, s, t);
	give_back(site, &s, t);
}

/* The server that a kept session led to has had its say. */
static void
drop_used(struct site *site)
{
	struct targets *t = &site->targets;
	size_t n = 0;

	if (site->used.family == 0)
		return;
	for (size_t i = 0; i < t->n; i++)
		if (t->list[i].port != site->used_port ||
		    !ip_eq(&t->list[i].ip, &site->used))
			t->list[n++] = t->list[i];
	t->n = n;
}

static void
try_targets(struct site *site)
{
	size_t limit = site->c->settings->session_limit;

	drop_used(site);
	for (size_t i = 0; i < site->targets.n && site->l->left > 0; i++) {
		if (limit > 0 && site->sessions >= limit)
			return;
		bool is_end = i + 1 == site->targets.n ||
		              (limit > 0 && site->sessions + 1 >= limit);
		site->l->is_last = site->is_last && is_end;
		try_target(site, &site->targets.list[i]);
	}
}

/* ---- one next hop ---- */

static void
try_site(struct site *site)
{
	struct courier *c = site->c;
	ARENA_CLEANUP struct arena a;
	struct nexthop to;

	arena_init(&a, TARGETS_ARENA);
	if (nexthop_parse(site->text, c->settings->port, &to) != 0) {
		fail_set(&site->l->why, "4.3.5", "bad next hop \"%.*s\"",
		    STR_ARG(site->text));
		return;
	}
	try_kept(site);
	if (site->l->left == 0)
		return;
	need_own(c);
	const struct target_finder finder = {
	    c->settings, &c->own, c->dns, c->lookup};
	letter_use(site->l, NULL);
	if (!target_find(&finder, &to, &a, &site->targets, &site->l->why))
		return;
	site->best = site->targets.list[0].preference;
	site->is_only = site->is_last && site->targets.n == 1;
	try_targets(site);
}

/* "x.4.6": no other host is asked to send us the mail once more. */
static bool
loops(const struct letter *l)
{
	return strcmp(l->why.dsn + (fail_is_set(&l->why) ? 1 : 0), ".4.6") == 0;
}

/* What is left could not be brought anywhere. */
static void
give_up(const struct courier *c, struct letter *l)
{
	const char *ours = NULL;

	if (!fail_is_set(&l->why))
		fail_set(&l->why, "4.3.0",
		    "server unavailable or unable to receive mail");
	/* A host that this host's administrator named is wrong, not the
	 * recipient's: the mail waits. */
	if (c->settings->fallback.len > 0)
		ours = "smtp_fallback_relay";
	else if (c->settings->relayhost.len > 0 &&
		 str_eq(l->job->nexthop, c->settings->relayhost))
		ours = "relayhost";
	if (fail_is_hard(&l->why) && ours != NULL) {
		log_warning("%s configuration problem", ours);
		fail_soften(&l->why, "4.3.5");
	}
	letter_give_up(l);
}

unsigned
courier_deliver(struct courier *c, struct letter *l)
{
	struct str fallback = c->settings->fallback;
	struct str text = l->job->nexthop;
	unsigned reused = 0;

	do {
		struct str next = str_word(&fallback, ", \t\r\n");
		struct site site = {
		    .c = c, .l = l, .text = text, .is_last = next.len == 0};
		try_site(&site);
		reused += site.reused;
		text = next;
	} while (l->left > 0 && text.len > 0 && !loops(l));
	if (l->left > 0)
		give_up(c, l);
	return reused;
}
