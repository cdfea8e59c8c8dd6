/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "answers.h"

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
	ARENA_CLEANUP struct arena a = {0};
	struct cache *c = answers_new();
	struct lookup_ask ask = {LOOKUP_PASSWD_BYNAME, STR("ann")};
	struct lookup_ask other = {LOOKUP_GROUP_BYNAME, STR("ann")};
	char home[] = "/home/ann";
	struct lookup_answer got;

	(void)state;
	arena_init(&a, 1 << 20);
	struct lookup_answer answer = {.find = FIND_YES,
	    .name = STR("ann"),
	    .uid = 7,
	    .home = str_c(home)};
	assert_false(answers_get(c, &ask, &a, &got));
	answers_put(c, &ask, &answer);
	home[1] = 'X';
	assert_true(answers_get(c, &ask, &a, &got));
	assert_int_equal(got.uid, 7);
	assert_true(str_eq(got.home, STR("/home/ann")));
	assert_false(answers_get(c, &other, &a, &got));

	answer.uid = 8;
	answers_put(c, &ask, &answer);
	assert_true(answers_get(c, &ask, &a, &got));
	assert_int_equal(got.uid, 8);
	assert_int_equal(cache_count(c), 1);
	cache_free(&c);
	assert_null(c);
}

/* However large they are, all of them are kept. */
static void
test_bound(void **state)
{
	ARENA_CLEANUP struct arena a = {0};
	struct cache *c = answers_new();
	struct lookup_answer got, large = {.find = FIND_YES};
	char *text;

	(void)state;
	arena_init(&a, 1 << 24);
	text = arena_alloc(&a, LOOKUP_TEXT_MAX);
	memset(text, 'x', LOOKUP_TEXT_MAX);
	large.home = large.shell = large.gecos = large.text =
	    str_n(text, LOOKUP_TEXT_MAX);
	for (unsigned i = 0; i < ANSWERS_MAX; i++) {
		struct lookup_ask ask = ask_for(&a, i);
		answers_put(c, &ask, &large);
	}
	struct lookup_ask first = ask_for(&a, 0);
	assert_int_equal(cache_count(c), ANSWERS_MAX);
	assert_true(answers_get(c, &first, &a, &got));
	cache_free(&c);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_keeps_a_copy),
    cmocka_unit_test(test_bound),
};

TAP_RUN(tests)
