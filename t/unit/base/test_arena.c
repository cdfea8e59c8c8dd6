/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "base/arena.h"

#include <stdalign.h>
#include <stddef.h>

static void
test_zeroed_and_aligned(void **state)
{
	ARENA_CLEANUP struct arena a = {0};

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t n = 1; n < 300; n++) {
		char *p = arena_alloc(&a, n);

		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(p[i], 0);
			p[i] = (char)0xff;
		}
	}
	arena_reset(&a);
	assert_int_equal(arena_left(&a), 1 << 20);
	assert_int_equal(*(char *)arena_alloc(&a, 200), 0);
}

static void
test_text(void **state)
{
	ARENA_CLEANUP struct arena a = {0};
	struct str s;

	(void)state;
	arena_init(&a, 1 << 20);
	s = arena_str(&a, str_n("abcdef", 3));
	assert_string_equal(s.p, "abc");
	assert_str(arena_lower(&a, STR("MiXeD-1")), "mixed-1");
	assert_str(arena_strf(&a, "%s=%d", "x", 7), "x=7");
	assert_str(arena_join(&a, STR("a"), STR("b")), "ab");
	assert_str(arena_join(&a, STR_NONE, STR_NONE), "");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_zeroed_and_aligned),
    cmocka_unit_test(test_text),
};

TAP_RUN(tests)
