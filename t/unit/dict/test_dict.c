/* SPDX-License-Identifier: ISC */
/* Types, lists, the tables without a file and those made of tables. */
#include "check.h"

#include "guard.h"

static void
test_list(void **state)
{
	static const struct {
		const char *list, *items; /* "item|" each; NULL: unbalanced */
	} rows[] = {
	    {"", ""},
	    {" , \t\n", ""},
	    {"a, b\tc", "a|b|c|"},
	    {"inline:{ a=b, c=d } x", "inline:{ a=b, c=d }|x|"},
	    {"{ a b }, c", "a b|c|"},
	    {"{ {a b} }", "{a b}|"},
	    {"{a}{b} c", "{a}{b}|c|"},
	    {"{} x", "|"},
	    {"{ a", NULL},
	    {"a }", NULL},
	    {"a{}}", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str list = guard_copy(str_c(rows[i].list)), rest, item;
		BUF_CLEANUP struct buf got = {0};
		int r;

		rest = list;
		buf_init(&got, 1000);
		while ((r = dict_list_next(&rest, &item)) == 0) {
			if (rest.len == 0 && item.len == 0)
				break;
			buf_addf(&got, "%.*s|", STR_ARG(item));
			if (item.len == 0)
				break;
		}
		assert_int_equal(r != 0, rows[i].items == NULL);
		if (r == 0)
			assert_string_equal(got.p, rows[i].items);
		guard_free(list);
	}
}

static void
test_static(void **state)
{
	struct fake_env e = {0};
	struct dict *d;

	(void)state;
	fake_init(&e);
	d = check_open(&e, "static:5000");
	check_get(d, "whatever", "5000");
	dict_free(&d);
	d = check_open(&e, "proxy:static:{ some text }");
	check_get(d, "x", "some text");
	assert_true(str_eq(dict_spec(d), STR("proxy:static:{ some text }")));
	dict_free(&d);
	d = check_open(&e, "fail:always");
	check_get(d, "x", "RETRY");
	dict_free(&d);
	buf_done(&e.remarks);
}

static void
test_unix(void **state)
{
	struct fake_env e = {0};
	struct dict *d;

	(void)state;
	fake_init(&e);
	d = check_open(&e, "proxy:unix:passwd.byname");
	check_get(d, "Ann", "ann:x:1000:1000::/home/ann:/bin/sh");
	check_get(d, "bob", "NO");
	check_get(d, "later", "RETRY");
	dict_free(&d);
	check_refused(&e, "unix:shadow.byname", "passwd.byname");
	e.env.lookup = NULL;
	check_refused(&e, "unix:passwd.byname", "cannot be asked");
	buf_done(&e.remarks);
}

static void
test_union_and_pipe(void **state)
{
	struct fake_env e = {0};
	struct dict *d;

	(void)state;
	fake_init(&e);
	d = check_open(&e, "unionmap:{inline:{a=1, c=5}, inline:{a=2, b=3}}");
	check_get(d, "a", "1,2");
	check_get(d, "b", "3");
	check_get(d, "d", "NO");
	assert_false(dict_is_pattern(d));
	dict_free(&d);
	d = check_open(&e, "unionmap:{static:a,fail:x}");
	check_get(d, "a", "RETRY");
	dict_free(&d);
	d = check_open(&e, "pipemap:{inline:{a=b}, {inline:{{b = c d}}}}");
	check_get(d, "a", "c d");
	check_get(d, "b", "NO");
	dict_free(&d);
	check_refused(&e, "unionmap:static:a", "need \"unionmap:{");
	check_refused(&e, "pipemap:{}", "need 1 to");
	check_refused(&e, "pipemap:{static:a", "need \"pipemap:{");
	check_refused(&e, "pipemap:{nosuch:a}", "unsupported");
	buf_done(&e.remarks);
}

static void
test_nesting(void **state)
{
	BUF_CLEANUP struct buf spec = {0};
	struct fake_env e = {0};

	(void)state;
	fake_init(&e);
	buf_init(&spec, 100000);
	for (int i = 0; i < 1000; i++)
		buf_add_c(&spec, "unionmap:{");
	for (int i = 0; i < 1000; i++)
		buf_add_c(&spec, "}");
	check_refused(&e, spec.p, "deeper than");
	buf_done(&e.remarks);
}

static void
test_files(void **state)
{
	static const struct {
		const char *spec, *files;
	} rows[] = {
	    {"hash:/etc/aliases", "/etc/aliases.cdb|"},
	    {"proxy:btree:/x", "/x.cdb|"},
	    {"/x", "/x.cdb|"},
	    {"texthash:/x", "/x|"},
	    {"static:/x", ""},
	    {"inline:{a=b}", ""},
	    {"unionmap:{hash:/a, pipemap:{texthash:/b, static:c}}",
		"/a.cdb|/b|"},
	    {"nosuch:/x", ""},
	    {"unionmap:{hash:/1,hash:/2,hash:/3,hash:/4,hash:/5}",
		"/1.cdb|/2.cdb|/3.cdb|/4.cdb|"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ARENA_CLEANUP struct arena a = {0};
		BUF_CLEANUP struct buf got = {0};
		struct str files[4];
		size_t n;

		arena_init(&a, 10000);
		buf_init(&got, 1000);
		n = dict_files(str_c(rows[i].spec), STR("hash"), &a, files, 4);
		for (size_t f = 0; f < n; f++)
			buf_addf(&got, "%.*s|", STR_ARG(files[f]));
		assert_string_equal(got.p, rows[i].files);
	}
}

static void
test_types(void **state)
{
	size_t n = 0;

	(void)state;
	for (; dict_type_name(n) != NULL; n++)
		if (n > 0)
			assert_true(strcmp(dict_type_name(n - 1),
					dict_type_name(n)) < 0);
	assert_true(n > 5);
}

static void
test_maps(void **state)
{
	BUF_CLEANUP struct buf why = {0};
	struct fake_env e = {0};
	ARENA_CLEANUP struct arena a = {0};
	struct maps *m;
	struct str got;

	(void)state;
	fake_init(&e);
	buf_init(&why, 1000);
	arena_init(&a, 100000);
	m = maps_open(&e.env, STR("inline:{a=1} , inline:{a=2,b=3}"), &why);
	assert_non_null(m);
	assert_int_equal(maps_count(m), 2);
	assert_int_equal(maps_get(m, STR("a"), &a, &got), FIND_YES);
	assert_true(str_eq(got, STR("1")));
	assert_int_equal(maps_get(m, STR("b"), &a, &got), FIND_YES);
	assert_int_equal(maps_get(m, STR("c"), &a, &got), FIND_NO);
	maps_free(&m);
	m = maps_open(&e.env, STR(" "), &why);
	assert_true(maps_is_empty(m));
	assert_int_equal(maps_get(m, STR("a"), &a, &got), FIND_NO);
	maps_free(&m);
	m = maps_open(&e.env, STR("inline:{a=1}, fail:x, static:b"), &why);
	assert_int_equal(maps_get(m, STR("c"), &a, &got), FIND_RETRY);
	maps_free(&m);
	assert_null(maps_open(&e.env, STR("static:a, nosuch:b"), &why));
	assert_non_null(strstr(why.p, "nosuch"));
	buf_reset(&why);
	assert_null(maps_open(&e.env, STR("static:a, {b"), &why));
	assert_non_null(strstr(why.p, "unbalanced"));
	buf_done(&e.remarks);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_list),
    cmocka_unit_test(test_static),
    cmocka_unit_test(test_unix),
    cmocka_unit_test(test_union_and_pipe),
    cmocka_unit_test(test_nesting),
    cmocka_unit_test(test_files),
    cmocka_unit_test(test_types),
    cmocka_unit_test(test_maps),
};

TAP_RUN(tests)
