/* SPDX-License-Identifier: ISC */
#include "guard.h"
#include "tap.h"

#include "mail/header.h"

#include <errno.h>

static void
test_line(void **state)
{
	static const struct {
		const char *line, *name, *value;
	} rows[] = {
	    {"Subject: hello", "Subject", " hello"},
	    {"X:", "X", ""},
	    {"Old \t: x", "Old", " x"},
	    {"a:b:c", "a", "b:c"},
	    {"", NULL, NULL},
	    {":", NULL, NULL},
	    {": x", NULL, NULL},
	    {" X: folded", NULL, NULL},
	    {"\tX: folded", NULL, NULL},
	    {"no field", NULL, NULL},
	    {"two words: x", NULL, NULL},
	    {"From joe@a.example Tue Nov 24 04:51:19 2026", NULL, NULL},
	    {"\xc3\xa9: x", NULL, NULL},
	    {"a\x7f: x", NULL, NULL},
	    {"a\x01: x", NULL, NULL},
	    {"  : x", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct str in = guard_copy(str_c(rows[i].line));
		struct header h;
		bool is = header_parse_line(in, &h);

		assert_int_equal(is, rows[i].name != NULL);
		if (is) {
			assert_str(h.name, rows[i].name);
			assert_str(h.value, rows[i].value);
		}
		guard_free(in);
	}
}

static void
test_long_name(void **state)
{
	char line[HEADER_NAME_MAX + 3];
	struct header h;

	(void)state;
	memset(line, 'x', sizeof(line));
	line[HEADER_NAME_MAX] = ':';
	assert_true(header_parse_line(str_n(line, sizeof(line)), &h));
	line[HEADER_NAME_MAX] = 'x';
	line[HEADER_NAME_MAX + 1] = ':';
	assert_false(header_parse_line(str_n(line, sizeof(line)), &h));
}

static void
test_next(void **state)
{
	struct str rest = guard_copy(STR("A: one\nB: two\n\tmore\n  \n"
					 "C:three\n\nD: body\n")),
		   all = rest;
	struct header h;

	(void)state;
	assert_true(header_next(&rest, &h));
	assert_str(h.name, "A");
	assert_str(h.value, " one");
	assert_str(h.whole, "A: one");
	assert_true(header_next(&rest, &h));
	assert_str(h.value, " two\n\tmore\n  ");
	assert_true(header_next(&rest, &h));
	assert_str(h.value, "three");
	assert_false(header_next(&rest, &h));
	assert_str(rest, "\nD: body\n");
	guard_free(all);
}

static void
test_next_ends(void **state)
{
	static const char *const ends[] = {"A: x", "A: x\n", "A: x\n y",
	    "A: x\n y\n", "A: x\nno field\n", "A: x\n y\n\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		struct str all = guard_copy(str_c(ends[i])), rest = all;
		struct header h;

		assert_true(header_next(&rest, &h));
		assert_str(h.name, "A");
		assert_false(header_next(&rest, &h));
		guard_free(all);
	}
}

static void
test_unfold(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 8);
	assert_int_equal(header_unfold(STR(" a\n\t b \n\n c"), &b), 0);
	assert_string_equal(b.p, "a b c");
	buf_reset(&b);
	assert_int_equal(header_unfold(STR("123456789"), &b), -EMSGSIZE);
	buf_reset(&b);
	assert_int_equal(header_unfold(STR("12345678\n 9"), &b), -EMSGSIZE);
	buf_done(&b);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_line),
    cmocka_unit_test(test_long_name),
    cmocka_unit_test(test_next),
    cmocka_unit_test(test_next_ends),
    cmocka_unit_test(test_unfold),
};
TAP_RUN(tests)
