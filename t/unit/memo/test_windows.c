/* SPDX-License-Identifier: ISC */
/* What is counted in a window, by a clock of our own. */
#include "tap.h"

#include "windows.h"

#include "base/clock.h"

#include <stdio.h>

static int64_t now = CLOCK_SEC;

static void
pass(int64_t ns)
{
	now += ns;
	clock_set(now, now);
}

static void
test_a_window_ends(void **state)
{
	static const struct {
		enum memo_what what;
		int64_t period;
	} rows[] = {
	    {MEMO_CONNECTIONS, 60 * CLOCK_SEC},
	    {MEMO_MESSAGES, 60 * CLOCK_SEC},
	    {MEMO_RECIPIENTS, 60 * CLOCK_SEC},
	    {MEMO_TLS_SESSIONS, 60 * CLOCK_SEC},
	    {MEMO_AUTHS, 60 * CLOCK_SEC},
	    {MEMO_AUTH_FAILURES, 600 * CLOCK_SEC},
	    {MEMO_LOGIN_FAILURES, 3600 * CLOCK_SEC},
	    {MEMO_LOGIN_RECIPIENTS, 3600 * CLOCK_SEC},
	    {MEMO_LOGIN_HOMES, 7 * 86400 * CLOCK_SEC},
	};
	struct windows w;

	(void)state;
	pass(0);
	windows_init(&w, 60 * CLOCK_SEC);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum memo_what what = rows[i].what;

		assert_int_equal(windows_add(&w, what, STR("a"), 0), 0);
		assert_int_equal(windows_add(&w, what, STR("a"), 1), 1);
		pass(rows[i].period - 1);
		/* Counting does not make it longer. */
		assert_int_equal(windows_add(&w, what, STR("a"), 2), 3);
		assert_int_equal(windows_add(&w, what, STR("a"), 0), 3);
		assert_int_equal(windows_add(&w, what, STR("b"), 0), 0);
		pass(1);
		assert_int_equal(windows_add(&w, what, STR("a"), 0), 0);
		assert_int_equal(windows_add(&w, what, STR("a"), 1), 1);
	}
	windows_done(&w);
}

/* The same key of another kind, or a longer one, is another counter. */
static void
test_counters_are_apart(void **state)
{
	struct windows w;

	(void)state;
	windows_init(&w, 60 * CLOCK_SEC);
	windows_add(&w, MEMO_MESSAGES, STR("a"), 5);
	windows_add(&w, MEMO_RECIPIENTS, STR("a"), 7);
	windows_add(&w, MEMO_RECIPIENTS, STR(""), 9);
	assert_int_equal(windows_add(&w, MEMO_MESSAGES, STR("a"), 0), 5);
	assert_int_equal(windows_add(&w, MEMO_RECIPIENTS, STR("a"), 0), 7);
	assert_int_equal(windows_add(&w, MEMO_RECIPIENTS, STR(""), 0), 9);
	assert_int_equal(windows_add(&w, MEMO_RECIPIENTS, STR("aa"), 0), 0);
	windows_done(&w);
}

/* A unit that changes holds for windows that begin after it. */
static void
test_another_unit(void **state)
{
	struct windows w;

	(void)state;
	windows_init(&w, 60 * CLOCK_SEC);
	windows_add(&w, MEMO_MESSAGES, STR("a"), 1);
	w.unit = 10 * CLOCK_SEC;
	windows_add(&w, MEMO_MESSAGES, STR("b"), 1);
	pass(10 * CLOCK_SEC);
	assert_int_equal(windows_add(&w, MEMO_MESSAGES, STR("a"), 1), 2);
	assert_int_equal(windows_add(&w, MEMO_MESSAGES, STR("b"), 1), 1);
	windows_done(&w);
}

static void
test_bounds(void **state)
{
	struct windows w;
	char key[32];

	(void)state;
	windows_init(&w, 60 * CLOCK_SEC);
	windows_add(&w, MEMO_MESSAGES, STR("busy"), 9);
	windows_add(&w, MEMO_LOGIN_RECIPIENTS, STR("ann"), 7);
	for (unsigned i = 0; i < WINDOWS_MAX + 100; i++) {
		int n = snprintf(key, sizeof(key), "%u", i);

		windows_add(&w, MEMO_MESSAGES, str_n(key, (size_t)n), 1);
		if (i % 1000 == 0) /* who is looked at stays */
			assert_int_equal(
			    windows_add(&w, MEMO_MESSAGES, STR("busy"), 0), 9);
	}
	assert_int_equal(windows_count(&w), WINDOWS_MAX + 1);
	assert_true(cache_bytes(w.kinds[MEMO_MESSAGES]) <= WINDOWS_BYTES_MAX);
	assert_int_equal(
	    windows_add(&w, MEMO_LOGIN_RECIPIENTS, STR("ann"), 0), 7);
	assert_int_equal(windows_add(&w, MEMO_MESSAGES, STR("0"), 0), 0);
	for (unsigned i = 0; i < 5000; i++)
		windows_add(&w, MEMO_MESSAGES, STR("many"), MEMO_N_MAX);
	assert_int_equal(
	    windows_add(&w, MEMO_MESSAGES, STR("many"), 1), WINDOWS_TOTAL_MAX);
	windows_done(&w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_window_ends),
    cmocka_unit_test(test_counters_are_apart),
    cmocka_unit_test(test_another_unit),
    cmocka_unit_test(test_bounds),
};
TAP_RUN(tests)
