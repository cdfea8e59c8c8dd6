/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "base/arena.h"
#include "base/map.h"

#define COUNT 5000

/* Every third entry goes again; what stays must stay reachable. */
static void
test_put_get_del(void **state)
{
	ARENA_CLEANUP struct arena a = {0};
	struct str keys[COUNT];
	struct map m;
	size_t seen = 0;

	(void)state;
	arena_init(&a, 1 << 20);
	map_init(&m);
	assert_null(map_get(&m, STR("x")));
	assert_null(map_del(&m, STR("x")));
	for (size_t i = 0; i < COUNT; i++) {
		keys[i] = arena_strf(&a, "key%zu", i);
		assert_null(map_put(&m, keys[i], &keys[i]));
	}
	assert_ptr_equal(map_put(&m, keys[7], &keys[8]), &keys[7]);
	assert_ptr_equal(map_put(&m, keys[7], &keys[7]), &keys[8]);
	for (size_t i = 0; i < COUNT; i += 3)
		assert_ptr_equal(map_del(&m, keys[i]), &keys[i]);
	for (size_t i = 0; i < COUNT; i++)
		assert_ptr_equal(
		    map_get(&m, keys[i]), i % 3 == 0 ? NULL : &keys[i]);
	MAP_FOREACH (s, &m)
		seen++;
	assert_int_equal(seen, m.count);
	map_clear(&m);
	assert_null(map_get(&m, keys[1]));
	map_done(&m);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_put_get_del),
};

TAP_RUN(tests)
