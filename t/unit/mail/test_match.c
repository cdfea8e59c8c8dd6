/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "dict/env.h"
#include "mail/match.h"

static struct fake_env env = {
    .files = {
	{"/list", STR("# ours\nfile.example, !not.file.example\n  .below\n"
		      "10.9.0.0/16\n")},
	{"/twice", STR("/list\n")}}};

static void
check_name(const char *list, bool parents, const char *name, enum find expected)
{
	ARENA_CLEANUP struct arena a = {0};
	BUF_CLEANUP struct buf why = {0};
	struct match *m;

	arena_init(&a, 1 << 20);
	buf_init(&why, 1000);
	fake_init(&env);
	m = match_open(&env.env, str_c(list), parents, &why);
	assert_string_equal(why.p, "");
	assert_int_equal(match_domain(m, str_c(name), &a), expected);
	match_free(&m);
}

static void
test_names(void **state)
{
	static const struct {
		const char *list;
		bool parents;
		const char *name;
		enum find expected;
	} rows[] = {
	    {"", false, "a.example", FIND_NO},
	    {"a.example, b.example", false, "B.Example", FIND_YES},
	    {"A.Example", false, "a.example", FIND_YES},
	    {"example", false, "a.example", FIND_NO},
	    {"example", true, "a.example", FIND_YES},
	    {"example", true, "anexample", FIND_NO},
	    {".example", false, "a.example", FIND_YES},
	    {".example", true, "a.example", FIND_YES},
	    {".example", true, "example", FIND_NO},
	    {"!a.example, .example", false, "a.example", FIND_NO},
	    {"!a.example, .example", false, "b.example", FIND_YES},
	    {".example, !a.example", false, "a.example", FIND_YES},
	    {"!!a.example", false, "a.example", FIND_YES},
	    {"/list", false, "file.example", FIND_YES},
	    {"/list", false, "a.below", FIND_YES},
	    {"!/list, x.below", false, "x.below", FIND_NO},
	    {"!/list, not.file.example", false, "not.file.example", FIND_YES},
	    {"inline:{a.example=x}", false, "A.example", FIND_YES},
	    {"inline:{.example=x}", false, "a.b.example", FIND_YES},
	    {"inline:{example=x}", false, "a.b.example", FIND_NO},
	    {"inline:{example=x}", true, "a.b.example", FIND_YES},
	    {"inline:{.example=x}", true, "a.b.example", FIND_NO},
	    {"static:all", false, "a.example", FIND_YES},
	    {"!static:all", false, "a.example", FIND_NO},
	    {"fail:x, a.example", false, "a.example", FIND_RETRY},
	    {"a.example, fail:x", false, "a.example", FIND_YES},
	    {"{ a.example }", false, "a.example", FIND_YES},
	    {"192.0.2.0/24", false, "192.0.2.1", FIND_NO},
	    {"a.example", false, "", FIND_NO},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_name(rows[i].list, rows[i].parents, rows[i].name,
		    rows[i].expected);
}

static void
test_networks(void **state)
{
	static const struct {
		const char *list, *ip;
		enum find expected;
	} rows[] = {
	    {"127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128", "127.0.0.1",
		FIND_YES},
	    {"127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128", "::1", FIND_YES},
	    {"127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128", "::2", FIND_NO},
	    {"127.0.0.0/8", "::ffff:127.0.0.1", FIND_YES},
	    {"!10.0.0.1, 10.0.0.0/8", "10.0.0.1", FIND_NO},
	    {"!10.0.0.1, 10.0.0.0/8", "10.0.0.2", FIND_YES},
	    {"2001:db8::/32", "2001:db8::1", FIND_YES},
	    {"fd00::/8", "fd00::1", FIND_YES},
	    {"/list", "10.9.1.1", FIND_YES},
	    {"!/list, 10.0.0.0/8", "10.9.1.1", FIND_NO},
	    {"inline:{192.0.2.1=x}", "192.0.2.1", FIND_YES},
	    {"inline:{192.0.2.1=x}", "192.0.2.2", FIND_NO},
	    {"fail:x", "192.0.2.2", FIND_RETRY},
	    {"a.example", "192.0.2.2", FIND_NO},
	    {"", "127.0.0.1", FIND_NO},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ARENA_CLEANUP struct arena a = {0};
		BUF_CLEANUP struct buf why = {0};
		struct match *m;
		struct ip ip;

		arena_init(&a, 1 << 20);
		buf_init(&why, 1000);
		fake_init(&env);
		m = match_open(&env.env, str_c(rows[i].list), false, &why);
		assert_string_equal(why.p, "");
		assert_int_equal(ip_parse(str_c(rows[i].ip), &ip), 0);
		assert_int_equal(match_ip(m, &ip, &a), rows[i].expected);
		match_free(&m);
	}
}

static void
test_client(void **state)
{
	ARENA_CLEANUP struct arena a = {0};
	BUF_CLEANUP struct buf why = {0};
	struct match *m;
	struct ip ip;

	(void)state;
	arena_init(&a, 1 << 20);
	buf_init(&why, 1000);
	fake_init(&env);
	assert_int_equal(ip_parse(STR("192.0.2.1"), &ip), 0);
	m = match_open(
	    &env.env, STR("!bad.example, 192.0.2.0/24, .good"), false, &why);
	assert_int_equal(match_client(m, STR("bad.example"), &ip, &a), FIND_NO);
	assert_int_equal(match_client(m, STR("x.example"), &ip, &a), FIND_YES);
	assert_int_equal(match_client(m, STR("x.good"), NULL, &a), FIND_YES);
	assert_int_equal(match_client(m, STR("x.example"), NULL, &a), FIND_NO);
	match_free(&m);
}

static void
test_refused(void **state)
{
	static const struct {
		const char *list, *why;
	} rows[] = {
	    {"a, 10.0.0.1/8", "should use \"10.0.0.0/8\" instead"},
	    {"[2001:db8::1]/32", "should use \"[2001:db8::]/32\" instead"},
	    {"!", "no pattern after '!'"},
	    {"{a", "unbalanced"},
	    {"/nowhere", "open /nowhere: No such file"},
	    {"/twice", "/list: named in a file"},
	    {"nosuch:/x", "unsupported dictionary type: nosuch"},
	    {"hash:/x", "open /x.cdb"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BUF_CLEANUP struct buf why = {0};

		buf_init(&why, 1000);
		fake_init(&env);
		assert_null(
		    match_open(&env.env, str_c(rows[i].list), false, &why));
		assert_non_null(strstr(why.p, rows[i].why));
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_names),
    cmocka_unit_test(test_networks),
    cmocka_unit_test(test_client),
    cmocka_unit_test(test_refused),
};

TAP_RUN(tests)
