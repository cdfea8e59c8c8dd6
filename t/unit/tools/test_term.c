/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "guard.h"
#include "term.h"

static void
keys(void **state)
{
	static const struct {
		const char *in;
		enum key key;
		size_t left;
	} cases[] = {
	    {"q", KEY_CHAR, 0},
	    {"qr", KEY_CHAR, 1},
	    {"\n", KEY_ENTER, 0},
	    {"\r", KEY_ENTER, 0},
	    {"\033", KEY_ESCAPE, 0},
	    {"\033q", KEY_ESCAPE, 1},
	    {"\033\033", KEY_ESCAPE, 1},
	    {"\033[A", KEY_UP, 0},
	    {"\033OB", KEY_DOWN, 0},
	    {"\033[Bq", KEY_DOWN, 1},
	    {"\033[5~", KEY_PAGE_UP, 0},
	    {"\033[6~\033[A", KEY_PAGE_DOWN, 3},
	    {"\033[H", KEY_HOME, 0},
	    {"\033[4~", KEY_END, 0},
	    {"\033[D", KEY_ESCAPE, 0},
	    {"\033[1;5Cq", KEY_NONE, 1},
	    {"\033[200~x", KEY_NONE, 1},
	    {"\033[", KEY_NONE, 0},
	    {"\033O", KEY_NONE, 0},
	    {"\033[1;5", KEY_NONE, 0},
	    {"\001", KEY_NONE, 0},
	    {"\177", KEY_NONE, 0},
	    {"\303\244", KEY_NONE, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str all = guard_copy(str_c(cases[i].in)), in = all;
		char c = 0;

		assert_int_equal(term_key(&in, &c), cases[i].key);
		assert_int_equal(in.len, cases[i].left);
		if (cases[i].key == KEY_CHAR)
			assert_int_equal(c, 'q');
		guard_free(all);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(keys),
};

TAP_RUN(tests)
