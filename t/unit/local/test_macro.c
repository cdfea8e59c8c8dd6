/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "guard.h"
#include "macro.h"

static const struct macro macros[] = {
    {"home", {"/home/joe", 9}},
    {"extension", {"", 0}},
    {"ext_2", {"lists", 5}},
};

static void
test_expand(void **state)
{
	static const struct {
		const char *text, *result; /* NULL: refused */
	} rows[] = {
	    {"", ""},
	    {"plain", "plain"},
	    {"$home/.forward", "/home/joe/.forward"},
	    {"${home}x$(home)", "/home/joex/home/joe"},
	    {"$ext_2.x", "lists.x"},
	    {"a$$b", "a$b"},
	    {"${home?yes}", "yes"},
	    {"${home:no}", ""},
	    {"${extension?yes}", ""},
	    {"${extension:no}", "no"},
	    {"${home?<${ext_2}>}", "<lists>"},
	    {"${extension?$nothing}", ""},
	    {"$extension", NULL},
	    {"$nothing", NULL},
	    {"${home", NULL},
	    {"${", NULL},
	    {"$", NULL},
	    {"$-", NULL},
	    {"${}", NULL},
	    {"${home!}", NULL},
	    {"${home?$nothing}", NULL},
	    {"${home?${home?${home?${home?${home?${home?${home?${home?${home?"
	     "x}}}}}}}}}",
		NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str text = guard_copy(str_c(rows[i].text));
		BUF_CLEANUP struct buf out = {0};
		bool is_right;

		buf_init(&out, 100);
		is_right = macro_expand(text, macros, 3, &out);
		assert_int_equal(is_right, rows[i].result != NULL);
		if (is_right)
			assert_string_equal(out.p, rows[i].result);
		guard_free(text);
	}
}

static void
test_bound(void **state)
{
	BUF_CLEANUP struct buf out = {0};

	(void)state;
	buf_init(&out, 12);
	assert_false(macro_expand(STR("$home$home"), macros, 3, &out));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_expand),
    cmocka_unit_test(test_bound),
};

TAP_RUN(tests)
