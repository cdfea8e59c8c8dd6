/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "base/buf.h"
#include "guard.h"
#include "targets.h"

#include <errno.h>

static void
show(const struct targets *t, struct buf *out)
{
	static const char kinds[] = {
	    [TARGET_ADDRESS] = 'a',
	    [TARGET_USER] = 'u',
	    [TARGET_COMMAND] = 'c',
	    [TARGET_FILE] = 'f',
	    [TARGET_INCLUDE] = 'i',
	};

	for (size_t i = 0; i < t->n; i++)
		buf_addf(out, "%c<%.*s>", kinds[t->list[i].kind],
		    STR_ARG(t->list[i].text));
}

static void
test_parse(void **state)
{
	static const struct {
		const char *list, *targets;
	} rows[] = {
	    {"", ""},
	    {" , ,, ", ""},
	    {"root", "a<root>"},
	    {"a, b@c.example", "a<a>a<b@c.example>"},
	    {"Some One <one@c.example>", "a<one@c.example>"},
	    {"one@c.example (Some One, the first)", "a<one@c.example>"},
	    {"\"One, Some\" <one@c.example>", "a<one@c.example>"},
	    {"\"some one\"", "a<some one>"},
	    {"\"some one\"@c.example", "a<some one@c.example>"},
	    {"\"one@c.example\"", "a<one@c.example>"},
	    {"\\joe", "u<joe>"},
	    {"\"\\\\joe\"", "u<joe>"},
	    {"|/bin/cmd", "c</bin/cmd>"},
	    {"\"|/bin/cmd a, b\"", "c</bin/cmd a, b>"},
	    {"|\"/bin/cmd a, b\"", "c</bin/cmd a, b>"},
	    {"\"|/bin/cmd \\\"x y\\\" z\", q", "c</bin/cmd \"x y\" z>a<q>"},
	    {"/var/log/mail", "f</var/log/mail>"},
	    {"\"/var/my mail/\"", "f</var/my mail/>"},
	    {":include:/etc/list", "i</etc/list>"},
	    {"\":include:/etc/my list\"", "i</etc/my list>"},
	    {":INCLUDE: /etc/list", "i</etc/list>"},
	    {"\\joe, \"|vacation joe\", /dev/null",
		"u<joe>c<vacation joe>f</dev/null>"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str list = guard_copy(str_c(rows[i].list));
		ARENA_CLEANUP struct arena a = {0};
		BUF_CLEANUP struct buf got = {0};
		struct targets t = {0};
		const char *why = "";

		arena_init(&a, 1 << 20);
		buf_init(&got, 1000);
		assert_int_equal(targets_parse(&t, list, 100, &a, &why), 0);
		show(&t, &got);
		assert_string_equal(got.p, rows[i].targets);
		guard_free(list);
	}
}

static void
test_malformed(void **state)
{
	static const struct {
		const char *list, *why;
	} rows[] = {
	    {"\"never closed", "not closed"},
	    {"a (never closed", "not closed"},
	    {"a (\" )", NULL}, /* in a comment a quote says nothing */
	    {"\"a\\", "not closed"},
	    {"|", "empty"},
	    {"|\"\"", "empty"},
	    {"\\", "no user"},
	    {"\"\"", "empty name"},
	    {":include:", "absolute path"},
	    {":include:list", "absolute path"},
	    {":other:/x", "not an address"},
	    {"a b@c", NULL},
	    {"<a@b", "not an address"},
	    {"a@b@c@", "not an address"},
	    {"\"|a\nb\"", "control byte"},
	    {"\"/a\tb\"", "control byte"},
	    {"\"|a\\\rb\"", "control byte"},
	    {"\"", "not closed"},
	    {"(((((", "not closed"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str list = guard_copy(str_c(rows[i].list));
		ARENA_CLEANUP struct arena a = {0};
		struct targets t = {0};
		const char *why = "";
		int r;

		arena_init(&a, 1 << 20);
		r = targets_parse(&t, list, 100, &a, &why);
		if (rows[i].why != NULL) {
			assert_int_equal(r, -EINVAL);
			assert_non_null(strstr(why, rows[i].why));
		}
		guard_free(list);
	}
}

static void
test_file(void **state)
{
	ARENA_CLEANUP struct arena a = {0};
	BUF_CLEANUP struct buf got = {0};
	struct targets t = {0};
	const char *why = "";

	(void)state;
	arena_init(&a, 1 << 20);
	buf_init(&got, 1000);
	assert_int_equal(
	    targets_parse_file(&t,
		STR("# mine\n\\joe\n\na@b.example,\n  c\n#d\n\"|x y\"\r\n"),
		100, &a, &why),
	    0);
	show(&t, &got);
	assert_string_equal(got.p, "u<joe>a<a@b.example>a<c>c<x y>");
	t = (struct targets){0};
	assert_int_equal(
	    targets_parse_file(&t, STR("a\nb\nc\n"), 2, &a, &why), -E2BIG);
	assert_int_equal(t.n, 2);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_parse),
    cmocka_unit_test(test_malformed),
    cmocka_unit_test(test_file),
};

TAP_RUN(tests)
