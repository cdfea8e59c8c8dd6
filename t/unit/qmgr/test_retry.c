/* SPDX-License-Identifier: ISC */
/* When again: by age and by chance. */
#include "tap.h"

#include "base/clock.h"
#include "retry.h"

#include <stdlib.h>

static const struct retry_bounds usual = {300 * CLOCK_SEC, 4000 * CLOCK_SEC};

static void
test_by_age(void **state)
{
	static const struct {
		int64_t age, wait; /* seconds */
	} rows[] = {{-86400, 300}, {0, 300}, {1, 300}, {299, 300}, {300, 300},
	    {301, 301}, {1234, 1234}, {4000, 4000}, {4001, 4000},
	    {10 * 365 * 86400, 4000}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t age = rows[i].age * CLOCK_SEC,
			wait = rows[i].wait * CLOCK_SEC;

		assert_int_equal(retry_wait(&usual, age, 0), wait);
		assert_int_equal(
		    retry_wait(&usual, age, 100), wait + wait / 10);
		assert_in_range(retry_wait(&usual, age, RETRY_CHANCES - 1),
		    wait + wait / 5, wait + wait / 4);
		assert_true(retry_wait(&usual, age, RETRY_CHANCES - 1) <=
			    retry_longest(&usual));
	}
}

/* 5, 10, 20, 40, 80, 160 s, and then the least; never later than that. */
static void
test_told(void **state)
{
	struct retry_bounds hasty = {CLOCK_SEC, 8 * CLOCK_SEC};

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(
		    retry_wait_told(&usual, i + 1, 0), 5 * CLOCK_SEC << i);
	assert_int_equal(retry_wait_told(&usual, 7, 0), 300 * CLOCK_SEC);
	assert_int_equal(retry_wait_told(&usual, 0, 0), 5 * CLOCK_SEC);
	assert_int_equal(retry_wait_told(&hasty, 1, 0), CLOCK_SEC);
	assert_int_equal(retry_wait_told(&usual, 1, 200), 6 * CLOCK_SEC);
}

/* The attempts of five days: they double, and then come every 4000 s. */
static void
test_five_days(void **state)
{
	int64_t at = 0, wait = 0, last = 0;
	unsigned n = 0;

	(void)state;
	for (; at < 5 * 86400 * CLOCK_SEC; at += wait, n++) {
		wait = retry_wait(&usual, at, 0);
		assert_true(wait >= last && (n < 2 || wait <= 2 * last));
		last = wait;
	}
	assert_in_range(n, 108, 116);
}

/* A host comes back after an hour, for 10,000 messages that failed in the same
 * second, three times: they come within minutes, not seconds. */
static void
test_spread(void **state)
{
	static unsigned at[4000];
	unsigned most = 0;

	(void)state;
	srand(3);
	for (int i = 0; i < 10000; i++) {
		int64_t age = 0;

		for (int k = 0; k < 3; k++)
			age += retry_wait(
			    &usual, age, (uint32_t)rand() % RETRY_CHANCES);
		at[age / CLOCK_SEC]++;
	}
	for (size_t s = 0; s < 4000; s++)
		if (at[s] > most)
			most = at[s];
	assert_in_range(most, 10, 60);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_by_age),
    cmocka_unit_test(test_told),
    cmocka_unit_test(test_five_days),
    cmocka_unit_test(test_spread),
};

TAP_RUN(tests)
