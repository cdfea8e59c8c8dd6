/* SPDX-License-Identifier: ISC */
/* Sessions by client. */
#include "tap.h"

#include "client.h"
#include "limit.h"
#include "peers.h"

static struct ip
ip_of(const char *text)
{
	struct ip ip;

	assert_int_equal(ip_parse(str_c(text), &ip), 0);
	return ip;
}

static void
test_counts(void **state)
{
	struct ip a = ip_of("192.0.2.1"), b = ip_of("192.0.2.2");
	struct limit_ticket t[4] = {0};
	struct limit l;
	unsigned n;

	(void)state;
	limit_init(&l, 2);
	assert_true(limit_enter(&l, &a, &t[0], &n));
	assert_int_equal(n, 1);
	assert_true(limit_enter(&l, &a, &t[1], &n));
	assert_false(limit_enter(&l, &a, &t[2], &n));
	assert_int_equal(n, 3);
	assert_true(limit_enter(&l, &b, &t[3], &n));
	assert_int_equal(n, 1);
	for (size_t i = 0; i < 3; i++)
		limit_leave(&l, &t[i]);
	limit_leave(&l, &t[0]); /* gave it back already: nothing */
	assert_true(limit_enter(&l, &a, &t[0], &n));
	assert_int_equal(n, 1);
	limit_leave(&l, &t[0]);
	limit_leave(&l, &t[3]);
	limit_done(&l);
}

static void
test_networks(void **state)
{
	struct ip a = ip_of("2001:db8::1"), b = ip_of("2001:db8::ffff:2");
	struct ip other = ip_of("2001:db8:0:1::1");
	struct limit_ticket t[3] = {0};
	struct limit l;
	unsigned n;

	(void)state;
	limit_init(&l, 0);
	assert_true(limit_enter(&l, &a, &t[0], &n));
	assert_true(limit_enter(&l, &b, &t[1], &n));
	assert_int_equal(n, 2);
	assert_true(limit_enter(&l, &other, &t[2], &n));
	assert_int_equal(n, 1);
	for (size_t i = 0; i < 3; i++)
		limit_leave(&l, &t[i]);
	limit_done(&l);
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
    cmocka_unit_test(test_reverse_names),
    cmocka_unit_test(test_peers),
};
TAP_RUN(tests)
