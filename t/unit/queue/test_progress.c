/* SPDX-License-Identifier: ISC */
/* What is known about recipients only ever moves one way. */
#include "guard.h"
#include "tap.h"

#include "mail/queue/progress.h"

#include <errno.h>
#include <string.h>

static struct arena arena;

static int
set_up(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 28);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static void
tell(struct progress *p, uint64_t attempt, uint64_t index, bool done,
    enum outcome_state state, const char *text)
{
	struct mark mark = {
	    .index = index,
	    .done = done,
	    .outcome = {.state = state, .text = str_c(text)},
	};
	struct entry_marks about = {.marks = {&mark, 1}};

	progress_apply(p, attempt, 77, &about);
}

static void
test_one_way(void **state)
{
	struct progress p;

	(void)state;
	progress_init(&p, 3, &arena);
	tell(&p, 1, 0, false, OUTCOME_DEFERRED, "first");
	tell(&p, 2, 0, false, OUTCOME_DEFERRED, "second");
	assert_str(p.marks[0].last->text, "second");
	tell(&p, 1, 0, false, OUTCOME_DEFERRED, "first"); /* again, late */
	assert_str(p.marks[0].last->text, "second");
	assert_int_equal(p.attempts, 2);
	tell(&p, 3, 0, false, OUTCOME_BOUNCED, "no");
	assert_true(progress_is_unsaid(&p.marks[0]));
	tell(&p, 4, 0, false, OUTCOME_DEFERRED, "later?");
	assert_str(p.marks[0].last->text, "no");
	tell(&p, 3, 0, true, OUTCOME_BOUNCED, "no");
	assert_false(progress_is_unsaid(&p.marks[0]));
	assert_int_equal(p.left, 2);
	tell(&p, 3, 0, true, OUTCOME_BOUNCED, "no");
	assert_int_equal(p.left, 2);
	tell(&p, 9, 3, true, OUTCOME_SENT, "who?"); /* not there */
	assert_int_equal(p.left, 2);
}

static void
test_done_without_words(void **state)
{
	struct entry_marks about = {0};
	struct progress p;
	struct buf done;

	(void)state;
	buf_init(&done, 100);
	progress_init(&p, 3, &arena);
	tell(&p, 1, 2, false, OUTCOME_BOUNCED, "no");
	entry_add_done(&done, 2);
	entry_add_done(&done, 7);
	about.done = buf_str(&done);
	progress_apply(&p, 1, 0, &about);
	assert_int_equal(p.left, 2);
	assert_true(p.marks[2].done);
	assert_str(p.marks[2].last->text, "no");
	buf_done(&done);
}

static void
test_round_trip_and_bounds(void **state)
{
	enum {
		MANY = 2000
	};
	struct progress p, q;
	uint64_t serial;
	const char *why;
	char text[64];

	(void)state;
	progress_init(&p, MANY, &arena);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "reason number %u", i);
		tell(&p, 5, i, i % 3 == 0,
		    i % 3 == 0 ? OUTCOME_SENT : OUTCOME_DEFERRED, text);
	}
	for (size_t max = progress_size_min(MANY); max < 100000; max *= 2) {
		struct buf b;

		buf_init(&b, 1 << 20);
		assert_int_equal(progress_encode(&p, 42, max, &b), 0);
		assert_true(b.len <= max);
		progress_init(&q, MANY, &arena);
		assert_int_equal(
		    progress_decode(&q, buf_str(&b), &serial, &why), 0);
		assert_int_equal(serial, 42);
		assert_int_equal(q.left, p.left);
		for (unsigned i = 0; i < MANY; i++) {
			assert_int_equal(q.marks[i].done, i % 3 == 0);
			assert_int_equal(
			    q.marks[i].last->state, p.marks[i].last->state);
		}
		buf_done(&b);
	}
}

static void
test_every_bit(void **state)
{
	struct progress p, q;
	struct buf b;
	uint64_t serial;
	const char *why;

	(void)state;
	buf_init(&b, 1 << 20);
	progress_init(&p, 2, &arena);
	tell(&p, 1, 0, false, OUTCOME_DEFERRED, "try later");
	assert_int_equal(progress_encode(&p, 1, 4096, &b), 0);
	for (size_t bit = 0; bit < b.len * 8; bit++) {
		b.p[bit / 8] ^= (char)(1 << bit % 8);
		progress_init(&q, 2, &arena);
		/* Refused or taken; the check around it is the slot's. */
		struct str copy = guard_copy(buf_str(&b));
		(void)progress_decode(&q, copy, &serial, &why);
		assert_true(q.left <= 2);
		guard_free(copy);
		b.p[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t n = 0; n < b.len; n++) {
		struct str cut = guard_copy(str_n(b.p, n));

		progress_init(&q, 2, &arena);
		assert_int_equal(
		    progress_decode(&q, cut, &serial, &why), -EPROTO);
		guard_free(cut);
	}
	progress_init(&q, 3, &arena);
	assert_int_equal(
	    progress_decode(&q, buf_str(&b), &serial, &why), -EPROTO);
	buf_done(&b);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_one_way, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_done_without_words, set_up, tear_down),
    cmocka_unit_test_setup_teardown(
	test_round_trip_and_bounds, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_every_bit, set_up, tear_down),
};

TAP_RUN(tests)
