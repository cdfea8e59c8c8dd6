/* SPDX-License-Identifier: ISC */
#include "guard.h"
#include "tap.h"

#include "mail/cf_line.h"

#include <stdio.h>

/* Every logical line as "NUMBER:TEXT|", a bad one as "NUMBER!|". */
static void
read_all(struct str text, char *ret, size_t size)
{
	struct str at_guard = guard_copy(text), line;
	struct cf_lines in;
	unsigned number;
	const char *why;
	size_t n = 0;

	ret[0] = '\0';
	cf_lines_init(&in, at_guard);
	while (cf_lines_next(&in, &line, &number, &why)) {
		if (why != NULL)
			n +=
			    (size_t)snprintf(ret + n, size - n, "%u!|", number);
		else
			n += (size_t)snprintf(ret + n, size - n, "%u:%.*s|",
			    number, STR_ARG(line));
	}
	cf_lines_done(&in);
	guard_free(at_guard);
}

static void
test_lines(void **state)
{
	static const struct {
		struct str text;
		const char *want;
	} cases[] = {
	    {STR(""), ""},
	    {STR("\n\n"), ""},
	    {STR("# only a comment"), ""},
	    {STR("a = b"), "1:a = b|"},
	    {STR("a = b\n"), "1:a = b|"},
	    {STR("a = b\r\nc = d\r\n"), "1:a = b|2:c = d|"},
	    {STR("a =\n b\n\tc\nd = e"), "1:a = b\tc|4:d = e|"},
	    {STR("a =\n\n# between\n   # also\n b\n"), "1:a = b|"},
	    {STR("a = b   \n"), "1:a = b|"},
	    {STR("  orphan\na = b\n"), "1!|2:a = b|"},
	    {STR("# comment\n  orphan\n  more\na = b"), "2!|4:a = b|"},
	    {STR("   \n\t\n a"), "3!|"},
	    {STR("a = \0b\nc = d"), "1!|2:c = d|"},
	    {STR("a = b # c"), "1:a = b # c|"},
	};
	char got[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		read_all(cases[i].text, got, sizeof(got));
		assert_string_equal(got, cases[i].want);
	}
}

static void
test_too_long(void **state)
{
	size_t n = CF_LINE_MAX + 100;
	char *text = malloc(n + 8);
	char got[64];

	(void)state;
	assert_non_null(text);
	memset(text, 'x', n);
	memcpy(text + n, "\na = b\n", 7);
	read_all(str_n(text, n + 7), got, sizeof(got));
	assert_string_equal(got, "1!|2:a = b|");
	free(text);
}

static void
test_setting(void **state)
{
	static const struct {
		const char *line, *name, *value; /* name NULL: refused */
	} cases[] = {
	    {"a = b", "a", "b"},
	    {"a=b", "a", "b"},
	    {"a =", "a", ""},
	    {"a = b = c", "a", "b = c"},
	    {"smtp-x_time_limit = 3", "smtp-x_time_limit", "3"},
	    {"a\t=\tb", "a", "b"},
	    {"", NULL, NULL},
	    {"a", NULL, NULL},
	    {"a b = c", NULL, NULL},
	    {"= b", NULL, NULL},
	    {"$a = b", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str line = guard_copy(str_c(cases[i].line));
		struct str name, value;
		const char *why = NULL;
		int r = cf_line_setting(line, &name, &value, &why);
		if (cases[i].name == NULL) {
			assert_int_not_equal(r, 0);
			assert_non_null(why);
		} else {
			assert_int_equal(r, 0);
			assert_str(name, cases[i].name);
			assert_str(value, cases[i].value);
		}
		guard_free(line);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_lines),
    cmocka_unit_test(test_too_long),
    cmocka_unit_test(test_setting),
};
TAP_RUN(tests)
