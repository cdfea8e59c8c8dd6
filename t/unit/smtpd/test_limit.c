/* SPDX-License-Identifier: ISC */
/* Sessions by client. */
#include "tap.h"

#include "client.h"
#include "limit.h"

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
	struct arena arena ARENA_CLEANUP;

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

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_counts),
    cmocka_unit_test(test_networks),
    cmocka_unit_test(test_reverse_names),
};
TAP_RUN(tests)
