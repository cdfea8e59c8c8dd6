/* SPDX-License-Identifier: ISC */
/* How many at a time: by the feedback that was asked for, and what cannot be
 * asked for. */
#include "tap.h"

#include "pace.h"

#include <errno.h>
#include <string.h>

static void
test_parse(void **state)
{
	static const struct {
		const char *text;
		double amount;
		enum feedback_per per;
	} good[] = {
	    {"1", 1, FEEDBACK_EACH},
	    {"0", 0, FEEDBACK_EACH},
	    {".5", 0.5, FEEDBACK_EACH},
	    {"0.25", 0.25, FEEDBACK_EACH},
	    {"1.", 1, FEEDBACK_EACH},
	    {"1/4", 0.25, FEEDBACK_EACH},
	    {"3 / 4", 0.75, FEEDBACK_EACH},
	    {"2/4", 0.5, FEEDBACK_EACH},
	    {"1/concurrency", 1, FEEDBACK_CONCURRENCY},
	    {"0.5 / concurrency", 0.5, FEEDBACK_CONCURRENCY},
	    {"1/sqrt_concurrency", 1, FEEDBACK_SQRT_CONCURRENCY},
	};
	static const char *const bad[] = {"", " ", ".", "x", "-1", "+1", "1e3",
	    "1.0001", "2", "1/0", "1/0.0", "3/2", "1/", "/4", "1/4/5", "0x1",
	    "1/concurrency/2", "concurrency", "1/Concurrency", "inf", "nan",
	    "2/concurrency", "1..2", "1,5", "1234567890123"};
	struct feedback f;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(feedback_parse(str_c(good[i].text), &f), 0);
		assert_float_equal(f.amount, good[i].amount, 1e-6);
		assert_int_equal(f.per, good[i].per);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(feedback_parse(str_c(bad[i]), &f), -EINVAL);
}

static struct pace_limits
limits(const char *positive, const char *negative)
{
	struct pace_limits l = {.initial = 5, .most = 20, .cohort = 0};

	assert_int_equal(feedback_parse(str_c(positive), &l.positive), 0);
	assert_int_equal(feedback_parse(str_c(negative), &l.negative), 0);
	return l;
}

static unsigned
after(const struct pace_limits *l, unsigned reached, unsigned failed)
{
	struct pace p;

	pace_init(&p, l);
	while (reached-- > 0)
		pace_reached(&p, l, p.window);
	while (failed-- > 0)
		assert_false(pace_failed(&p, l));
	return p.window;
}

static void
test_growth(void **state)
{
	struct pace_limits one = limits("1", "1"),
			   linear = limits("1/concurrency", "1/concurrency"),
			   root = limits("1/sqrt_concurrency", "1"),
			   quarter = limits("1/4", "1/4"),
			   none = limits("0", "0");

	(void)state;
	assert_int_equal(after(&one, 0, 0), 5);
	assert_int_equal(after(&one, 1, 0), 6);
	assert_int_equal(after(&one, 100, 0), 20);
	/* A whole cohort for one more: 5 + 6. */
	assert_int_equal(after(&linear, 4, 0), 5);
	assert_int_equal(after(&linear, 5, 0), 6);
	assert_int_equal(after(&linear, 11, 0), 7);
	/* sqrt(5) is 2.24: at the third. */
	assert_int_equal(after(&root, 2, 0), 5);
	assert_int_equal(after(&root, 3, 0), 6);
	assert_int_equal(after(&quarter, 7, 0), 6);
	assert_int_equal(after(&quarter, 8, 0), 7);
	assert_int_equal(after(&none, 1000, 1000), 5);
}

/* The first failure counts at once, and the next one a cohort later. */
static void
test_shrinking(void **state)
{
	struct pace_limits one = limits("1", "1"),
			   linear = limits("1", "1/concurrency"),
			   quarter = limits("1", "1/4");

	(void)state;
	assert_int_equal(after(&one, 100, 1), 19);
	assert_int_equal(after(&one, 100, 5), 15);
	assert_int_equal(after(&one, 100, 1000), 1);
	assert_int_equal(after(&linear, 100, 1), 19);
	assert_int_equal(after(&linear, 100, 19), 19);
	assert_int_equal(after(&linear, 100, 21), 18);
	assert_int_equal(after(&quarter, 100, 4), 19);
	assert_int_equal(after(&quarter, 100, 5), 18);
}

/* What was saved for growing is lost by shrinking, and the other way. */
static void
test_both(void **state)
{
	struct pace_limits l = limits("1/4", "1/4");
	struct pace p;

	(void)state;
	pace_init(&p, &l);
	for (int i = 0; i < 3; i++)
		pace_reached(&p, &l, p.window);
	pace_failed(&p, &l);
	assert_int_equal(p.window, 4);
	for (int i = 0; i < 3; i++)
		pace_reached(&p, &l, p.window);
	assert_int_equal(p.window, 4);
	pace_reached(&p, &l, p.window);
	assert_int_equal(p.window, 5);
	pace_failed(&p, &l);
	assert_int_equal(p.window, 4);
}

/* A window that nobody fills stays where it is. */
static void
test_unused(void **state)
{
	struct pace_limits l = limits("1", "1");
	struct pace p;

	(void)state;
	pace_init(&p, &l);
	for (int i = 0; i < 100; i++)
		pace_reached(&p, &l, 1);
	assert_int_equal(p.window, 6);
}

static void
test_death(void **state)
{
	struct pace_limits l = limits("1", "0");
	struct pace p;

	(void)state;
	l.cohort = 2;
	pace_init(&p, &l);
	for (int i = 0; i < 9; i++)
		assert_false(pace_failed(&p, &l));
	assert_true(pace_failed(&p, &l));
	pace_init(&p, &l);
	for (int i = 0; i < 100; i++) { /* nothing in a row */
		assert_false(pace_failed(&p, &l));
		pace_reached(&p, &l, p.window);
	}
}

static void
test_limits(void **state)
{
	struct pace_limits l = limits("1", "1");
	struct pace p;

	(void)state;
	l.most = 3;
	pace_init(&p, &l);
	assert_int_equal(p.window, 3);
	pace_reached(&p, &l, 3);
	assert_int_equal(p.window, 3);
	l.most = 2;
	pace_fit(&p, &l);
	assert_int_equal(p.window, 2);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_parse),
    cmocka_unit_test(test_growth),
    cmocka_unit_test(test_shrinking),
    cmocka_unit_test(test_both),
    cmocka_unit_test(test_unused),
    cmocka_unit_test(test_death),
    cmocka_unit_test(test_limits),
};

TAP_RUN(tests)
