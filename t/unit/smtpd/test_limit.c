/* SPDX-License-Identifier: ISC */
/* Sessions by client. */
#include "tap.h"

#include "client.h"
#include "limit.h"
#include "peers.h"

#include <errno.h>
#include <stdio.h>

static struct ip
ip_of(const char *text)
{
	struct ip ip;

	assert_int_equal(ip_parse(str_c(text), &ip), 0);
	return ip;
}

/* ---- what serve is to a limit: no conversation, or one that we hold ---- */

struct str
serve_service(const struct serve *sv)
{
	(void)sv;
	return STR("smtp");
}

static int peer = -1; /* the end that is memo's */

int
serve_link(struct serve *sv, const char *service, int64_t deadline)
{
	int fds[2];

	(void)sv;
	(void)deadline;
	assert_string_equal(service, "memo");
	if (peer == -2)
		return -ETIMEDOUT;
	assert_int_equal(chan_pair(fds), 0);
	peer = fds[1];
	return fds[0];
}

uint64_t
serve_limit(const struct serve *sv)
{
	(void)sv;
	return 0;
}

int
serve_connect(struct serve *sv, struct str endpoint, int64_t deadline)
{
	(void)sv;
	(void)endpoint;
	(void)deadline;
	return -EACCES;
}

void
serve_exit(struct serve *sv, int code)
{
	(void)sv;
	(void)code;
}

static void
open_limits(struct limits *l, const char *main_cf)
{
	struct conf *c = conf_from_text(
	    "/nonexistent", str_c(main_cf), STR_NONE, NULL, NULL);

	assert_non_null(c);
	limit_init(l, NULL, c);
	conf_free(&c);
}

static void
test_counts(void **state)
{
	struct ip a = ip_of("192.0.2.1"), b = ip_of("192.0.2.2");
	struct limit_ticket t[4] = {0};
	struct limits l;

	(void)state;
	open_limits(&l, "");
	assert_true(limit_is_set(&l));
	for (size_t i = 0; i < 3; i++)
		limit_enter(&l, &a, &t[i]);
	limit_enter(&l, &b, &t[3]);
	assert_int_equal(t[0].client->n, 3);
	assert_str(t[0].client->key, "smtp:192.0.2.1");
	assert_str(t[0].client->network, "192.0.2.1");
	assert_int_equal(t[3].client->n, 1);
	for (size_t i = 0; i < 3; i++)
		limit_leave(&l, &t[i]);
	limit_leave(&l, &t[0]); /* gave it back already: nothing */
	limit_enter(&l, &a, &t[0]);
	assert_int_equal(t[0].client->n, 1);
	limit_leave(&l, &t[0]);
	limit_leave(&l, &t[3]);
	limit_done(&l);
}

static void
test_networks(void **state)
{
	static const struct {
		const char *main_cf, *ip, *network;
	} rows[] = {
	    {"", "2001:db8::1", "2001:db8::/64"},
	    {"", "2001:db8::ffff:2", "2001:db8::/64"},
	    {"", "2001:db8:0:1::1", "2001:db8:0:1::/64"},
	    {"", "192.0.2.255", "192.0.2.255"},
	    {"smtpd_client_ipv4_prefix_length = 24", "192.0.2.255",
		"192.0.2.0/24"},
	    {"smtpd_client_ipv4_prefix_length = 31", "192.0.2.255",
		"192.0.2.254/31"},
	    {"smtpd_client_ipv4_prefix_length = 0", "192.0.2.255", "0.0.0.0/0"},
	    {"smtpd_client_ipv6_prefix_length = 0", "2001:db8::1", "::/0"},
	    {"smtpd_client_ipv6_prefix_length = 84", "2001:db8::ffff:2",
		"2001:db8::/84"},
	    {"smtpd_client_ipv6_prefix_length = 127", "2001:db8::3",
		"2001:db8::2/127"},
	    {"smtpd_client_ipv6_prefix_length = 128", "2001:db8::3",
		"2001:db8::3"},
	    {"", "::ffff:192.0.2.1", "192.0.2.1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BUF_CLEANUP struct buf b = {0};
		struct ip ip = ip_of(rows[i].ip);
		struct limits l;

		buf_init(&b, 100);
		open_limits(&l, rows[i].main_cf);
		limit_network(&l, &ip, &b);
		assert_str(buf_str(&b), rows[i].network);
		limit_done(&l);
	}
}

static void
test_is_set(void **state)
{
	static const char none[] = "smtpd_client_connection_count_limit = 0\n";
	static const char *const any[] = {"connection_rate", "message_rate",
	    "recipient_rate", "new_tls_session_rate", "auth_rate",
	    "connection_count"};
	struct limits l;

	(void)state;
	open_limits(&l, none);
	assert_false(limit_is_set(&l));
	limit_done(&l);
	for (size_t i = 0; i < sizeof(any) / sizeof(any[0]); i++) {
		char text[200];

		snprintf(text, sizeof(text), "%ssmtpd_client_%s_limit = 1\n",
		    none, any[i]);
		open_limits(&l, text);
		assert_true(limit_is_set(&l));
		limit_done(&l);
	}
}

/* ---- questions ---- */

struct heard {
	struct buf text; /* of what memo was told and asked */
	uint64_t totals[8];
	bool is_silent, says_too_little;
};

static void
hear(struct chan *c, struct parcel *p, void *arg)
{
	struct heard *h = arg;
	const struct memo_ask *ask = p->value;
	const struct memo_count *counts = ask->counts.p;
	struct memo_total totals[8];
	struct memo_answer answer = {{totals, ask->counts.n}};

	buf_add_char(&h->text, p->kind == MEMO_ASK ? '?' : '!');
	for (size_t i = 0; i < ask->counts.n; i++) {
		buf_addf(&h->text, " %llu %.*s %llu",
		    (unsigned long long)counts[i].what, STR_ARG(counts[i].key),
		    (unsigned long long)counts[i].n);
		totals[i].n = h->totals[i];
	}
	buf_add_char(&h->text, '\n');
	if (h->says_too_little)
		answer.totals.n--;
	if (p->kind == MEMO_ASK && !h->is_silent)
		chan_send(c, MEMO_ANSWER, p->exchange, &answer, NULL, 0);
}

/* Takes the other end of what limit.c opens next. */
static void
be_memo(void *arg)
{
	static const struct chan_events events = {.on_parcel = hear};
	struct heard *h = arg;

	while (peer < 0)
		task_yield();
	(void)chan_new(peer, &memo_protocol, &events, h);
	peer = -1;
}

static void
expect(struct heard *h, const char *want)
{
	for (int i = 0; i < 10; i++)
		task_yield();
	assert_string_equal(h->text.p, want);
	buf_reset(&h->text);
}

static void
converse(void *arg)
{
	struct ip a = ip_of("192.0.2.1"), b = ip_of("192.0.2.2");
	struct limit_ticket t[3] = {0};
	struct heard h = {.totals = {7, 9}};
	struct memo_count count = {MEMO_MESSAGES, STR("smtp:x"), 5};
	uint64_t sessions, connections, total = 0;
	struct limits l;

	(void)arg;
	buf_init(&h.text, 4096);
	open_limits(&l, "");
	limit_enter(&l, &a, &t[0]);
	task_start(be_memo, &h);
	assert_true(limit_connect(&l, &t[0], &sessions, &connections));
	assert_int_equal(sessions, 7);
	assert_int_equal(connections, 9);
	/* A conversation begins with all that there is. */
	expect(&h, "! 0 smtp:192.0.2.1 1\n"
		   "? 0 smtp:192.0.2.1 1 1 smtp:192.0.2.1 1\n");
	limit_enter(&l, &a, &t[1]);
	assert_true(limit_connect(&l, &t[1], &sessions, &connections));
	assert_true(limit_count(&l, &count, 1, &total));
	assert_int_equal(total, 7);
	limit_leave(&l, &t[1]);
	limit_leave(&l, &t[0]);
	expect(&h, "? 0 smtp:192.0.2.1 2 1 smtp:192.0.2.1 1\n"
		   "? 2 smtp:x 5\n"
		   "! 0 smtp:192.0.2.1 1\n"
		   "! 0 smtp:192.0.2.1 0\n");
	/* An answer to something else is none. */
	h.says_too_little = true;
	limit_enter(&l, &b, &t[2]);
	assert_false(limit_connect(&l, &t[2], &sessions, &connections));
	assert_int_equal(sessions, 1);
	assert_true(l.is_away);
	expect(&h, "? 0 smtp:192.0.2.2 1 1 smtp:192.0.2.2 1\n"
		   "! 0 smtp:192.0.2.2 1\n");
	/* For a while nobody asks, and memo knows of the sessions. */
	assert_false(limit_count(&l, &count, 1, &total));
	limit_enter(&l, &b, &t[0]);
	assert_false(limit_connect(&l, &t[0], &sessions, &connections));
	limit_leave(&l, &t[0]);
	expect(&h, "! 0 smtp:192.0.2.2 2\n! 0 smtp:192.0.2.2 1\n");
	/* More than a parcel takes. */
	count.n = MEMO_N_MAX + 1;
	h.says_too_little = false;
	l.away_until = 0;
	assert_true(limit_count(&l, &count, 1, &total));
	assert_false(l.is_away);
	limit_leave(&l, &t[2]);
	limit_done(&l);
	for (int i = 0; i < 10; i++)
		task_yield();
	buf_done(&h.text);
	loop_stop();
}

static void
nobody_there(void *arg)
{
	struct ip a = ip_of("192.0.2.1");
	struct limit_ticket t = {0};
	struct memo_count count = {MEMO_MESSAGES, STR("smtp:x"), 5};
	uint64_t sessions, connections, total = 3;
	struct limits l;

	(void)arg;
	peer = -2;
	open_limits(&l, "");
	limit_enter(&l, &a, &t);
	assert_false(limit_connect(&l, &t, &sessions, &connections));
	assert_int_equal(sessions, 1);
	assert_int_equal(connections, 0);
	l.away_until = 0;
	assert_false(limit_count(&l, &count, 1, &total));
	limit_leave(&l, &t);
	limit_done(&l);
	peer = -1;
	loop_stop();
}

static void
run(void (*fn)(void *))
{
	assert_int_equal(loop_init(), 0);
	task_start(fn, NULL);
	loop_run();
	loop_done();
}

static void
test_conversation(void **state)
{
	(void)state;
	run(converse);
}

static void
test_nobody_there(void **state)
{
	(void)state;
	run(nobody_there);
}

static void
test_reverse_names(void **state)
{
	struct ip a = ip_of("192.0.2.1"), b = ip_of("2001:db8::1");
	ARENA_CLEANUP struct arena arena = {0};

	(void)state;
	arena_init(&arena, 4096);
	assert_str(client_reverse_name(
		       &a, STR("in-addr.arpa"), STR("ip6.arpa"), &arena),
	    "1.2.0.192.in-addr.arpa");
	assert_str(client_reverse_name(
		       &b, STR("in-addr.arpa"), STR("ip6.arpa"), &arena),
	    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
	    "ip6.arpa");
}

static void
test_peers(void **state)
{
	ARENA_CLEANUP struct arena a = {0};
	struct client c, again;
	struct peers p;

	(void)state;
	arena_init(&a, 1 << 20);
	peers_init(&p);
	for (uint8_t i = 0; i < 5; i++)
		for (uint8_t k = 0; k < 255; k++) {
			struct ip ip = {.family = 4, .b = {192, 0, i, k}};

			client_init(&c, &ip, 25, false, &a);
			client_set_name(
			    &c, STR("a.test"), STR("a.test"), false, &a);
			c.status = CLIENT_KNOWN;
			peers_remember(&p, &c);
		}
	assert_int_equal(p.map.count, PEERS_MAX);
	client_init(&again, &c.ip, 26, true, &a);
	assert_true(peers_recall(&p, &again, true, &a));
	assert_str(again.text, "a.test[192.0.4.254]:26");
	assert_int_equal(again.status, CLIENT_KNOWN);
	assert_int_equal(again.reverse_status, CLIENT_NONE);
	client_init(&again, &(struct ip){.family = 4, .b = {192, 0, 0, 1}}, 25,
	    false, &a);
	assert_false(peers_recall(&p, &again, false, &a));
	peers_done(&p);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_counts),
    cmocka_unit_test(test_networks),
    cmocka_unit_test(test_is_set),
    cmocka_unit_test(test_conversation),
    cmocka_unit_test(test_nobody_there),
    cmocka_unit_test(test_reverse_names),
    cmocka_unit_test(test_peers),
};
TAP_RUN(tests)
