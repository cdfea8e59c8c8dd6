/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "mail/near.h"

static void
test_distance(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned distance;
	} cases[] = {
	    {"", "", 0},
	    {"a", "", 1},
	    {"mail", "mail", 0},
	    {"mial", "mail", 1},
	    {"mal", "mail", 1},
	    {"maiil", "mail", 1},
	    {"moil", "mail", 1},
	    {"ab", "ba", 1},
	    {"abc", "bca", 2},
	    {"relayhosts", "relayhost", 1},
	    {"rleayhsot", "relayhost", 2},
	    {"one", "two", 3},
	    {"a", "abcd", 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
		    near_distance(str_c(cases[i].a), str_c(cases[i].b), 2),
		    cases[i].distance);
		assert_int_equal(
		    near_distance(str_c(cases[i].b), str_c(cases[i].a), 2),
		    cases[i].distance);
	}
}

static void
test_long(void **state)
{
	char a[NEAR_MAX + 2], b[NEAR_MAX + 2];

	(void)state;
	memset(a, 'x', sizeof(a));
	memset(b, 'x', sizeof(b));
	b[5] = 'y';
	assert_int_equal(
	    near_distance(str_n(a, NEAR_MAX), str_n(b, NEAR_MAX), 2), 1);
	/* Too long to be looked at. */
	assert_int_equal(
	    near_distance(str_n(a, NEAR_MAX + 1), str_n(a, NEAR_MAX + 1), 2),
	    3);
	assert_int_equal(near_limit(STR("defer")), 1);
	assert_int_equal(near_limit(STR("reject")), 2);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_distance),
    cmocka_unit_test(test_long),
};
TAP_RUN(tests)
