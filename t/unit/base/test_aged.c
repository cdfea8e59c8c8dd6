/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "base/aged.h"
#include "base/clock.h"

static unsigned freed; /* how often each value was, as decimal digits */

static void
count_freed(void *value)
{
	freed += *(const unsigned *)value;
}

static unsigned values[] = {1, 10, 100, 1000};

static int
setup(void **state)
{
	(void)state;
	freed = 0;
	return 0;
}

static void
test_values(void **state)
{
	struct aged *a = aged_new(10, CLOCK_SEC, count_freed);
	char key[] = "a";

	(void)state;
	assert_null(aged_get(a, STR("a")));
	aged_put(a, str_c(key), &values[0]);
	key[0] = 'X';
	assert_ptr_equal(aged_get(a, STR("a")), &values[0]);
	aged_put(a, STR("a"), &values[1]);
	assert_int_equal(freed, 1);
	assert_ptr_equal(aged_get(a, STR("a")), &values[1]);
	aged_put(a, STR_NONE, &values[2]); /* a key like others */
	assert_ptr_equal(aged_get(a, STR_NONE), &values[2]);
	aged_del(a, STR("a"));
	aged_del(a, STR("a"));
	assert_int_equal(freed, 11);
	assert_null(aged_get(a, STR("a")));
	aged_free(&a);
	assert_int_equal(freed, 111);
	assert_null(a);
	aged_free(&a);
}

static void
test_time(void **state)
{
	struct aged *a = aged_new(10, CLOCK_SEC, count_freed);

	(void)state;
	aged_put(a, STR("a"), &values[0]);
	clock_set(clock_mono() + CLOCK_SEC - 1, clock_wall());
	aged_put(a, STR("b"), &values[1]);
	assert_ptr_equal(aged_get(a, STR("a")), &values[0]);
	clock_set(clock_mono() + 1, clock_wall());
	assert_ptr_equal(aged_get(a, STR("b")), &values[1]);
	assert_int_equal(freed, 1); /* though nobody asked for it */
	assert_null(aged_get(a, STR("a")));
	aged_free(&a);
}

/* Put anew it is the youngest; full: the oldest goes, asked for or not. */
static void
test_count(void **state)
{
	struct aged *a = aged_new(2, CLOCK_SEC, count_freed);

	(void)state;
	aged_put(a, STR("a"), &values[0]);
	aged_put(a, STR("b"), &values[1]);
	aged_put(a, STR("a"), &values[2]);
	assert_int_equal(freed, 1);
	assert_non_null(aged_get(a, STR("b")));
	aged_put(a, STR("c"), &values[3]);
	assert_int_equal(freed, 11);
	assert_null(aged_get(a, STR("b")));
	assert_ptr_equal(aged_get(a, STR("a")), &values[2]);
	assert_ptr_equal(aged_get(a, STR("c")), &values[3]);
	aged_free(&a);
}

static void
test_nothing_kept(void **state)
{
	struct aged *a = aged_new(10, 0, count_freed);

	(void)state;
	aged_put(a, STR("a"), &values[0]);
	assert_int_equal(freed, 1);
	assert_null(aged_get(a, STR("a")));
	aged_free(&a);
	assert_int_equal(freed, 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(test_values, setup),
    cmocka_unit_test_setup(test_time, setup),
    cmocka_unit_test_setup(test_count, setup),
    cmocka_unit_test_setup(test_nothing_kept, setup),
};

TAP_RUN(tests)
