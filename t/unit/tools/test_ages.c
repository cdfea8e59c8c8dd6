/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "ages.h"

#include <stdlib.h>
#include <string.h>

#define MINUTE 60

static char *
print(const struct ages *a, size_t top)
{
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	ages_print(a, out, top);
	fclose(out);
	return text;
}

static void
assert_table(struct ages *a, size_t top, const char *want)
{
	char *text = print(a, top);

	assert_string_equal(text, want);
	free(text);
	ages_done(a);
}

static void
ages_double_from_column_to_column(void **state)
{
	static const int64_t minutes[] = {-5, 0, 4, 5, 9, 10, 19, 20, 40, 80,
	    160, 320, 640, 1279, 1280, 100000};
	struct ages a = {0};

	(void)state;
	ages_init(&a);
	for (size_t i = 0; i < sizeof(minutes) / sizeof(minutes[0]); i++)
		ages_add(&a, STR("u@A.Example"), minutes[i] * MINUTE);
	assert_table(&a, 0,
	    "                                         T  5 10 20 40 80 160 320 "
	    "640 1280 1280+\n"
	    "                                  TOTAL 16  3  2  2  1  1   1   1 "
	    "  1    2     2\n"
	    "                              a.example 16  3  2  2  1  1   1   1 "
	    "  1    2     2\n");
}

static void
rows_are_in_order(void **state)
{
	struct ages a = {.buckets = 2};

	(void)state;
	ages_init(&a);
	ages_add(&a, STR("x@bb.example"), 0);
	ages_add(&a, STR("x@cc.example"), 0);
	ages_add(&a, STR("x@d.example"), 0);
	ages_add(&a, STR("x@most.example"), 0);
	ages_add(&a, STR("y@most.example"), 6 * MINUTE);
	ages_add(&a, STR(""), 0);
	ages_add(&a, STR("root"), 0);
	ages_add(&a, STR("\"a@b\"@.d..example."), 0);
	assert_table(&a, 0,
	    "                                                                  "
	    "       T  5 5+\n"
	    "                                                                  "
	    "TOTAL  8  7  1\n"
	    "                                                              "
	    "d.example  2  2  0\n"
	    "                                                           "
	    "most.example  2  1  1\n"
	    "                                                                  "
	    " root  1  1  0\n"
	    "                                                             "
	    "bb.example  1  1  0\n"
	    "                                                             "
	    "cc.example  1  1  0\n"
	    "                                                          "
	    "MAILER-DAEMON  1  1  0\n");
}

static void
parents_are_shown_that_have_enough_below(void **state)
{
	struct ages a = {.buckets = 1, .has_parents = true, .subdomains = 2};

	(void)state;
	ages_init(&a);
	ages_add(&a, STR("x@a.b.example.com"), 0);
	ages_add(&a, STR("x@c.b.example.com"), 0);
	ages_add(&a, STR("x@c.b.example.com"), 0);
	ages_add(&a, STR("x@example.com"), 0);
	ages_add(&a, STR("x@d.other.com"), 0);
	assert_table(&a, 0,
	    "                                                                  "
	    "          T 0+\n"
	    "                                                                  "
	    "   TOTAL  5  5\n"
	    "                                                            "
	    ".b.example.com  3  3\n"
	    "                                                           "
	    "c.b.example.com  2  2\n"
	    "                                                               "
	    "d.other.com  1  1\n"
	    "                                                               "
	    "example.com  1  1\n"
	    "                                                           "
	    "a.b.example.com  1  1\n");
}

static void
long_names_lose_their_front(void **state)
{
	struct ages a = {.has_parents = true,
	    .subdomains = 1,
	    .is_linear = true,
	    .buckets = 20,
	    .tick = 1000};

	(void)state;
	ages_init(&a);
	ages_add(&a, STR("x@0123456789.abcdefghijklmnop.example"), 0);
	assert_table(&a, 3,
	    "                    T 1000 2000 3000 4000 5000 6000 7000 8000 "
	    "9000 10000 11000 12000 13000 14000 15000 16000 17000 18000 19000 "
	    "19000+\n"
	    "             TOTAL  1    1    0    0    0    0    0    0    0    "
	    "0     0     0     0     0     0     0     0     0     0     0     "
	    " 0\n"
	    ".+ijklmnop.example  1    1    0    0    0    0    0    0    0    "
	    "0     0     0     0     0     0     0     0     0     0     0     "
	    " 0\n"
	    "+hijklmnop.example  1    1    0    0    0    0    0    0    0    "
	    "0     0     0     0     0     0     0     0     0     0     0     "
	    " 0\n");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(ages_double_from_column_to_column),
    cmocka_unit_test(rows_are_in_order),
    cmocka_unit_test(parents_are_shown_that_have_enough_below),
    cmocka_unit_test(long_names_lose_their_front),
};

TAP_RUN(tests)
