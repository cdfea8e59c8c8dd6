/* SPDX-License-Identifier: ISC */
/* The least key first, and among equals who came first, whoever is taken out
 * meanwhile. */
#include "tap.h"

#include "turns.h"

#include <stdlib.h>

static void
test_order(void **state)
{
	static const uint64_t keys[] = {5, 1, 3, 1, 9, 0, 3};
	static const size_t want[] = {5, 1, 3, 2, 6, 0, 4};
	struct turn t[7];
	struct turns all = {0};

	(void)state;
	assert_true(turns_is_empty(&all));
	for (size_t i = 0; i < 7; i++)
		turns_put(&all, &t[i], keys[i]);
	for (size_t i = 0; i < 7; i++) {
		assert_ptr_equal(turns_first(&all), &t[want[i]]);
		turns_take(&all, turns_first(&all));
	}
	assert_true(turns_is_empty(&all));
}

#define N 500

/* Against the plain way: look at all of them. */
static struct turn *
find_first(struct turn *t, const bool *is_in)
{
	struct turn *first = NULL;

	for (size_t i = 0; i < N; i++)
		if (is_in[i] && (first == NULL || t[i].key < first->key ||
				    (t[i].key == first->key &&
					t[i].number < first->number)))
			first = &t[i];
	return first;
}

static void
test_random(void **state)
{
	struct turn t[N];
	bool is_in[N] = {false};
	struct turns all = {0};

	(void)state;
	srand(11);
	for (int step = 0; step < 50000; step++) {
		size_t i = (size_t)rand() % N;
		struct turn *first = turns_first(&all);

		if (rand() % 4 == 0 && first != NULL)
			i = (size_t)(first - t);
		if (is_in[i])
			turns_take(&all, &t[i]);
		else
			turns_put(&all, &t[i], (uint64_t)rand() % 50);
		is_in[i] = !is_in[i];
		if (step % 7 == 0)
			assert_ptr_equal(
			    turns_first(&all), find_first(t, is_in));
	}
}

/* A million in a row: no recursion, and no step that looks at all. */
static void
test_many(void **state)
{
	size_t n = 1000000;
	struct turn *t = calloc(n, sizeof(*t));
	struct turns all = {0};
	uint64_t last = 0;

	(void)state;
	for (size_t i = 0; i < n; i++)
		turns_put(&all, &t[i], i * 7919 % n);
	for (size_t i = 0; i < n; i++) {
		assert_true(turns_first(&all)->key >= last);
		last = turns_first(&all)->key;
		turns_take(&all, turns_first(&all));
	}
	assert_true(turns_is_empty(&all));
	free(t);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_order),
    cmocka_unit_test(test_random),
    cmocka_unit_test(test_many),
};

TAP_RUN(tests)
