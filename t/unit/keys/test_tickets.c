/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "tickets.h"

#include "base/clock.h"

#include <string.h>

#define LIFE (100 * CLOCK_SEC)

static void
get(const struct tickets *t, size_t i, const char *client, const char *binding,
    unsigned char *ret)
{
	tickets_get(t, i, str_c(client), str_c(binding), ret);
}

static bool
is_same(const unsigned char *a, const unsigned char *b)
{
	return memcmp(a, b, KEYS_TICKET) == 0;
}

/* The newest becomes the one before, and is gone after that. */
static void
they_have_their_time(void **state)
{
	unsigned char first[KEYS_TICKET], now[KEYS_TICKET];
	struct tickets t = {0};
	int64_t next;

	(void)state;
	assert_true(tickets_tend(&t, LIFE, 5, &next));
	assert_int_equal(next, 5 + LIFE);
	assert_int_equal(t.n, 1);
	get(&t, 0, "smtpd/smtp", "", first);
	assert_false(tickets_tend(&t, LIFE, 4 + LIFE, &next));
	assert_int_equal(next, 5 + LIFE);
	assert_true(tickets_tend(&t, LIFE, 5 + LIFE, &next));
	assert_int_equal(t.n, 2);
	get(&t, 0, "smtpd/smtp", "", now);
	assert_false(is_same(first, now));
	get(&t, 1, "smtpd/smtp", "", now);
	assert_true(is_same(first, now));
	assert_true(tickets_tend(&t, LIFE, 5 + 2 * LIFE, &next));
	for (size_t i = 0; i < 2; i++) {
		get(&t, i, "smtpd/smtp", "", now);
		assert_false(is_same(first, now));
	}
	/* After a long sleep there is no old one. */
	assert_true(tickets_tend(&t, LIFE, 5 + 9 * LIFE, &next));
	assert_int_equal(t.n, 1);
}

static void
they_are_one_services(void **state)
{
	static const char *const others[][2] = {{"smtpd/smtp", ""},
	    {"smtpd/submission", "b"}, {"smtpd/smtpb", ""}, {"smtpd/smt", "pb"},
	    {"", "b"}};
	unsigned char mine[KEYS_TICKET], other[KEYS_TICKET];
	struct tickets t = {0};
	int64_t next;

	(void)state;
	tickets_tend(&t, LIFE, 5, &next);
	get(&t, 0, "smtpd/smtp", "b", mine);
	get(&t, 0, "smtpd/smtp", "b", other);
	assert_true(is_same(mine, other));
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		get(&t, 0, others[i][0], others[i][1], other);
		assert_memory_not_equal(mine, other, 16);
		assert_memory_not_equal(mine + 16, other + 16, 32);
		assert_memory_not_equal(mine + 48, other + 48, 32);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(they_have_their_time),
    cmocka_unit_test(they_are_one_services),
};

TAP_RUN(tests)
