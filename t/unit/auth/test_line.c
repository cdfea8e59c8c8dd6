/* SPDX-License-Identifier: ISC */
#include "guard.h"
#include "tap.h"

#include "line.h"

static void
check(const char *text, int want, struct line *ret)
{
	struct str in = guard_copy(str_c(text));
	int r = line_parse(in, ret);

	if ((r < 0) != (want < 0))
		fail_msg("\"%s\": %d", text, r);
	guard_free(in);
}

static void
test_good(void **state)
{
	struct line l;
	struct str in = guard_copy(
	    STR("AUTH\t7\tSCRAM-SHA-256\tservice=smtp\tnologin\trip=::1\t"
		"rip2=x\tfinal-resp-ok\tsecured\tresp=biwsbj1h\tx"));

	(void)state;
	assert_int_equal(line_parse(in, &l), 0);
	assert_int_equal(l.kind, LINE_AUTH);
	assert_int_equal(l.id, 7);
	assert_true(str_eq(l.mechanism, STR("SCRAM-SHA-256")));
	assert_true(str_eq(l.address, STR("::1")));
	assert_true(l.takes_final);
	assert_true(l.has_response);
	assert_true(str_eq(l.response, STR("biwsbj1h\tx")));
	guard_free(in);

	check("AUTH\t0\tPLAIN", 0, &l);
	assert_false(l.has_response);
	assert_int_equal(l.address.len, 0);
	/* As Exim says it when its client gave none. */
	check("AUTH\t4294967295\tPLAIN\tresp=", 0, &l);
	assert_false(l.has_response);
	check("AUTH\t1\tPLAIN\tresp==", 0, &l);
	assert_true(l.has_response);
	assert_int_equal(l.response.len, 1);
	check("CONT\t3\t", 0, &l);
	assert_int_equal(l.kind, LINE_CONT);
	assert_true(l.has_response);
	check("VERSION\t1\t2", 0, &l);
	assert_int_equal(l.major, 1);
	check("CPID\t4711", 0, &l);
	assert_int_equal(l.kind, LINE_CPID);
	check("CANCEL\t9", 0, &l);
	assert_int_equal(l.kind, LINE_CANCEL);
	assert_int_equal(l.id, 9);
}

static void
test_malformed(void **state)
{
	static const char *const bad[] = {"AUTH", "AUTH\t", "AUTH\t1",
	    "AUTH\t1\t", "AUTH\tx\tPLAIN", "AUTH\t-1\tPLAIN",
	    "AUTH\t4294967296\tPLAIN", "AUTH\t1\t\tresp=", "CONT", "CONT\t",
	    "CONT\tx\ty", "CANCEL", "CANCEL\t1x", "VERSION", "VERSION\tone",
	    "VERSION\t99999999999999999999", "CPID", "CPID\t"};
	static const char *const other[] = {
	    "", "\t", "AUTHX\t1", "auth\t1\tPLAIN", "REQUEST\t1\t2", " AUTH"};
	struct line l;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check(bad[i], -1, &l);
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		check(other[i], 0, &l);
		assert_int_equal(l.kind, LINE_OTHER);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_good),
    cmocka_unit_test(test_malformed),
};

TAP_RUN(tests)
