/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "quota.h"

static void
test_bounds(void **state)
{
	struct quota q = {.all_max = 6, .free_min = 2, .user_max = 3};
	struct quota_use u[8];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(quota_take(&q, &u[i], 7, true));
	assert_false(quota_take(&q, &u[3], 7, true)); /* his own */
	assert_true(quota_take(&q, &u[3], 8, true));
	assert_false(quota_take(&q, &u[4], 8, true)); /* the others' */
	assert_true(quota_take(&q, &u[4], 0, false));
	assert_true(quota_take(&q, &u[5], 0, false));
	assert_false(quota_take(&q, &u[6], 0, false)); /* all */
	quota_give(&u[0]);
	assert_false(quota_take(&q, &u[0], 7, true));
	quota_give(&u[4]);
	assert_false(quota_take(&q, &u[0], 7, true));
	quota_give(&u[5]);
	assert_true(quota_take(&q, &u[0], 7, true));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_bounds),
};

TAP_RUN(tests)
