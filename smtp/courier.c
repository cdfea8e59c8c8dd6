/* SPDX-License-Identifier: ISC */
/* courier - server after server, until all recipients have an outcome. */
#include "courier.h"

#include "base/log.h"
#include "mail/proto/trouble.h"
#include "transact.h"

#include <errno.h>
#include <string.h>

#define TARGETS_ARENA (1024 * 1024)

/* One next hop, and what is tried for it. */
struct site {
	struct courier *c;
	struct letter *l;
	struct str text;
	bool is_last; /* no fallback after it */
	struct targets targets;
	unsigned reused;
};

void
courier_init(struct courier *c, const struct settings *settings,
    struct link *dns, struct link *lookup, struct link *bounce)
{
	*c = (struct courier){.settings = settings,
	    .dns = dns,
	    .lookup = lookup,
	    .bounce = bounce};
	pool_init(&c->pool);
	c->recall = recall_new();
	task_queue_init(&c->own_read);
}

void
courier_done(struct courier *c)
{
	pool_close(&c->pool);
	aged_free(&c->recall);
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

/* ---- one server ---- */

/* The postmaster hears of what went wrong in a session. */
static void
tell_trouble(struct courier *c, struct session *s)
{
	unsigned about = transcript_about(&s->transcript);
	BUF_CLEANUP struct buf subject = {0};
	struct trouble_tell tell = {
	    .about = about, .transcript = buf_str(&s->transcript.lines)};
	struct parcel p;

	if (about != 0 && c->bounce != NULL) {
		buf_init(&subject, TROUBLE_SUBJECT_MAX);
		buf_addf(&subject, "%s client: errors from %s",
		    c->settings->is_lmtp ? "LMTP" : "SMTP", s->relay.p);
		tell.subject = buf_str(&subject);
		int e = link_call(c->bounce, TROUBLE_TELL, &tell, NULL, 0, &p,
		    clock_after(TROUBLE_DEADLINE));
		if (e != 0)
			log_warning("the postmaster cannot be told of errors "
				    "from %s: %s",
			    s->relay.p, strerror(-e));
		else
			parcel_done(&p);
	}
	s->transcript.troubles = 0;
	transcript_forget(&s->transcript);
}

/* It says that it is us. */
static void
refuse_own(struct site *site, const struct target *t)
{
	bool is_best = t->preference == site->targets.list[0].preference;

	fail_set(&site->l->why, is_best ? "5.4.6" : "4.4.6",
	    "mail for %.*s loops back to myself", STR_ARG(site->text));
	letter_failed_all(site->l);
}

/* The next hop as tables have it. */
static struct str
key_of(const struct site *site)
{
	struct str text = site->text;

	if (site->c->settings->is_lmtp && str_has_prefix(text, STR("inet:")))
		return str_from(text, strlen("inet:"));
	return text;
}

/* Who we are there.  False with a reason: it cannot be asked now. */
static bool
find_login(struct site *site, const struct target *t, struct login *ret)
{
	const struct settings *c = site->c->settings;
	struct letter *l = site->l;

	if (c->logins == NULL)
		return true;
	switch (
	    logins_get(c->logins, l->job->sender, t->host, key_of(site), ret)) {
	case FIND_YES:
	case FIND_NO:
		return true;
	case FIND_RETRY:
	case FIND_BROKEN:
		break;
	}
	fail_set(&l->why, "4.3.0",
	    "the password for %.*s cannot be looked up, or its entry is not "
	    "\"user%.*spassword\"",
	    STR_ARG(t->host), STR_ARG(c->logins->delimiter));
	return false;
}

/* How it is spoken with.  DANE and MTA-STS will have their say here. */
static bool
find_policy(struct site *site, const struct target *t, struct arena *a,
    struct tls_policy *ret)
{
	const struct policies *p = site->c->settings->policies;
	BUF_CLEANUP struct buf why = {0};

	*ret = (struct tls_policy){.keeps = true};
	if (p == NULL)
		return true;
	buf_init(&why, OUTCOME_TEXT_MAX);
	if (policy_get(p, t->host, key_of(site), a, ret, &why) == FIND_YES)
		return true;
	fail_set(&site->l->why, "4.7.5",
	    "client TLS configuration problem: policy for %.*s: %s",
	    STR_ARG(site->text), why.p);
	return false;
}

/* False: it is not known on which terms, and all that are left have failed. */
static bool
find_terms(struct site *site, const struct target *t, struct arena *a,
    struct terms *ret)
{
	if (find_login(site, t, &ret->login) &&
	    find_policy(site, t, a, &ret->policy))
		return true;
	letter_use(site->l, NULL);
	log_warning("%s", site->l->why.text.p);
	letter_failed_all(site->l);
	return false;
}

/* A session that was kept.  False: there is none, or it was over before its
 * server heard of this letter. */
static bool
try_kept(struct site *site, const struct target *t, const struct terms *terms)
{
	struct pool *pool = &site->c->pool;
	struct session *s = pool_take(pool, t, terms);

	if (s == NULL)
		return false;
	session_call(s, t->host);
	letter_use(site->l, s);
	if (!transact(site->l, s)) {
		session_free(&s);
		return false;
	}
	tell_trouble(site->c, s);
	site->reused++;
	pool_put(pool, &s);
	return true;
}

/* As Postfix has it: mail that has waited, to a server whose TLS is broken,
 * goes out as if it had none; unless a password were to go with it. */
static bool
may_drop_tls(const struct site *site, const struct terms *terms)
{
	int64_t age = clock_wall() - site->l->job->arrival;

	return terms->policy.level == POLICY_MAY && !terms->policy.wraps &&
	       login_is_nobody(&terms->login) &&
	       age >= site->c->settings->plain_after;
}

static struct session *
open_new(struct site *site, const struct target *t, struct terms *terms)
{
	const struct settings *c = site->c->settings;
	struct fail *why = &site->l->why;
	struct session *s = session_open(c, t, terms, why);

	if (s == NULL || !s->is_tls_broken || !may_drop_tls(site, terms))
		return s;
	log_info("%s: %s: trying without TLS", s->relay.p, why->text.p);
	session_free(&s);
	policy_drop(&terms->policy);
	return session_open(c, t, terms, why);
}

/* False: nobody answered there. */
static bool
try_new(struct site *site, const struct target *t, struct terms *terms)
{
	struct letter *l = site->l;

	letter_use(l, NULL);
	struct session *s = open_new(site, t, terms);
	if (s == NULL) {
		log_info("%.*s", STR_ARG(buf_str(&l->why.text)));
		return false;
	}
	letter_use(l, s);
	if (s->is_own)
		refuse_own(site, t);
	else if (s->is_dead)
		letter_failed_all(l); /* the greeting went wrong */
	else
		transact(l, s);
	tell_trouble(site->c, s);
	if (s->is_own)
		session_quit(&s);
	else
		pool_put(&site->c->pool, &s);
	return true;
}

/* False: nobody answered there. */
static bool
try_target(struct site *site, const struct target *t)
{
	struct terms terms = {.policy.level = POLICY_NONE};
	ARENA_CLEANUP struct arena a = {0};

	arena_init(&a, POLICY_ROOM);
	bool ok = !find_terms(site, t, &a, &terms) ||
	          try_kept(site, t, &terms) || try_new(site, t, &terms);

	login_done(&terms.login);
	return ok;
}

static void
try_targets(struct site *site)
{
	size_t limit = site->c->settings->session_limit;
	size_t sessions = 0, n = site->targets.n;

	for (size_t i = 0; i < n && site->l->left > 0; i++) {
		const struct target *t = &site->targets.list[i];
		bool is_end = i + 1 == n || sessions + 1 == limit;
		site->l->is_last = site->is_last && is_end;
		if (try_target(site, t))
			sessions++;
		if (sessions == limit && limit > 0)
			return;
	}
}

/* From memory, or by asking; false with a reason. */
static bool
find_targets(struct site *site, struct arena *a)
{
	struct courier *c = site->c;
	struct nexthop to;

	if (recall_get(c->recall, site->text, a, &site->targets))
		return true;
	int e = c->settings->is_lmtp
	            ? nexthop_parse_lmtp(site->text, c->settings->port, &to)
	            : nexthop_parse(site->text, c->settings->port, &to);
	if (e != 0) {
		fail_set(&site->l->why, "4.3.5", "bad next hop \"%.*s\"",
		    STR_ARG(site->text));
		return false;
	}
	need_own(c);
	const struct target_finder finder = {
	    c->settings, &c->own, c->dns, c->lookup};
	if (!target_find(&finder, &to, a, &site->targets, &site->l->why))
		return false;
	recall_put(c->recall, site->text, &site->targets);
	return true;
}

static void
try_site(struct site *site)
{
	ARENA_CLEANUP struct arena a = {0};

	arena_init(&a, TARGETS_ARENA);
	letter_use(site->l, NULL);
	if (!find_targets(site, &a))
		return;
	target_order(&site->targets, site->c->settings);
	try_targets(site);
}

/* "x.4.6": no other host is asked to send us the mail once more. */
static bool
loops(const struct letter *l)
{
	return strcmp(l->why.dsn + (fail_is_set(&l->why) ? 1 : 0), ".4.6") == 0;
}

/* The next hop's best server is this host, and no other name of ours. */
static bool
is_best_mx(const struct courier *c, const struct letter *l)
{
	return c->settings->best_mx.len > 0 && strcmp(l->why.dsn, "5.4.6") == 0;
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
	int e = letter_filter(l, c->settings->filters);

	if (e != 0) {
		fail_set(&l->why, "4.3.0",
		    "the address and header tables cannot be asked: %s",
		    e == -EAGAIN ? "table lookup problem" : strerror(-e));
		letter_give_up(l);
		return 0;
	}
	do {
		struct str next = str_word(&fallback, ", \t\r\n");
		struct site site = {
		    .c = c, .l = l, .text = text, .is_last = next.len == 0};
		try_site(&site);
		reused += site.reused;
		text = next;
	} while (l->left > 0 && text.len > 0 && !loops(l));
	if (l->left > 0 && is_best_mx(c, l))
		letter_pass(l, c->settings->best_mx);
	else if (l->left > 0)
		give_up(c, l);
	return reused;
}
