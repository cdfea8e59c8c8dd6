/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "guests.h"

static void
test_bounds(void **state)
{
	struct guests g = {.n = 0};
	uid_t uid = 100;

	(void)state;
	for (int i = 0; i < GUESTS_MAX_A_UID; i++)
		assert_true(guests_enter(&g, 7));
	assert_false(guests_enter(&g, 7));
	guests_leave(&g, 7);
	assert_true(guests_enter(&g, 7));
	while (!guests_is_full(&g))
		assert_true(guests_enter(&g, uid++));
	assert_int_equal(g.n, GUESTS_MAX);
	assert_false(guests_enter(&g, uid));
	guests_leave(&g, 100);
	assert_true(guests_enter(&g, uid));
	assert_false(guests_enter(&g, 7));
	for (int i = 0; i < GUESTS_MAX_A_UID; i++)
		guests_leave(&g, 7);
	assert_int_equal(g.n, GUESTS_MAX - GUESTS_MAX_A_UID);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_bounds),
};
TAP_RUN(tests)
