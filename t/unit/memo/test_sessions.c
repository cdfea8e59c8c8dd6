/* SPDX-License-Identifier: ISC */
/* Sessions of several processes, summed up. */
#include "tap.h"

#include "sessions.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t
set(struct sessions_share *share, const char *key, uint64_t n)
{
	uint64_t sum = UINT64_MAX;

	assert_true(sessions_set(share, str_c(key), n, &sum));
	return sum;
}

static void
test_sums(void **state)
{
	struct sessions all;
	struct sessions_share one, two;

	(void)state;
	sessions_init(&all);
	sessions_join(&one, &all);
	sessions_join(&two, &all);
	assert_int_equal(set(&one, "a", 0), 0);
	assert_int_equal(set(&one, "a", 1), 1);
	assert_int_equal(set(&one, "a", 2), 2);
	assert_int_equal(set(&one, "a", 2), 2); /* said twice: the same */
	assert_int_equal(set(&two, "a", 5), 7);
	assert_int_equal(set(&two, "b", 1), 1);
	assert_int_equal(set(&one, "a", 1), 6);
	assert_int_equal(set(&two, "a", 0), 1);
	assert_int_equal(set(&two, "a", 0), 1);
	assert_int_equal(set(&one, "a", 0), 0);
	assert_int_equal(all.sums.count, 1);
	sessions_leave(&one);
	sessions_leave(&two);
	sessions_done(&all);
}

static void
test_one_ends(void **state)
{
	struct sessions all;
	struct sessions_share one, two;

	(void)state;
	sessions_init(&all);
	sessions_join(&one, &all);
	sessions_join(&two, &all);
	set(&one, "a", 3);
	set(&one, "b", 3);
	set(&two, "a", 4);
	sessions_leave(&one);
	assert_int_equal(all.sums.count, 1);
	assert_int_equal(set(&two, "a", 4), 4);
	sessions_leave(&two);
	sessions_done(&all);
}

static void
test_a_share_is_bounded(void **state)
{
	struct sessions all;
	struct sessions_share one, two;
	uint64_t sum = 7;
	char key[32];

	(void)state;
	sessions_init(&all);
	sessions_join(&one, &all);
	sessions_join(&two, &all);
	for (int i = 0; i < SESSIONS_SHARE_MAX; i++) {
		snprintf(key, sizeof(key), "%d", i);
		set(&one, key, 1);
	}
	assert_false(sessions_set(&one, STR("a"), 1, &sum));
	assert_int_equal(sum, 7);
	assert_int_equal(set(&one, "a", 0), 0);
	assert_int_equal(set(&one, "1", 9), 9);
	assert_int_equal(set(&two, "a", 1), 1);
	assert_int_equal(set(&one, "1", 0), 0);
	assert_int_equal(set(&one, "a", 1), 2);
	sessions_leave(&one);
	sessions_leave(&two);
	sessions_done(&all);
}

/* Against a plain sum, at random. */
static void
test_random(void **state)
{
	struct sessions all;
	struct sessions_share shares[3];
	uint64_t plain[3][5] = {{0}};
	static const char *const keys[5] = {"a", "b", "ab", "", "ba"};
	unsigned seed = 1;

	(void)state;
	sessions_init(&all);
	for (int s = 0; s < 3; s++)
		sessions_join(&shares[s], &all);
	for (int i = 0; i < 20000; i++) {
		int s = rand_r(&seed) % 3, k = rand_r(&seed) % 5;

		if (rand_r(&seed) % 50 == 0) {
			sessions_leave(&shares[s]);
			sessions_join(&shares[s], &all);
			for (int j = 0; j < 5; j++)
				plain[s][j] = 0;
			continue;
		}
		plain[s][k] = (uint64_t)rand_r(&seed) % 4;
		assert_int_equal(set(&shares[s], keys[k], plain[s][k]),
		    plain[0][k] + plain[1][k] + plain[2][k]);
	}
	for (int s = 0; s < 3; s++)
		sessions_leave(&shares[s]);
	sessions_done(&all);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_sums),
    cmocka_unit_test(test_one_ends),
    cmocka_unit_test(test_a_share_is_bounded),
    cmocka_unit_test(test_random),
};
TAP_RUN(tests)
