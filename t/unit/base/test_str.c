/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "base/str.h"

#include <errno.h>

static void
test_compare(void **state)
{
	(void)state;
	assert_true(str_eq(STR("a"), str_n("ab", 1)));
	assert_false(str_eq(STR("a"), STR("A")));
	assert_true(str_eq_case(STR("MaIl"), STR("mAiL")));
	assert_false(str_eq_case(STR("mail"), STR("mail ")));
	assert_true(str_eq(str_c(NULL), STR_NONE));
	assert_true(str_cmp(STR("ab"), STR("abc")) < 0);
	assert_true(str_cmp(STR("b"), STR("abc")) > 0);
	assert_int_equal(str_cmp(STR("b"), STR("b")), 0);
	assert_true(str_has_prefix(STR("hash:/x"), STR("hash:")));
	assert_true(str_has_suffix_case(STR("a.EXAMPLE"), STR(".example")));
	assert_false(str_has_suffix(STR("e"), STR(".example")));
}

static void
test_find(void **state)
{
	(void)state;
	assert_int_equal(str_find(STR("a@b@c"), '@'), 1);
	assert_int_equal(str_find_last(STR("a@b@c"), '@'), 3);
	assert_int_equal(str_find(STR_NONE, '@'), -1);
	assert_int_equal(str_find_str(STR("one two"), STR("two")), 4);
	assert_int_equal(str_find_str(STR("one"), STR("one two")), -1);
	assert_true(str_is_ascii(STR_NONE));
	assert_true(str_is_ascii(STR("\0 ~\177")));
	assert_false(str_is_ascii(STR("a\200")));
}

static void
test_split(void **state)
{
	struct str head, rest = STR("a b  c"), line;

	(void)state;
	assert_true(str_cut(STR("k=v=w"), '=', &head, &line));
	assert_str(head, "k");
	assert_str(line, "v=w");
	assert_false(str_cut(STR("k"), '=', &head, &line));
	assert_str(head, "k");
	assert_int_equal(line.len, 0);
	assert_str(str_word(&rest, " "), "a");
	assert_str(str_word(&rest, " "), "b");
	assert_str(str_word(&rest, " "), "c");
	assert_int_equal(str_word(&rest, " ").len, 0);
	rest = STR("one\r\n\ntwo");
	assert_true(str_line(&rest, &line));
	assert_str(line, "one");
	assert_true(str_line(&rest, &line));
	assert_int_equal(line.len, 0);
	assert_true(str_line(&rest, &line));
	assert_str(line, "two");
	assert_false(str_line(&rest, &line));
	assert_str(str_trim(STR(" \t x y\r\n")), "x y");
	assert_str(str_sub(STR("abc"), 1, 99), "bc");
	assert_int_equal(str_from(STR("abc"), 9).len, 0);
}

static void
test_number(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		int r;
		uint64_t value;
	} rows[] = {
	    {"0", 10, 0, 0},
	    {"007", 10, 0, 7},
	    {"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
	    {"18446744073709551616", UINT64_MAX, -ERANGE, 0},
	    {"11", 10, -ERANGE, 0},
	    {"", 10, -EINVAL, 0},
	    {"-1", 10, -EINVAL, 0},
	    {"+1", 10, -EINVAL, 0},
	    {"1 ", 10, -EINVAL, 0},
	    {"99999999999999999999999x", 10, -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t v = 0;

		assert_int_equal(
		    str_parse_u64(str_c(rows[i].text), rows[i].max, &v),
		    rows[i].r);
		assert_int_equal(v, rows[i].value);
	}
}

static void
test_shown(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} rows[] = {
	    {"a", 1},
	    {" ", 1},
	    {"~", 1},
	    {"\t", 0},
	    {"\x1b", 0},
	    {"\x7f", 0},
	    {"\xc3\xa9z", 2},
	    {"\xc2\xa0", 2},
	    {"\xe2\x82\xac", 3},
	    {"\xf0\x9f\x93\xa7", 4},
	    {"\xf4\x8f\xbf\xbf", 4},
	    {"\xc2\x9b", 0},         /* a control character */
	    {"\x9b", 0},             /* no first byte */
	    {"\xc3", 0},             /* cut off */
	    {"\xe2\x82", 0},         /* cut off */
	    {"\xe2\x82z", 0},        /* cut off */
	    {"\xc0\xaf", 0},         /* longer than need be */
	    {"\xe0\x9f\xbf", 0},     /* longer than need be */
	    {"\xf0\x8f\xbf\xbf", 0}, /* longer than need be */
	    {"\xed\xa0\x80", 0},     /* half of a pair */
	    {"\xf4\x90\x80\x80", 0}, /* beyond Unicode */
	    {"\xff", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_shown_len(str_c(rows[i].text)) != rows[i].len)
			fail_msg("row %zu", i);
	assert_int_equal(str_shown_len(STR("\0x")), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_compare),
    cmocka_unit_test(test_find),
    cmocka_unit_test(test_split),
    cmocka_unit_test(test_number),
    cmocka_unit_test(test_shown),
};

TAP_RUN(tests)
