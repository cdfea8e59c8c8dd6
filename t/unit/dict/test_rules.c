/* SPDX-License-Identifier: ISC */
/* regexp: and pcre: patterns, conditions, substitution, limits. */
#include "check.h"

#include "base/task.h"
#include "dict/pattern.h"
#include "guard.h"

static const char *const types[] = {"regexp:/t", "pcre:/t"};

static void
check_table(
    const char *spec, const char *text, const char *key, const char *value)
{
	struct fake_env e = {.files = {{"/t", str_c(text)}}};
	struct dict *d;

	fake_init(&e);
	d = check_open(&e, spec);
	assert_string_equal(e.remarks.p, "");
	assert_true(dict_is_pattern(d));
	check_get(d, key, value);
	dict_free(&d);
	buf_done(&e.remarks);
}

static void
test_matching(void **state)
{
	static const struct {
		const char *text, *key, *value;
	} rows[] = {
	    {"/^a/ x", "abc", "x"},
	    {"/^a/ x", "ABC", "x"},
	    {"/^a/i x", "ABC", "NO"},
	    {"/^b/ x", "abc", "NO"},
	    {"/^b/ x\n/^a/ y\n/./ z", "abc", "y"},
	    {"!/^b/ x", "abc", "x"},
	    {"!/^a/ x", "abc", "NO"},
	    {"! ! /^a/ x", "abc", "x"},
	    {"|^a/b| x", "a/b", "x"},
	    {"/^a\\/b/ x", "a/b", "x"},
	    {"/(a)(b)?(c)/ <$1|$2|$3>", "xacx", "<a||c>"},
	    {"/(.*)@(.*)/ ${2}1$$$(1)", "u@h", "h1$u"},
	    {"/^(.*)$/\n   several\n   words $1", "k", "several   words k"},
	    {"if /^a/\n/b/ x\nendif\n/./ y", "ab", "x"},
	    {"if /^a/\n/b/ x\nendif\n/./ y", "cb", "y"},
	    {"if !/^a/\n/b/ x\nendif\n/./ y", "cb", "x"},
	    {"if /a/\nif /b/\n/c/ x\nendif\n/d/ y\nendif\n/./ z", "ad", "y"},
	    {"if /a/\nif /b/\n/c/ x\nendif\n/d/ y\nendif\n/./ z", "abc", "x"},
	    {"if /a/\nif /b/\n/c/ x\nendif\n/d/ y\nendif\n/./ z", "abd", "y"},
	    {"if /a/\nif /b/\n/c/ x\nendif\n/d/ y\nendif\n/./ z", "bcd", "z"},
	    {"IF /a/\n/b/ x\nENDIF", "ab", "x"},
	    {"", "a", "NO"},
	};

	(void)state;
	for (size_t t = 0; t < 2; t++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			check_table(
			    types[t], rows[i].text, rows[i].key, rows[i].value);
	check_table("regexp:{{/^a{2}$/ x}, {/^b/ y z}}", "", "bc", "y z");
	check_table("regexp:{{/^a{2}$/ x}, {/^b/ y z}}", "", "aa", "x");
	check_table("pcre:{ {if /a/} {/b/ x} {endif} {!/q/ y} }", "", "b", "y");
	check_table("pcre:{}", "", "b", "NO");
	check_table("regexp:/t", "/a+/x x", "aa", "NO");
	check_table("pcre:/t", "/a b/x x", "ab", "x");
	check_table("pcre:/t", "/(?<=x)y\\d/ z", "xy1", "z");
}

/* A subject of other bytes' is not read beyond its end: as a sanitizer sees. */
static void
test_no_nul(void **state)
{
	(void)state;
	for (size_t t = 0; t < 2; t++) {
		struct fake_env e = {.files = {{"/t", STR("/^(a.*)c$/ $1")}}};
		ARENA_CLEANUP struct arena a = {0};
		char *bare = malloc(3);
		struct str got;
		struct dict *d;

		memcpy(bare, "abc", 3);
		fake_init(&e);
		arena_init(&a, 1 << 20);
		d = check_open(&e, types[t]);
		assert_int_equal(
		    dict_get(d, str_n(bare, 3), &a, &got), FIND_YES);
		assert_str(got, "ab");
		assert_int_equal(
		    dict_get(d, str_n(bare, 2), &a, &got), FIND_NO);
		dict_free(&d);
		buf_done(&e.remarks);
		free(bare);
	}
}

/* A rule that is wrong is left out and remarked. */
static void
test_skipped(void **state)
{
	static const struct {
		const char *text, *remark;
	} rows[] = {
	    {"/a(/ x", "line 1: "},
	    {"/a/z x", "option \"z\""},
	    {"/a/", "no value"},
	    {"/a x", "no closing pattern delimiter: /"},
	    {"abc x", "need /pattern/"},
	    {"/(a)/ $2", "replacement index \"2\""},
	    {"/(a)/ $0", "replacement index \"0\""},
	    {"/(a)/ $99", "replacement index \"99\""},
	    {"/(a)/ ${1", "need $number or $$"},
	    {"/(a)/ $x", "need $number or $$"},
	    {"/(a)/ cost: $", "need $number or $$"},
	    {"!/(a)/ $1", "not allowed with !"},
	    {"!", "need /pattern/"},
	    {"/a\\", "no closing"},
	};

	(void)state;
	for (size_t t = 0; t < 2; t++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			struct fake_env e = {
			    .files = {{"/t", str_c(rows[i].text)}}};
			struct dict *d;

			fake_init(&e);
			d = check_open(&e, types[t]);
			assert_non_null(strstr(e.remarks.p, rows[i].remark));
			check_get(d, "a", "NO");
			dict_free(&d);
			buf_done(&e.remarks);
		}
}

/* What shapes the table must be right. */
static void
test_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
	    {"/a/ x\nif /b/\n/c/ y", "/t, line 2: if without endif"},
	    {"/a/ x\nendif", "/t, line 2: endif without if"},
	    {"if /(/\n/a/ x\nendif", "/t, line 1: "},
	    {"if\n/a/ x\nendif", "/t, line 1: need /pattern/"},
	};

	(void)state;
	for (size_t t = 0; t < 2; t++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			struct fake_env e = {
			    .files = {{"/t", str_c(rows[i].text)}}};

			fake_init(&e);
			check_refused(&e, types[t], rows[i].why);
			buf_done(&e.remarks);
		}
}

static void
test_nested_too_deep(void **state)
{
	struct fake_env e = {0};
	BUF_CLEANUP struct buf text = {0};

	(void)state;
	fake_init(&e);
	buf_init(&text, 1 << 20);
	for (int i = 0; i < 1000; i++)
		buf_add_c(&text, "if /a/\n");
	e.files[0] = (struct fake_file){"/t", buf_str(&text)};
	check_refused(&e, "regexp:/t", "nested deeper than");
	buf_done(&e.remarks);
}

/* Back-tracking without end is cut off, and is no "no". */
static void
test_limits(void **state)
{
	struct fake_env e = {.files = {{"/t", STR("/^(a+)+$/ x")}}};
	ARENA_CLEANUP struct arena a = {0};
	char key[200];
	struct str got;
	struct dict *d;

	(void)state;
	fake_init(&e);
	arena_init(&a, 100000);
	memset(key, 'a', sizeof(key));
	key[sizeof(key) - 1] = 'b';
	d = check_open(&e, "pcre:/t");
	clock_update();
	int64_t start = clock_mono();
	assert_int_equal(
	    dict_get(d, str_n(key, sizeof(key)), &a, &got), FIND_RETRY);
	clock_update();
	assert_true(clock_mono() - start < CLOCK_SEC);
	dict_free(&d);
	buf_done(&e.remarks);
}

static void
ask_in_task(void *arg)
{
	check_get(arg, "some@example.org", "[example.org]");
	loop_stop();
}

static void
test_in_a_task(void **state)
{
	(void)state;
	for (size_t t = 0; t < 2; t++) {
		struct fake_env e = {.files = {{"/t", STR("/@(.*)$/ [$1]\n")}}};
		struct dict *d;

		fake_init(&e);
		d = check_open(&e, types[t]);
		task_start(ask_in_task, d);
		loop_run();
		dict_free(&d);
		buf_done(&e.remarks);
	}
}

static void
test_pattern_cut(void **state)
{
	static const char *const wrong[] = {
	    "", "/", "/a", "/a\\/", "a", " /a/", "\\a\\", "/\\"};
	static const struct {
		const char *text, *pattern, *flags, *rest;
	} right[] = {
	    {"/a/", "a", "", ""},
	    {"//x y", "", "x", " y"},
	    {"#a/b#i z", "a/b", "i", " z"},
	    {"/a\\/b/", "a\\/b", "", ""},
	};
	BUF_CLEANUP struct buf why = {0};
	struct str pattern, flags;

	(void)state;
	buf_init(&why, 1000);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct str s = guard_copy(str_c(wrong[i])), rest = s;

		assert_false(pattern_cut(&rest, &pattern, &flags, &why));
		guard_free(s);
	}
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		struct str s = guard_copy(str_c(right[i].text)), rest = s;

		assert_true(pattern_cut(&rest, &pattern, &flags, &why));
		assert_str(pattern, right[i].pattern);
		assert_str(flags, right[i].flags);
		assert_str(rest, right[i].rest);
		guard_free(s);
	}
}

static int
init_loop(void **state)
{
	(void)state;
	return loop_init();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_matching),
    cmocka_unit_test(test_no_nul),
    cmocka_unit_test(test_skipped),
    cmocka_unit_test(test_refused),
    cmocka_unit_test(test_nested_too_deep),
    cmocka_unit_test(test_limits),
    cmocka_unit_test_setup(test_in_a_task, init_loop),
    cmocka_unit_test(test_pattern_cut),
};

TAP_RUN(tests)
