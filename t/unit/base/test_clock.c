/* SPDX-License-Identifier: ISC */
/* How old something is, whatever is done to the wall clock. */
#include "tap.h"

#include "base/clock.h"

#define HOUR (3600 * CLOCK_SEC)
#define YEAR (365 * 24 * HOUR)

static int64_t mono = 1000 * CLOCK_SEC;

/* Time goes by, and the clock may have been set. */
static void
pass(int64_t ns, int64_t *wall, int64_t jump)
{
	mono += ns;
	*wall += ns + jump;
	clock_set(mono, *wall);
}

static void
test_age(void **state)
{
	static const int64_t jumps[] = {
	    HOUR, -HOUR, 10 * YEAR, -10 * YEAR, -HOUR, HOUR, -10 * YEAR};
	int64_t wall = 50 * YEAR, first, latest;

	(void)state;
	clock_set(mono, wall);
	first = wall;
	assert_int_equal(clock_age(first), 0);
	pass(5 * CLOCK_SEC, &wall, 0);
	assert_int_equal(clock_age(first), 5 * CLOCK_SEC);
	assert_int_equal(clock_age(first - HOUR), HOUR + 5 * CLOCK_SEC);
	for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		pass(CLOCK_SEC, &wall, jumps[i]);
		latest = wall;
		assert_int_equal(clock_age(latest), 0);
		pass(CLOCK_SEC, &wall, 0);
		/* what was dated by this setting, and by the first one */
		assert_int_equal(clock_age(latest), CLOCK_SEC);
		assert_int_equal(
		    clock_age(first), (7 + 2 * (int64_t)i) * CLOCK_SEC);
	}
}

static void
test_no_date_is_too_far(void **state)
{
	(void)state;
	assert_int_equal(clock_age(INT64_MAX), 0);
	assert_true(clock_age(INT64_MIN) >= 0);
	assert_int_equal(clock_age(61 * YEAR), 0);
}

/* Corrections as small as NTP's are no setting: ages follow the clock. */
static void
test_small_corrections(void **state)
{
	int64_t wall = clock_wall(), date;

	(void)state;
	pass(CLOCK_SEC, &wall, 20 * YEAR);
	date = wall;
	for (int i = 0; i < 100; i++)
		pass(CLOCK_SEC, &wall, CLOCK_MS);
	assert_in_range(
	    clock_age(date), 100 * CLOCK_SEC - CLOCK_MS, 101 * CLOCK_SEC);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_age),
    cmocka_unit_test(test_no_date_is_too_far),
    cmocka_unit_test(test_small_corrections),
};

TAP_RUN(tests)
