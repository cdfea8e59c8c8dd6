/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "cache.h"

#include "base/arena.h"

static struct lookup_ask
ask_for(struct arena *a, unsigned n)
{
	return (struct lookup_ask){
	    LOOKUP_PASSWD_BYNAME, arena_strf(a, "user%u", n)};
}

static void
test_keeps_a_copy(void **state)
{
	struct cache *c = cache_new();
	struct lookup_ask ask = {LOOKUP_PASSWD_BYNAME, STR("ann")};
	struct lookup_ask other = {LOOKUP_GROUP_BYNAME, STR("ann")};
	char home[] = "/home/ann";

	(void)state;
	struct lookup_answer answer = {.find = FIND_YES,
	    .name = STR("ann"),
	    .uid = 7,
	    .home = str_c(home)};
	assert_null(cache_get(c, &ask));
	cache_put(c, &ask, &answer);
	home[1] = 'X';
	const struct lookup_answer *got = cache_get(c, &ask);
	assert_non_null(got);
	assert_int_equal(got->uid, 7);
	assert_true(str_eq(got->home, STR("/home/ann")));
	assert_null(cache_get(c, &other));

	answer.uid = 8;
	cache_put(c, &ask, &answer);
	assert_int_equal(cache_get(c, &ask)->uid, 8);
	assert_int_equal(cache_count(c), 1);
	cache_free(&c);
	assert_null(c);
}

/* Full: the one not asked for longest goes, not the oldest. */
static void
test_bound(void **state)
{
	ARENA_CLEANUP struct arena a = {0};
	struct cache *c = cache_new();
	struct lookup_answer no = {.find = FIND_NO};

	(void)state;
	arena_init(&a, 1 << 20);
	for (unsigned i = 0; i < CACHE_MAX; i++) {
		struct lookup_ask ask = ask_for(&a, i);
		cache_put(c, &ask, &no);
	}
	struct lookup_ask first = ask_for(&a, 0), second = ask_for(&a, 1);
	struct lookup_ask one_more = ask_for(&a, CACHE_MAX);
	assert_non_null(cache_get(c, &first));
	cache_put(c, &one_more, &no);
	assert_int_equal(cache_count(c), CACHE_MAX);
	assert_non_null(cache_get(c, &first));
	assert_null(cache_get(c, &second));
	cache_free(&c);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_keeps_a_copy),
    cmocka_unit_test(test_bound),
};

TAP_RUN(tests)
