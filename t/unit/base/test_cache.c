/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "base/cache.h"
#include "base/clock.h"

#include <stdio.h>

static int64_t until;
static struct str got;

static bool
has(struct cache *c, const char *key)
{
	return cache_get(c, str_c(key), &got, &until);
}

static void
put(struct cache *c, const char *key, const char *value)
{
	cache_put(c, str_c(key), str_c(value), clock_after(CLOCK_SEC));
}

static void
test_values(void **state)
{
	struct cache *c = cache_new(10, 10000);
	char value[] = "one";

	(void)state;
	assert_false(has(c, "a"));
	put(c, "a", value);
	value[0] = 'X';
	assert_true(has(c, "a"));
	assert_true(str_eq(got, STR("one")));
	assert_true(until > clock_mono());
	put(c, "a", "two");
	assert_true(has(c, "a"));
	assert_true(str_eq(got, STR("two")));
	assert_int_equal(cache_count(c), 1);
	cache_del(c, STR("a"));
	cache_del(c, STR("a"));
	assert_false(has(c, "a"));
	assert_int_equal(cache_bytes(c), 0);
	cache_free(&c);
	assert_null(c);
	cache_free(&c);
}

static void
test_time(void **state)
{
	struct cache *c = cache_new(10, 10000);

	(void)state;
	put(c, "a", "one");
	clock_set(clock_mono() + CLOCK_SEC - 1, clock_wall());
	assert_true(has(c, "a"));
	clock_set(clock_mono() + 1, clock_wall());
	assert_false(has(c, "a"));
	assert_int_equal(cache_count(c), 0);
	cache_free(&c);
}

/* Full: the one not asked for longest goes, not the oldest. */
static void
test_count(void **state)
{
	struct cache *c = cache_new(3, 10000);

	(void)state;
	put(c, "a", "");
	put(c, "b", "");
	put(c, "c", "");
	assert_true(has(c, "a"));
	put(c, "d", "");
	assert_int_equal(cache_count(c), 3);
	assert_true(has(c, "a"));
	assert_false(has(c, "b"));
	cache_free(&c);
}

static void
test_bytes(void **state)
{
	struct cache *c = cache_new(1000, 2000);
	char key[12], large[3000];

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "%d", i);
		put(c, key, "some text that takes some room");
		assert_true(cache_bytes(c) <= 2000);
		assert_true(has(c, key));
	}
	memset(large, 'x', sizeof(large));
	cache_put(
	    c, STR("99"), str_n(large, sizeof(large)), clock_after(CLOCK_SEC));
	assert_false(has(c, "99")); /* more than there is room for */
	assert_true(cache_bytes(c) <= 2000);
	cache_free(&c);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_values),
    cmocka_unit_test(test_time),
    cmocka_unit_test(test_count),
    cmocka_unit_test(test_bytes),
};

TAP_RUN(tests)
