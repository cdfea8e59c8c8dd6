/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "answers.h"

#include <stdio.h>

static struct arena a;

static struct dns_answer
answer_of(enum find find, uint64_t ttl, size_t bytes)
{
	struct dns_record *r = arena_alloc(&a, sizeof(*r));

	r->type = DNS_TXT;
	r->data = str_n(arena_alloc(&a, bytes), bytes);
	return (struct dns_answer){
	    .find = find, .ttl = ttl, .records = {r, find == FIND_YES ? 1 : 0}};
}

static void
test_ttl(void **state)
{
	static const struct {
		enum find find;
		uint64_t ttl, want; /* 0: not kept */
	} rows[] = {
	    {FIND_YES, 0, ANSWERS_TTL_MIN},
	    {FIND_YES, 60, 60},
	    {FIND_YES, UINT32_MAX, ANSWERS_TTL_MAX},
	    {FIND_NO, 0, 0},
	    {FIND_NO, 60, 60},
	    {FIND_NO, 86400, ANSWERS_NO_MAX},
	    {FIND_RETRY, 0, ANSWERS_RETRY},
	    {FIND_BROKEN, 60, 0},
	};
	struct cache *c = answers_new();
	struct dns_answer got;

	(void)state;
	assert_false(answers_get(c, STR("15/x"), &a, &got));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		arena_reset(&a);
		struct dns_answer put =
		    answer_of(rows[i].find, rows[i].ttl, 10);
		answers_put(c, STR("15/x"), &put);
		bool found = answers_get(c, STR("15/x"), &a, &got);
		assert_int_equal(found, rows[i].want > 0);
		if (!found)
			continue;
		assert_int_equal(got.find, rows[i].find);
		assert_int_equal(got.ttl, rows[i].want);
		assert_int_equal(got.records.n, put.records.n);
		assert_false(answers_get(c, STR("1/x"), &a, &got));
	}
	cache_free(&c);
}

static void
test_bounds(void **state)
{
	struct cache *c = answers_new();
	const struct dns_answer small = {.find = FIND_NO, .ttl = 60};
	struct dns_answer large = answer_of(FIND_YES, 60, 40000);
	struct dns_answer huge;
	struct dns_answer got;
	char key[20];

	(void)state;
	for (int i = 0; i < ANSWERS_MAX + 10; i++) {
		snprintf(key, sizeof(key), "1/h%d", i);
		answers_put(c, str_c(key), &small);
	}
	assert_int_equal(cache_count(c), ANSWERS_MAX);
	assert_false(answers_get(c, STR("1/h9"), &a, &got));
	assert_true(
	    answers_get(c, STR("1/h10"), &a, &got)); /* now the newest */
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "2/h%d", i);
		answers_put(c, str_c(key), &large);
		assert_true(cache_bytes(c) <= ANSWERS_BYTES_MAX);
		assert_true(answers_get(c, str_c(key), &a, &got));
		arena_reset(&a);
		large = answer_of(FIND_YES, 60, 40000);
	}
	assert_false(answers_get(c, STR("2/h0"), &a, &got));
	huge = answer_of(FIND_YES, 60, 65535);
	answers_put(c, STR("2/h999"), &huge); /* replaced by nothing */
	assert_false(answers_get(c, STR("2/h999"), &a, &got));
	cache_free(&c);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_ttl),
    cmocka_unit_test(test_bounds),
};

int
main(void)
{
	arena_init(&a, 8 << 20);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_done(&a);
	return failed;
}
