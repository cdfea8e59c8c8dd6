/* SPDX-License-Identifier: ISC */
/* rate - the limits at work. */
#include "rate.h"

#include "base/log.h"
#include "check.h"
#include "mail/notice_class.h"
#include "reply.h"
#include "session.h"

#define NETWORK_MAX (IP_TEXT_MAX + 4)

static bool
is_exempt(struct session *s)
{
	return match_client(s->server->unlimited_clients, s->client.name,
		   &s->client.ip, &s->scratch) == FIND_YES;
}

static void
warn(const struct session *s, const char *what, uint64_t n)
{
	log_warning("%s limit exceeded: %llu from %.*s for service %.*s", what,
	    (unsigned long long)n, STR_ARG(s->client.text),
	    STR_ARG(s->server->limits.service));
}

/* ---- what a client does ---- */

static bool
refuse_connection(struct session *s, const char *what, uint64_t n)
{
	warn(s, what, n);
	/* Nothing can be said to one who waits for a handshake. */
	if (!s->server->starttls.is_wrapped)
		reply(s, "421 4.7.0 %.*s Error: too many connections from %.*s",
		    STR_ARG(s->server->hostname), STR_ARG(s->client.address));
	return false;
}

void
rate_enter(struct session *s)
{
	struct limits *l = &s->server->limits;

	if (limit_is_set(l) && !is_exempt(s))
		limit_enter(l, &s->client.ip, &s->ticket);
}

bool
rate_connect(struct session *s)
{
	struct limits *l = &s->server->limits;
	uint64_t sessions, connections;

	if (s->ticket.client == NULL)
		return true;
	(void)limit_connect(l, &s->ticket, &sessions, &connections);
	if (l->sessions > 0 && sessions > l->sessions)
		return refuse_connection(s, "Connection concurrency", sessions);
	if (l->connections > 0 && connections > l->connections)
		return refuse_connection(s, "Connection rate", connections);
	return true;
}

/* Is there more than the limit of it, with `n` of now?  *ret_total. */
static bool
is_beyond(struct session *s, uint64_t limit, enum memo_what what, uint64_t n,
    uint64_t *ret_total)
{
	struct memo_count count = {.what = what, .n = n};

	if (limit == 0 || s->ticket.client == NULL)
		return false;
	count.key = s->ticket.client->key;
	return limit_count(&s->server->limits, &count, 1, ret_total) &&
	       *ret_total > limit;
}

bool
rate_mail(struct session *s)
{
	uint64_t n;

	if (!is_beyond(s, s->server->limits.messages, MEMO_MESSAGES, 1, &n))
		return true;
	warn(s, "Message delivery request rate", n);
	reply(s, "450 4.7.1 Error: too much mail from %.*s",
	    STR_ARG(s->client.address));
	return false;
}

bool
rate_recipient(struct session *s)
{
	uint64_t n;

	if (!is_beyond(s, s->server->limits.recipients, MEMO_RECIPIENTS, 1, &n))
		return true;
	warn(s, "Recipient address rate", n);
	reply(s, "450 4.7.1 Error: too many recipients from %.*s",
	    STR_ARG(s->client.address));
	return false;
}

bool
rate_starttls(struct session *s)
{
	uint64_t n;

	if (!is_beyond(
		s, s->server->limits.tls_sessions, MEMO_TLS_SESSIONS, 0, &n))
		return true;
	log_warning("Refusing STARTTLS request from %.*s for service %.*s",
	    STR_ARG(s->client.text), STR_ARG(s->server->limits.service));
	reply(s, "454 4.7.0 Error: too many new TLS sessions from %.*s",
	    STR_ARG(s->client.text));
	return false;
}

bool
rate_new_tls(struct session *s)
{
	uint64_t n;

	if (!is_beyond(
		s, s->server->limits.tls_sessions, MEMO_TLS_SESSIONS, 1, &n))
		return true;
	warn(s, "New TLS session rate", n);
	reply(s, "421 4.7.0 %.*s Error: too many new TLS sessions from %.*s",
	    STR_ARG(s->server->hostname), STR_ARG(s->client.text));
	s->end = SESSION_REFUSED;
	return false;
}

/* ---- authentication ---- */

/* The client's network in `b`, which holds the bytes. */
static struct str
network_of(const struct session *s, struct buf *b)
{
	buf_init(b, NETWORK_MAX);
	limit_network(&s->server->limits, &s->client.ip, b);
	return buf_str(b);
}

/* SECURITY: a name that nobody has checked yet, made fit to be a key; in lower
 * case, since authentication servers do not tell User from user. */
static struct str
login_key(struct session *s, struct str login)
{
	BUF_CLEANUP struct buf b = {0};

	buf_init(&b, 4 * MEMO_KEY_MAX);
	(void)buf_add_shown(&b, str_sub(login, 0, MEMO_KEY_MAX / 2));
	return arena_lower(
	    &s->scratch, str_sub(buf_str(&b), 0, MEMO_KEY_MAX / 2));
}

static bool
refuse_guesser(struct session *s, uint64_t failures)
{
	warn(s, "Authentication failure", failures);
	reply(s,
	    "421 4.7.0 %.*s Error: too many authentication failures from %.*s",
	    STR_ARG(s->server->hostname), STR_ARG(s->client.address));
	s->end = SESSION_REFUSED;
	return false;
}

bool
rate_auth(struct session *s)
{
	struct limits *l = &s->server->limits;
	BUF_CLEANUP struct buf network = {0};
	struct memo_count counts[2];
	uint64_t totals[2] = {0};

	if ((l->auths == 0 && l->failures == 0) || is_exempt(s))
		return true;
	counts[0] =
	    (struct memo_count){MEMO_AUTH_FAILURES, network_of(s, &network), 0};
	if (s->ticket.client != NULL)
		counts[1] =
		    (struct memo_count){MEMO_AUTHS, s->ticket.client->key, 1};
	if (!limit_count(l, counts, s->ticket.client == NULL ? 1 : 2, totals))
		return true;
	if (l->failures > 0 && totals[0] >= l->failures)
		return refuse_guesser(s, totals[0]);
	if (l->auths == 0 || totals[1] <= l->auths)
		return true;
	warn(s, "AUTH command rate", totals[1]);
	reply(s, "450 4.7.1 Error: too many AUTH commands from %.*s",
	    STR_ARG(s->client.address));
	return false;
}

bool
rate_auth_failed(struct session *s, struct str login)
{
	struct limits *l = &s->server->limits;
	BUF_CLEANUP struct buf network = {0};
	bool is_limited = l->failures > 0 && !is_exempt(s);
	struct memo_count counts[2];
	uint64_t totals[2];
	size_t n = 0;

	if (is_limited)
		counts[n++] = (struct memo_count){
		    MEMO_AUTH_FAILURES, network_of(s, &network), 1};
	if (l->refusals > 0 && login.len > 0)
		counts[n++] = (struct memo_count){
		    MEMO_LOGIN_FAILURES, login_key(s, login), 1};
	if (n == 0 || !limit_count(l, counts, n, totals) || !is_limited ||
	    totals[0] <= l->failures)
		return true;
	return refuse_guesser(s, totals[0] - 1);
}

/* Where a login is at home it is not locked out by what others try. */
static struct str
home_key(struct session *s, struct str login)
{
	BUF_CLEANUP struct buf b = {0};
	struct str network = network_of(s, &b), key = login_key(s, login);

	return arena_strf(
	    &s->scratch, "%.*s %.*s", STR_ARG(network), STR_ARG(key));
}

bool
rate_login(struct session *s, struct str login)
{
	struct limits *l = &s->server->limits;
	BUF_CLEANUP struct buf network = {0};
	struct memo_count counts[3];
	uint64_t totals[3];

	if ((l->failures == 0 && l->refusals == 0) || is_exempt(s))
		return true;
	counts[0] =
	    (struct memo_count){MEMO_AUTH_FAILURES, network_of(s, &network), 0};
	counts[1] =
	    (struct memo_count){MEMO_LOGIN_FAILURES, login_key(s, login), 0};
	counts[2] =
	    (struct memo_count){MEMO_LOGIN_HOMES, home_key(s, login), 0};
	if (!limit_count(l, counts, 3, totals))
		return true;
	if (l->failures > 0 && totals[0] >= l->failures)
		return refuse_guesser(s, totals[0]);
	if (l->refusals == 0 || totals[2] > 0)
		return true;
	if (totals[1] < l->refusals) {
		counts[2].n = 1;
		(void)limit_count(l, &counts[2], 1, totals);
		return true;
	}
	warn(s, "Authentication failure of a login", totals[1]);
	reply(s, "454 4.7.0 Temporary authentication failure: too many "
		 "failures for this login");
	return false;
}

/* ---- what a login sends ---- */

static bool
is_unlimited_login(struct session *s)
{
	return match_domain(s->server->unlimited_logins, s->login.user,
		   &s->scratch) == FIND_YES;
}

static void
tell_postmaster(struct session *s)
{
	const struct conf *c = s->server->conf;
	uint64_t limit = s->server->limits.login_recipients;
	struct str login = login_key(s, s->login.user);

	transcript_notice(&s->server->post, NOTICE_POLICY,
	    arena_strf(&s->scratch,
		"SMTP server: mail of login %.*s is put on hold",
		STR_ARG(login)),
	    arena_strf(&s->scratch,
		"Login %.*s, this time from %.*s, has sent to more than %llu "
		"recipients\nwithin an hour: "
		"smtpd_login_recipient_rate_limit.  Until that hour is over "
		"what it\nsends is put on hold.  Nothing is lost, the sender "
		"is not told, and this is the\nonly notice of it.\n\n"
		"Whoever has stolen a password sends like this.  \"mailq\" "
		"marks what is on hold\nwith \"!\"; \"postsuper -H ID\" lets a "
		"message go, \"postsuper -d ID\" deletes it.\nA login that may "
		"send more belongs in smtpd_login_rate_limit_exceptions.\n\n"
		"For other details, see the log of %.*s.\n",
		STR_ARG(login), STR_ARG(s->client.text),
		(unsigned long long)limit,
		STR_ARG(conf_str(c, PARAM_myhostname))));
}

void
rate_message(struct session *s)
{
	struct limits *l = &s->server->limits;
	struct memo_count count = {
	    .what = MEMO_LOGIN_RECIPIENTS, .n = s->txn.recipients};
	uint64_t total;

	if (l->login_recipients == 0 || s->login.user.len == 0 ||
	    is_unlimited_login(s))
		return;
	count.key = login_key(s, s->login.user);
	if (!limit_count(l, &count, 1, &total) || total <= l->login_recipients)
		return;
	s->txn.treatment.is_held = true;
	check_log(&(struct check){.s = s, .a = &s->scratch}, "hold",
	    arena_strf(&s->scratch,
		"Recipient rate limit of login %.*s exceeded: %llu",
		STR_ARG(count.key), (unsigned long long)total));
	if (total - count.n <= l->login_recipients)
		tell_postmaster(s);
}
