/* SPDX-License-Identifier: ISC */
#include "check.h"

static void
test_matching(void **state)
{
	static const struct {
		const char *key, *value;
	} rows[] = {
	    {"192.0.2.9", "host"},
	    {"192.0.2.10", "net $1"},
	    {"::ffff:192.0.2.10", "net $1"},
	    {"2001:db8::5", "six"},
	    {"10.1.1.1", "inner"},
	    {"10.2.1.1", "outer"},
	    {"198.51.100.1", "not doc"},
	    {"203.0.113.1", "NO"},
	    {"example.org", "NO"},
	    {"192.0.2", "NO"},
	};
	struct fake_env e = {
	    .files = {{"/t", STR("192.0.2.9\thost\n"
				 "192.0.2.0/24 net $1\n"
				 "[2001:db8::]/32 six\n"
				 "if 10.0.0.0/8\n"
				 "10.1.0.0/16 inner\n"
				 "0.0.0.0/0 outer\n"
				 "endif\n"
				 "! 203.0.113.0/24 not doc\n")}}};
	struct dict *d;

	(void)state;
	fake_init(&e);
	d = check_open(&e, "cidr:/t");
	assert_string_equal(e.remarks.p, "");
	assert_true(dict_is_pattern(d));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_get(d, rows[i].key, rows[i].value);
	dict_free(&d);
	buf_done(&e.remarks);
}

static void
test_malformed(void **state)
{
	static const struct {
		const char *text, *remark;
	} rows[] = {
	    {"10.0.0.1/8 x", "should use \"10.0.0.0/8\""},
	    {"10.0.0.0/33 x", "not an address"},
	    {"host x", "not an address"},
	    {"10.0.0.1", "no value"},
	    {"! x", "not an address"},
	    {"!", "not an address"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake_env e = {.files = {{"/t", str_c(rows[i].text)}}};
		struct dict *d;

		fake_init(&e);
		d = check_open(&e, "cidr:/t");
		assert_non_null(strstr(e.remarks.p, rows[i].remark));
		check_get(d, "10.0.0.1", "NO");
		dict_free(&d);
		buf_done(&e.remarks);
	}
}

static void
test_refused(void **state)
{
	struct fake_env e = {
	    .files = {{"/t", STR("if 10.0.0.0/99\n0.0.0.0/0 x\nendif\n")}}};

	(void)state;
	fake_init(&e);
	check_refused(&e, "cidr:/t", "line 1: not an address");
	buf_done(&e.remarks);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_matching),
    cmocka_unit_test(test_malformed),
    cmocka_unit_test(test_refused),
};

TAP_RUN(tests)
