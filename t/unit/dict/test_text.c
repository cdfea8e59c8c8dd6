/* SPDX-License-Identifier: ISC */
#include "check.h"

#include "dict/lines.h"
#include "guard.h"

static void
test_lines(void **state)
{
	static const struct {
		const char *text, *lines; /* "N:line|" each */
	} rows[] = {
	    {"", ""},
	    {"\n\n# only\n  # this\n", ""},
	    {"a b\n", "1:a b|"},
	    {"a b", "1:a b|"},
	    {"a b\r\nc d\r\n", "1:a b|2:c d|"},
	    {"a b\n c\n", "1:a b c|"},
	    {"a b,\n# between\n\n\tc\nd e\n", "1:a b,\tc|5:d e|"},
	    {"\n\n  stray\na b\n", "3!stray|4:a b|"},
	    {"#x\n y\n", "2!y|"},
	    {"a#b c#d\n", "1:a#b c#d|"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BUF_CLEANUP struct buf got = {0};
		struct str text = guard_copy(str_c(rows[i].text)), line;
		struct lines l;

		buf_init(&got, 1000);
		lines_init(&l, text);
		while (lines_next(&l, &line))
			buf_addf(&got, "%u%c%.*s|", l.line,
			    l.is_stray ? '!' : ':', STR_ARG(line));
		lines_done(&l);
		assert_string_equal(got.p, rows[i].lines);
		guard_free(text);
	}
}

static void
test_split(void **state)
{
	static const struct {
		const char *line, *key, *value;
	} rows[] = {
	    {"key value", "key", "value"},
	    {"key\v\f value", "key", "value"},
	    {"key\t value  more ", "key", "value  more"},
	    {"\"a b\"@c  d", "\"a b\"@c", "d"},
	    {"\"a\\\" b\"@c d", "\"a\\\" b\"@c", "d"},
	    {"a\\ b c", "a\\ b", "c"},
	    {"key", NULL, NULL},
	    {"key   ", NULL, NULL},
	    {"\"never closed", NULL, NULL},
	    {"key\\", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str line = guard_copy(str_c(rows[i].line)), key, value;
		bool is_right = lines_split(line, &key, &value);

		assert_int_equal(is_right, rows[i].key != NULL);
		if (is_right) {
			assert_true(str_eq(key, str_c(rows[i].key)));
			assert_true(str_eq(value, str_c(rows[i].value)));
		}
		guard_free(line);
	}
}

static void
test_texthash(void **state)
{
	struct fake_env e = {.files = {{"/t", STR("# a table\n"
						  "Ann  ann@example.org,\n"
						  "     ann@example.net\n"
						  "bob\n"
						  "ann  again\n"
						  "eve eve\n"
						  "Team: ann, bob\n"
						  "2001:db8:: net\n"
						  ": colon\n")}}};
	struct dict *d;

	(void)state;
	fake_init(&e);
	d = check_open(&e, "texthash:/t");
	check_get(d, "ann", "ann@example.org,     ann@example.net");
	check_get(d, "ANN", "ann@example.org,     ann@example.net");
	check_get(d, "bob", "NO");
	check_get(d, "eve", "eve");
	check_get(d, "team", "ann, bob");
	check_get(d, "2001:db8::", "net");
	check_get(d, ":", "colon");
	check_get(d, "", "NO");
	assert_string_equal(e.remarks.p,
	    "/t, line 4: expected format: key whitespace value\n"
	    "/t, line 5: duplicate entry: \"ann\"\n");
	assert_false(dict_is_pattern(d));
	dict_free(&d);
	buf_done(&e.remarks);
}

static void
test_inline(void **state)
{
	static const char *const wrong[] = {
	    "inline:a=b",
	    "inline:{a}",
	    "inline:{a=b",
	    "inline:{=b}",
	    "inline:{a=}",
	    "inline:{{a=b}",
	    "inline:",
	    "inline:{a=b}}",
	};
	struct fake_env e = {0};
	struct dict *d;

	(void)state;
	fake_init(&e);
	d = check_open(&e, "inline:{ A=b, { c = d e, f }\tg=h=i }");
	check_get(d, "a", "b");
	check_get(d, "C", "d e, f");
	check_get(d, "g", "h=i");
	check_get(d, "d", "NO");
	dict_free(&d);
	d = check_open(&e, "inline:{}");
	check_get(d, "a", "NO");
	dict_free(&d);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		check_refused(&e, wrong[i], "need ");
	buf_done(&e.remarks);
}

static void
test_bounds(void **state)
{
	struct fake_env e = {0};
	char key[DICT_KEY_MAX + 2], text[DICT_KEY_MAX + 10];
	ARENA_CLEANUP struct arena small = {0};
	struct str got;
	struct dict *d;

	(void)state;
	fake_init(&e);
	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	snprintf(text, sizeof(text), "%s v\n", key + 1);
	e.files[0] = (struct fake_file){"/t", str_c(text)};
	d = check_open(&e, "texthash:/t");
	check_get(d, key + 1, "v");
	check_get(d, key, "NO");
	arena_init(&small, 10);
	assert_int_equal(dict_get(d, str_c(key + 1), &small, &got), FIND_RETRY);
	dict_free(&d);
	check_refused(&e, "texthash:/nowhere", "No such file");
	check_refused(&e, "texthash:", "not the name of a file");
	buf_done(&e.remarks);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_lines),
    cmocka_unit_test(test_split),
    cmocka_unit_test(test_texthash),
    cmocka_unit_test(test_inline),
    cmocka_unit_test(test_bounds),
};

TAP_RUN(tests)
