/* SPDX-License-Identifier: ISC */
#include "guard.h"
#include "tap.h"

#include "mail/addr.h"

#include <errno.h>

static void
test_parse(void **state)
{
	struct addr a;

	(void)state;
	assert_int_equal(addr_parse(STR("joe@Example.COM"), &a), 0);
	assert_str(a.text, "joe@Example.COM");
	assert_str(a.local, "joe");
	assert_str(a.domain, "Example.COM");
	assert_int_equal(addr_parse(STR("a@b@c.example"), &a), 0);
	assert_str(a.local, "a@b");
	assert_int_equal(addr_parse(STR("joe@example.com."), &a), 0);
	assert_str(a.text, "joe@example.com");
	assert_int_equal(addr_parse(STR("joe@[192.0.2.1]"), &a), 0);
	assert_str(a.domain, "[192.0.2.1]");
	assert_int_equal(addr_parse(STR("postmaster"), &a), 0);
	assert_int_equal(a.domain.len, 0);
	assert_int_equal(addr_parse(STR_NONE, &a), 0);
	assert_true(addr_is_null(a));
	assert_int_equal(
	    addr_parse(STR("j\xc3\xb8rn@b\xc3\xbc.example"), &a), 0);
}

/* Paths: what they become, or NULL where they are refused. */
static const struct {
	const char *path;
	const char *strict, *lax;
	size_t used;
} paths[] = {
    {"<>", "", "", 2},
    {"<joe@example.com>", "joe@example.com", "joe@example.com", 17},
    {"<joe@example.com> SIZE=1", "joe@example.com", "joe@example.com", 17},
    {"joe@example.com SIZE=1", NULL, "joe@example.com", 15},
    {"<Postmaster>", "Postmaster", "Postmaster", 12},
    {"<@a.example,@b.example:joe@c.example>", "joe@c.example", "joe@c.example",
	37},
    {"<\"joe smith\"@example.com>", "joe smith@example.com",
	"joe smith@example.com", 25},
    {"<\"joe\\\"s\"@example.com>", "joe\"s@example.com", "joe\"s@example.com",
	22},
    {"<\"a@b\"@example.com>", "a@b@example.com", "a@b@example.com", 19},
    {"<\"a\".b@example.com>", "a.b@example.com", "a.b@example.com", 19},
    {"<a..b@example.com>", "a..b@example.com", "a..b@example.com", 18},
    {"<joe@[IPv6:2001:db8::1]>", "joe@[IPv6:2001:db8::1]",
	"joe@[IPv6:2001:db8::1]", 24},
    {"<joe@example.com.>", "joe@example.com", "joe@example.com", 18},
    {"<user%there@here.example>", "user%there@here.example",
	"user%there@here.example", 25},
    {"<there!user@here.example>", "there!user@here.example",
	"there!user@here.example", 25},
    {"", NULL, NULL, 0},
    {"<", NULL, NULL, 0},
    {"<joe", NULL, NULL, 0},
    {"<joe@", NULL, NULL, 0},
    {"<joe@>", NULL, NULL, 0},
    {"<@example.com>", NULL, NULL, 0},
    {"<@example.com:>", NULL, NULL, 0},
    {"<.@[a@[b]>", NULL, NULL, 0},
    {"<@:joe@example.com>", NULL, NULL, 0},
    {"<@a.example,joe@example.com>", NULL, NULL, 0},
    {"<a@b@c.example>", NULL, NULL, 0},
    {"<\"a@b\">", NULL, NULL, 0},
    {"<joe smith@example.com>", NULL, NULL, 0},
    {"<\"joe\"smith@example.com>", NULL, NULL, 0},
    {"<\"joe@example.com>", NULL, NULL, 0},
    {"<joe\\", NULL, NULL, 0},
    {"<\"joe\\", NULL, NULL, 0},
    {"<joe@ex ample.com>", NULL, NULL, 0},
    {"<joe@-example.com>", NULL, NULL, 0},
    {"<joe@example-.com>", NULL, NULL, 0},
    {"<joe@example..com>", NULL, NULL, 0},
    {"<joe@.example.com>", NULL, NULL, 0},
    {"<joe@[192.0.2.1>", NULL, NULL, 0},
    {"<joe@[]>", NULL, NULL, 0},
    {"<joe@[1@2]>", NULL, NULL, 0},
    {"<joe\x01@example.com>", NULL, NULL, 0},
    {"<\"joe\r\n\"@example.com>", NULL, NULL, 0},
    {"<\"joe\x7f\"@example.com>", NULL, NULL, 0},
    {"<joe\xff@example.com>", NULL, NULL, 0},
    {"<joe\xed\xa0\x80@example.com>", NULL, NULL, 0},
    {"<joe\xf5\x80\x80\x80@example.com>", NULL, NULL, 0},
    {"<joe\xe2\x82", NULL, NULL, 0},
    {"<joe,ann@example.com>", NULL, NULL, 0},
    {"<joe(c)@example.com>", NULL, NULL, 0},
    {"<<joe@example.com>>", NULL, NULL, 0},
    {"joe@example.com>", NULL, NULL, 0},
};

static void
check_path(struct str in, bool strict, const char *want, size_t used)
{
	struct arena a;
	struct addr addr;
	const char *why = NULL;
	size_t n = 0;
	int r;

	arena_init(&a, 4096);
	r = addr_parse_path(in, strict, &a, &addr, &n, &why);
	if (want == NULL) {
		assert_int_equal(r, -EINVAL);
		assert_non_null(why);
	} else {
		assert_int_equal(r, 0);
		assert_str(addr.text, want);
		assert_int_equal(n, used);
	}
	arena_done(&a);
}

static void
test_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct str in = guard_copy(str_c(paths[i].path));

		check_path(in, true, paths[i].strict, paths[i].used);
		check_path(in, false, paths[i].lax, paths[i].used);
		guard_free(in);
	}
}

/* A path cut anywhere is refused or, lax, an address: never a crash. */
static void
test_path_cut(void **state)
{
	struct str whole = STR("<@a.example,@b.example:\"jo\\\" \xc3\xa9\"."
			       "x@[IPv6:2001:db8::1]>");

	(void)state;
	for (size_t n = 0; n < whole.len; n++) {
		struct str in = guard_copy(str_sub(whole, 0, n));

		check_path(in, true, NULL, 0);
		guard_free(in);
	}
}

static void
test_limits(void **state)
{
	char text[1024];
	struct arena a;
	struct addr addr;
	const char *why;
	size_t n;

	(void)state;
	arena_init(&a, 8192);
	memset(text, 'x', sizeof(text));
	text[0] = '<';
	memcpy(text + 1 + ADDR_LOCAL_MAX, "@b.example>", 11);
	assert_int_equal(addr_parse_path(str_n(text, 12 + ADDR_LOCAL_MAX), true,
			     &a, &addr, &n, &why),
	    0);
	assert_int_equal(addr.local.len, ADDR_LOCAL_MAX);
	memset(text + 1, 'x', 300);
	memcpy(text + 2 + ADDR_LOCAL_MAX, "@b.example>", 11);
	assert_int_equal(addr_parse_path(str_n(text, 13 + ADDR_LOCAL_MAX), true,
			     &a, &addr, &n, &why),
	    -EINVAL);
	memset(text, 'x', sizeof(text));
	assert_int_equal(addr_parse_path(str_n(text, sizeof(text)), false, &a,
			     &addr, &n, &why),
	    -EINVAL);
	assert_string_equal(why, "address is too long");
	assert_false(addr_is_domain(str_n(text, 64)));
	assert_true(addr_is_domain(str_n(text, 63)));
	arena_done(&a);
}

static void
gather(void *arg, struct addr a, struct str name)
{
	struct buf *b = arg;

	buf_addf(b, "%.*s|%.*s;", STR_ARG(name), STR_ARG(a.text));
}

static const struct {
	const char *value;
	int r;
	const char *all;
} lists[] = {
    {"joe@a.example", 1, "|joe@a.example;"},
    {" joe@a.example , ann ", 2, "|joe@a.example;|ann;"},
    {"Joe Smith <joe@a.example>, \"A, B\" <ab@b.example>", 2,
	"Joe Smith|joe@a.example;\"A, B\"|ab@b.example;"},
    {"joe (one, (two) three) @ a . example (x)", 1, "|joe@a.example;"},
    {"Friends: joe@a.example, Ann <ann@b.example>;, x@c.example", 3,
	"|joe@a.example;Ann|ann@b.example;|x@c.example;"},
    {"undisclosed-recipients:;", 0, ""},
    {"<@x.example:joe@a.example>", 1, "|joe@a.example;"},
    {"joe@[IPv6:2001:db8::1]", 1, "|joe@[IPv6:2001:db8::1];"},
    {"=?utf-8?q?J=C3=B8rn?= <j@a.example>", 1,
	"=?utf-8?q?J=C3=B8rn?=|j@a.example;"},
    {"a@x.example,\r\n\tb@y.example", 2, "|a@x.example;|b@y.example;"},
    {"", 0, ""},
    {",,;", 0, ""},
    {"<>", 0, ""},
    {"two words", -EINVAL, ""},
    {"joe@a.example x", -EINVAL, ""},
    {"joe@a .b c", -EINVAL, ""},
    {"\"joe", -EINVAL, ""},
    {"(joe", -EINVAL, ""},
    {"(((((((((", -EINVAL, ""},
    {"<joe@a.example", -EINVAL, ""},
    {"<<joe@a.example>>", -EINVAL, ""},
    {"joe@a.example>", -EINVAL, ""},
    {"joe\\", -EINVAL, ""},
    {"\"joe\\", -EINVAL, ""},
    {"(joe\\", -EINVAL, ""},
    {"x <joe@a.example> y", -EINVAL, ""},
    {"joe@[1.2", -EINVAL, ""},
    {"a@b@c", -EINVAL, ""},
    {"joe@a.example\x01", -EINVAL, ""},
    {"1,2,3,4,5", -E2BIG, "|1;|2;|3;|4;"},
};

static void
test_list(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		struct str in = guard_copy(str_c(lists[i].value));
		struct arena a;
		struct buf b;

		arena_init(&a, 65536);
		buf_init(&b, 4096);
		assert_int_equal(
		    addr_parse_list(in, 4, &a, gather, &b), lists[i].r);
		assert_string_equal(b.p, lists[i].all);
		buf_done(&b);
		arena_done(&a);
		guard_free(in);
	}
}

static void
test_complete(void **state)
{
	static const struct {
		const char *value, *want;
	} rows[] = {
	    {" joe", " joe@o.example"},
	    {"joe (the one)\n\t, ann@b",
		"joe@o.example (the one)\n\t, ann@b.d.example"},
	    {"Joe <joe>, G: \"a b\" , <x@y >;",
		"Joe <joe@o.example>, G: \"a b\"@o.example , <x@y.d.example "
		">;"},
	    {"joe@a.example, x@[1.2.3.4]", "joe@a.example, x@[1.2.3.4]"},
	    {"", ""},
	    {"<>", "<>"},
	    {"two words", NULL},
	    {"joe, (", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct str in = guard_copy(str_c(rows[i].value));
		struct buf b;
		int r;

		buf_init(&b, 100);
		r = addr_complete_list(
		    in, STR("o.example"), STR("d.example"), &b);
		assert_int_equal(r, rows[i].want == NULL ? -EINVAL : 0);
		assert_string_equal(
		    b.p, rows[i].want == NULL ? "" : rows[i].want);
		buf_reset(&b);
		r = addr_complete_list(in, STR_NONE, STR_NONE, &b);
		if (r == 0)
			assert_true(str_eq(buf_str(&b), in));
		buf_done(&b);
		buf_init(&b, 3);
		buf_add_c(&b, "x");
		if (in.len > 2)
			assert_true(
			    addr_complete_list(in, STR("o"), STR("d"), &b) < 0);
		assert_true(b.len == 1 || in.len <= 2);
		buf_done(&b);
		guard_free(in);
	}
}

/* Of a.example and a literal all, of others none. */
static bool
map_to_b(void *arg, struct addr addr, struct arena *a, struct addr *ret)
{
	(void)arg;
	if (!str_eq_case(addr.domain, STR("a.example")) &&
	    !str_eq(addr.domain, STR("[192.0.2.1]")))
		return false;
	return addr_parse(arena_strf(a, "%.*s@b.example", STR_ARG(addr.local)),
		   ret) == 0;
}

static void
test_map(void **state)
{
	static const struct {
		const char *value, *want;
	} rows[] = {
	    {" joe@a.example", " joe@b.example"},
	    {"Joe (x) <joe@a.example> (y),\n\tann@c.example, x y <u@A.example>",
		"Joe (x) <joe@b.example> (y),\n\tann@c.example, x y "
		"<u@b.example>"},
	    {"G: \"a b\"@a.example , < @r.example:x@a.example >;",
		"G: \"a b\"@b.example , < x@b.example >;"},
	    {"joe @ (c) a.example", "joe@b.example"},
	    {"joe, <>", "joe, <>"},
	    {"<x@[192.0.2.1]>, y@[192.0.2.2] (c)",
		"<x@b.example>, y@[192.0.2.2] (c)"},
	    {"", ""},
	    {"two words", NULL},
	    {"joe@a.example, (", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct str in = guard_copy(str_c(rows[i].value));
		struct arena a;
		struct buf b;

		arena_init(&a, 65536);
		buf_init(&b, 100);
		int r = addr_map_list(in, &a, map_to_b, NULL, &b);
		assert_int_equal(r, rows[i].want == NULL ? -EINVAL : 0);
		assert_string_equal(
		    b.p, rows[i].want == NULL ? "" : rows[i].want);
		buf_done(&b);
		arena_done(&a);
		guard_free(in);
	}
}

static void
test_format(void **state)
{
	static const struct {
		const char *internal, *external;
	} rows[] = {
	    {"", ""},
	    {"joe", "joe"},
	    {"joe@a.example", "joe@a.example"},
	    {"joe smith@a.example", "\"joe smith\"@a.example"},
	    {"a@b@a.example", "\"a@b\"@a.example"},
	    {"a\"\\b@a.example", "\"a\\\"\\\\b\"@a.example"},
	    {"a..b@a.example", "\"a..b\"@a.example"},
	    {".a@a.example", "\".a\"@a.example"},
	    {"a.@a.example", "\"a.\"@a.example"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct addr a;
		struct buf b;

		buf_init(&b, ADDR_MAX * 2);
		assert_int_equal(addr_parse(str_c(rows[i].internal), &a), 0);
		assert_int_equal(addr_format(a, &b), 0);
		assert_string_equal(b.p, rows[i].external);
		buf_done(&b);
		buf_init(&b, 2);
		if (a.text.len > 2) {
			assert_int_equal(addr_format(a, &b), -EMSGSIZE);
			assert_int_equal(b.len, 0);
		}
		buf_done(&b);
	}
}

static void
test_ext(void **state)
{
	struct str user, ext;

	(void)state;
	assert_true(addr_split_ext(STR("joe+a+b"), STR("+"), &user, &ext));
	assert_str(user, "joe");
	assert_str(ext, "a+b");
	assert_true(addr_split_ext(STR("joe-a+b"), STR("+-"), &user, &ext));
	assert_str(user, "joe");
	assert_false(addr_split_ext(STR("joe"), STR("+"), &user, &ext));
	assert_false(addr_split_ext(STR("joe+a"), STR_NONE, &user, &ext));
	assert_false(addr_split_ext(STR("+joe"), STR("+"), &user, &ext));
	assert_str(user, "+joe");
	assert_false(
	    addr_split_ext(STR("Mailer-Daemon"), STR("-"), &user, &ext));
	assert_false(addr_split_ext(STR("owner-list"), STR("-"), &user, &ext));
	assert_false(
	    addr_split_ext(STR("list-request"), STR("-"), &user, &ext));
	assert_true(addr_split_ext(STR("owner+list"), STR("+"), &user, &ext));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_parse),
    cmocka_unit_test(test_path),
    cmocka_unit_test(test_path_cut),
    cmocka_unit_test(test_limits),
    cmocka_unit_test(test_list),
    cmocka_unit_test(test_complete),
    cmocka_unit_test(test_map),
    cmocka_unit_test(test_format),
    cmocka_unit_test(test_ext),
};
TAP_RUN(tests)
