/* SPDX-License-Identifier: ISC */
/* limit - sessions by client, and the conversation with memo. */
#include "limit.h"

#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONVERSATIONS 2 /* one that breaks is not the last */

static struct chan *converse(struct limits *l, int64_t deadline);

static void
tell_anew(void *arg)
{
	(void)converse(arg, clock_after(MEMO_DEADLINE));
}

/* Others ask memo about our clients, too: it is told again at once. */
static void
forget_told(struct chan *c, const char *why, void *arg)
{
	struct limits *l = arg;

	(void)c;
	if (*why != '\0')
		log_warning("memo: %s", why);
	l->told = NULL;
	if (l->clients.count > 0)
		task_start(tell_anew, l);
}

static uint64_t
limit_of(const struct conf *c, enum param p)
{
	return (uint64_t)conf_int(c, p);
}

void
limit_init(struct limits *l, struct serve *sv, const struct conf *c)
{
	static const struct chan_events events = {.on_close = forget_told};

	*l = (struct limits){
	    .sessions = limit_of(c, PARAM_smtpd_client_connection_count_limit),
	    .connections =
		limit_of(c, PARAM_smtpd_client_connection_rate_limit),
	    .messages = limit_of(c, PARAM_smtpd_client_message_rate_limit),
	    .recipients = limit_of(c, PARAM_smtpd_client_recipient_rate_limit),
	    .tls_sessions =
		limit_of(c, PARAM_smtpd_client_new_tls_session_rate_limit),
	    .auths = limit_of(c, PARAM_smtpd_client_auth_rate_limit),
	    .failures = limit_of(c, PARAM_smtpd_client_auth_failure_limit),
	    .refusals = limit_of(c, PARAM_smtpd_login_auth_failure_limit),
	    .login_recipients =
		limit_of(c, PARAM_smtpd_login_recipient_rate_limit),
	    .bits4 =
		(unsigned)conf_int(c, PARAM_smtpd_client_ipv4_prefix_length),
	    .bits6 =
		(unsigned)conf_int(c, PARAM_smtpd_client_ipv6_prefix_length),
	    .service = serve_service(sv),
	    .memo = link_new(sv, "memo", &memo_protocol, &events, l),
	};
	map_init(&l->clients);
}

void
limit_done(struct limits *l)
{
	assert(l->clients.count == 0);
	map_done(&l->clients);
	link_free(&l->memo);
}

bool
limit_is_set(const struct limits *l)
{
	return l->sessions > 0 || l->connections > 0 || l->messages > 0 ||
	       l->recipients > 0 || l->tls_sessions > 0 || l->auths > 0;
}

/* ---- the sessions in this process ---- */

void
limit_network(const struct limits *l, const struct ip *ip, struct buf *out)
{
	unsigned all = ip->family == 4 ? 32 : 128;
	unsigned bits = ip->family == 4 ? l->bits4 : l->bits6;
	struct ip network = *ip;
	char text[IP_TEXT_MAX];

	for (unsigned i = bits; i < all; i++)
		network.b[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
	ip_format(&network, text);
	(void)buf_add_c(out, text);
	if (bits < all)
		(void)buf_addf(out, "/%u", bits);
}

static struct limit_client *
new_client(struct limits *l, struct str key, size_t prefix)
{
	struct limit_client *client = calloc(1, sizeof(*client) + key.len);

	if (client == NULL)
		log_fatal("out of memory");
	memcpy(client->text, key.p, key.len);
	client->key = str_n(client->text, key.len);
	client->network = str_from(client->key, prefix);
	map_put(&l->clients, client->key, client);
	return client;
}

void
limit_enter(struct limits *l, const struct ip *ip, struct limit_ticket *ret)
{
	BUF_CLEANUP struct buf key = {0};
	struct limit_client *client;
	size_t prefix;

	buf_init(&key, LIMIT_KEY_MAX);
	(void)buf_add_str(
	    &key, str_sub(l->service, 0, LIMIT_KEY_MAX - IP_TEXT_MAX - 8));
	(void)buf_add_char(&key, ':');
	prefix = key.len;
	limit_network(l, ip, &key);
	client = map_get(&l->clients, buf_str(&key));
	if (client == NULL)
		client = new_client(l, buf_str(&key), prefix);
	client->n++;
	ret->client = client;
}

/* Where there is a conversation: a new one begins with all that there is.
 * Does not wait. */
static void
tell_sessions(struct limits *l, const struct limit_client *client)
{
	struct memo_count count = {MEMO_SESSIONS, client->key, client->n};
	const struct memo_ask tell = {{&count, 1}};

	if (l->told != NULL)
		(void)chan_send(l->told, MEMO_TELL, 0, &tell, NULL, 0);
}

void
limit_leave(struct limits *l, struct limit_ticket *t)
{
	struct limit_client *client = t->client;

	if (client == NULL)
		return;
	t->client = NULL;
	assert(client->n > 0);
	client->n--;
	tell_sessions(l, client);
	if (client->n > 0)
		return;
	map_del(&l->clients, client->key);
	free(client);
}

/* ---- questions ---- */

static void
tell_all(struct limits *l, struct chan *c)
{
	struct memo_count counts[MEMO_COUNTS_MAX];
	struct memo_ask tell = {{counts, 0}};

	MAP_FOREACH (slot, &l->clients) {
		const struct limit_client *client = slot->value;

		counts[tell.counts.n++] =
		    (struct memo_count){MEMO_SESSIONS, client->key, client->n};
		if (tell.counts.n < MEMO_COUNTS_MAX)
			continue;
		(void)chan_send(c, MEMO_TELL, 0, &tell, NULL, 0);
		tell.counts.n = 0;
	}
	if (tell.counts.n > 0)
		(void)chan_send(c, MEMO_TELL, 0, &tell, NULL, 0);
	l->told = c;
}

/* The conversation, in which all that we have was told; NULL: none. */
static struct chan *
converse(struct limits *l, int64_t deadline)
{
	struct chan *c = link_chan(l->memo, deadline);

	if (c != NULL && c != l->told)
		tell_all(l, c);
	return c;
}

static void
note_away(struct limits *l, bool is_away)
{
	if (is_away)
		l->away_until = clock_after(LIMIT_AWAY);
	if (is_away && !l->is_away)
		log_warning("memo does not answer: nobody is refused for a "
			    "rate until it does");
	if (!is_away && l->is_away)
		log_info("memo answers again: rates count");
	l->is_away = is_away;
}

static bool
read_answer(struct parcel *p, size_t n, uint64_t *ret)
{
	const struct memo_answer *answer = p->value;
	const struct memo_total *totals;

	if (p->kind != MEMO_ANSWER || answer->totals.n != n)
		return false;
	totals = answer->totals.p;
	for (size_t i = 0; i < n; i++)
		ret[i] = totals[i].n;
	return true;
}

/* With a ticket the first counter is its client's sessions, as of the moment
 * in which it is told. */
static bool
ask(struct limits *l, const struct limit_ticket *t, struct memo_count *counts,
    size_t n, uint64_t *ret)
{
	int64_t deadline = clock_after(MEMO_DEADLINE);
	const struct memo_ask question = {{counts, n}};
	struct parcel answer;
	int r = -EPIPE;
	bool ok;

	if (clock_mono() < l->away_until)
		return false;
	for (int i = 0; i < CONVERSATIONS && r == -EPIPE; i++) {
		struct chan *c = converse(l, deadline);

		if (c == NULL)
			break;
		if (t != NULL)
			counts[0].n = t->client->n;
		r = chan_call(
		    c, MEMO_ASK, &question, NULL, 0, &answer, deadline);
	}
	ok = r == 0 && read_answer(&answer, n, ret);
	if (r == 0)
		parcel_done(&answer);
	if (!task_is_cancelled())
		note_away(l, !ok);
	return ok;
}

bool
limit_connect(struct limits *l, const struct limit_ticket *t,
    uint64_t *ret_sessions, uint64_t *ret_connections)
{
	struct memo_count counts[] = {
	    {MEMO_SESSIONS, t->client->key, 0},
	    {MEMO_CONNECTIONS, t->client->key, 1},
	};
	uint64_t totals[2] = {0};
	bool ok = ask(l, t, counts, 2, totals);

	if (!ok) /* perhaps nobody was asked */
		tell_sessions(l, t->client);
	*ret_sessions = ok ? totals[0] : t->client->n;
	*ret_connections = totals[1];
	return ok;
}

bool
limit_count(struct limits *l, const struct memo_count *counts, size_t n,
    uint64_t *ret_totals)
{
	struct memo_count mine[MEMO_COUNTS_MAX];

	assert(n <= MEMO_COUNTS_MAX);
	for (size_t i = 0; i < n; i++) {
		mine[i] = counts[i];
		if (mine[i].n > MEMO_N_MAX)
			mine[i].n = MEMO_N_MAX;
	}
	return ask(l, NULL, mine, n, ret_totals);
}
