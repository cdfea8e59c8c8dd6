/* SPDX-License-Identifier: ISC */
#include "guard.h"
#include "tap.h"

#include "postconf.h"

static const struct {
	enum edit how;
	const char *text;
	const char *requests[4];
	const char *want; /* NULL: refused */
} cases[] = {
    {EDIT_SET, "", {"a = b"}, "a = b\n"},
    {EDIT_SET, "", {"a="}, "a =\n"},
    {EDIT_SET, "a = 1", {"a=2"}, "a = 2\n"},
    {EDIT_SET, "# c\na = 1\n\nb = 2\n", {"b=3", "c=4"},
	"# c\na = 1\n\nb = 3\nc = 4\n"},
    {EDIT_SET, "a =\n  1\n# in between\n  2\nb = 2\n", {"a=3"},
	"a = 3\n# in between\nb = 2\n"},
    {EDIT_SET, "a = 1\na = 2\n", {"a=3"}, "a = 3\n"},
    {EDIT_SET, "b = 1\n", {"a=1", "a=2"}, "b = 1\na = 2\n"},
    {EDIT_SET, "ab = 1\n", {"a=1"}, "ab = 1\na = 1\n"},
    {EDIT_SET, "a = 1\n", {"a = x = y"}, "a = x = y\n"},
    {EDIT_SET, "a = 1\n", {"foo bar"}, NULL},
    {EDIT_SET, "a = 1\n", {"foo bar = 1"}, NULL},
    {EDIT_SET, "a = 1\n", {"= 1"}, NULL},
    {EDIT_SET, "a = 1\n", {"a = 1\nb = 2"}, NULL},
    {EDIT_COMMENT, "a = 1\n 2\nb = 1\n", {"a"}, "#a = 1\n# 2\nb = 1\n"},
    {EDIT_COMMENT, "a = 1\n", {"b"}, "a = 1\n"},
    {EDIT_COMMENT, "a = 1\n", {"a=1"}, NULL},
    {EDIT_DELETE, "a = 1\n# c\n 2\nb = 1\n", {"a"}, "# c\nb = 1\n"},
    {EDIT_DELETE, "a = 1\nb = 1\nc = 1\n", {"a", "c"}, "b = 1\n"},
    {EDIT_DELETE, "a = 1\n", {""}, NULL},
};

static void
test_edit(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str text = guard_copy(str_c(cases[i].text));
		char *requests[4];
		size_t n = 0;
		struct buf out, why;
		for (; n < 4 && cases[i].requests[n] != NULL; n++)
			requests[n] = strdup(cases[i].requests[n]);
		buf_init(&out, 4096);
		buf_init(&why, 4096);
		int r =
		    postconf_edit(cases[i].how, text, requests, n, &out, &why);
		if (cases[i].want == NULL) {
			assert_int_not_equal(r, 0);
			assert_true(why.len > 0);
		} else {
			assert_int_equal(r, 0);
			assert_string_equal(out.p, cases[i].want);
		}
		buf_done(&out);
		buf_done(&why);
		while (n > 0)
			free(requests[--n]);
		guard_free(text);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_edit),
};
TAP_RUN(tests)
