/* SPDX-License-Identifier: ISC */
/* The store when flushes fail, the disk is full, and it is opened again. */
#include "tap.h"

#include "world.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int alarms;
static void
count_alarm(void *arg, bool on)
{
	(void)arg;
	alarms += on ? 1 : -1;
}

static void
test_failed_flush(void **state)
{
	struct world *w = malloc(sizeof(*w));
	struct letter *before, *hit, *after;

	(void)state;
	world_open(w, 3);
	before = world_add(w, 700, NULL);
	world_settle(w);
	w->rig.fail_once = true;
	w->rig.fail_after[RIG_FLUSH] = 0;
	hit = world_add(w, 700, NULL);
	world_settle(w);
	after = world_add(w, 700, NULL);
	world_settle(w);
	assert_true(before->acked != SIZE_MAX);
	assert_true(hit->refused != SIZE_MAX && hit->acked == SIZE_MAX);
	assert_int_equal(hit->item.where, STORE_NOWHERE);
	assert_true(after->acked != SIZE_MAX);
	/* It was written anew: its place is where the later one's is. */
	assert_ptr_equal(before->item.place.segment, after->item.place.segment);
	world_close(w);
	free(w);
}

static void
test_third_failure_alarms(void **state)
{
	struct world *w = malloc(sizeof(*w));
	struct store_config c;

	(void)state;
	alarms = 0;
	world_open(w, 3);
	store_close(&w->store);
	rig_clear(&w->rig);
	c = world_config(w);
	world_start(w, &c, count_alarm, world_none_found);
	clock_update();
	w->rig.fail_once = true;
	for (int i = 0; i < JOURNAL_FAILURES; i++) {
		assert_int_equal(alarms, 0);
		w->rig.fail_after[RIG_FLUSH] = 0;
		world_add(w, 700, NULL);
		world_settle(w);
	}
	assert_int_equal(alarms, 1);
	assert_false(store_has_room(w->store));
	assert_null(world_add(w, 700, NULL));
	store_tick(
	    w->store, clock_mono() + (JOURNAL_FAILURES_TIME + 1) * CLOCK_SEC);
	world_settle(w);
	assert_int_equal(alarms, 0);
	assert_non_null(world_add(w, 700, NULL));
	world_settle(w);
	world_close(w);
	free(w);
}

/* A journal that is full and a disk that gives no file: statuses still find
 * room, and what is done makes room for mail again. */
static void
test_full_disk_drains(void **state)
{
	struct world *w = malloc(sizeof(*w));
	size_t taken;

	(void)state;
	clock_update();
	world_open(w, 5);
	w->rig.error = ENOSPC;
	w->rig.fail_after[RIG_OPEN] = 0;
	while (world_add(w, 1500, NULL) != NULL)
		world_turn(w);
	world_settle(w);
	taken = w->n;
	assert_true(taken > 10);
	for (size_t i = 0; i < taken; i++) {
		struct letter *l = w->letters[i];

		assert_true(l->acked != SIZE_MAX);
		for (int k = 0; k < RCPTS; k++) {
			world_status(w, l, k, OUTCOME_SENT);
			world_settle(w);
			assert_true(l->done[k] != SIZE_MAX);
		}
		world_finish(w, l);
	}
	world_settle(w);
	assert_non_null(world_add(w, 1500, NULL));
	world_settle(w);
	world_close(w);
	free(w);
}

/* The same with one message that nobody will take: it does not hold up the
 * row of segments for ever. */
static void
test_full_disk_with_one_that_stays(void **state)
{
	struct world *w = malloc(sizeof(*w));

	(void)state;
	clock_update();
	world_open(w, 5);
	w->rig.error = ENOSPC;
	w->rig.fail_after[RIG_OPEN] = 0;
	while (world_add(w, 1500, NULL) != NULL)
		world_turn(w);
	world_settle(w);
	for (size_t i = 1; i < w->n; i++) {
		struct letter *l = w->letters[i];

		for (int k = 0; k < RCPTS; k++) {
			world_status(w, l, k, OUTCOME_SENT);
			world_settle(w);
		}
		world_finish(w, l);
	}
	for (int i = 0; i < 20; i++) {
		store_tick(w->store, clock_mono());
		world_settle(w);
	}
	assert_non_null(world_add(w, 1500, NULL));
	world_settle(w);
	assert_int_equal(w->letters[0]->item.where, STORE_JOURNAL);
	world_close(w);
	free(w);
}

static void
test_generations_never_repeat(void **state)
{
	struct world *w = malloc(sizeof(*w));
	struct store_config c;
	uint64_t first, again;

	(void)state;
	world_open(w, 1);
	assert_int_equal(store_generation(w->store, &first), 0);
	for (int i = 0; i < 3000; i++) {
		uint64_t next;
		int r = store_generation(w->store, &next);

		if (r == 0) {
			assert_true(next > first);
			first = next;
		}
		world_turn(w);
	}
	store_close(&w->store);
	c = world_config(w);
	world_start(w, &c, NULL, world_none_found);
	assert_int_equal(store_generation(w->store, &again), 0);
	assert_true(again > first);
	world_close(w);
	free(w);
}

static struct letter survivor;

static struct store_item *
found_survivor(void *arg, struct str id)
{
	(void)arg;
	assert(str_eq(id, STR("M0000")));
	memset(&survivor, 0, sizeof(survivor));
	return &survivor.item;
}

/* Each start finds the segments of those before, and needs one more. */
static void
test_many_restarts(void **state)
{
	struct world *w = malloc(sizeof(*w));
	struct store_config c;

	(void)state;
	world_open(w, 1);
	c = world_config(w);
	c.journal_size = 4 * RIG_SEGMENT;
	c.keep = 1;
	world_add(w, 700, NULL);
	world_settle(w);
	for (int i = 0; i < 40; i++) {
		store_forget(&w->letters[0]->item);
		if (i > 0)
			store_forget(&survivor.item);
		store_close(&w->store);
		world_start(w, &c, NULL, found_survivor);
		if (i % 10 == 9)
			world_settle(w);
	}
	store_forget(&survivor.item);
	world_close(w);
	free(w);
}

/* More segments may be in use than there are: what waits moves all the same. */
static void
test_small_journal(void **state)
{
	struct world *w = malloc(sizeof(*w));
	struct store_config c;
	int taken = 0;

	(void)state;
	clock_update();
	world_open(w, 5);
	store_close(&w->store);
	rig_clear(&w->rig);
	c = world_config(w);
	c.journal_size = JOURNAL_SEGMENTS_MIN * RIG_SEGMENT;
	c.keep = 8;
	world_start(w, &c, NULL, world_none_found);
	for (int i = 0; i < 400; i++) {
		taken += world_add(w, 1500, NULL) != NULL;
		world_settle(w);
	}
	assert_int_equal(taken, 400); /* four times what there is room for */
	world_close(w);
	free(w);
}

static struct store_item *
known_none(void *arg, struct str id)
{
	(void)arg;
	(void)id;
	return NULL;
}

static void
find_mail(void *arg, struct str id, enum entry_queue queue, int64_t next)
{
	(void)arg;
	(void)queue;
	(void)next;
	fail_msg("%.*s is mail again", STR_ARG(id));
}

static size_t
count_files(const struct world *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++) {
		char path[DIRS_PATH_MAX];

		dirs_path(QUEUE_DEFERRED, str_c(w->letters[i]->item.id), path);
		n += faccessat(w->rig.dirfd, path, F_OK, 0) == 0;
	}
	return n;
}

static void
delete_letter(struct world *w, struct letter *l)
{
	assert_int_equal(store_delete(w->store, &l->item, &l->delete_wait), 0);
	world_settle(w);
	assert_true(l->deleted != SIZE_MAX);
}

/* Of deleted messages the files stay, for the disk removes none: that neither
 * stops the row of segments nor makes mail of them again. */
static void
test_names_that_stay(void **state)
{
	enum {
		FILES = 20,
		OTHERS = 1000
	};
	struct world *w = malloc(sizeof(*w));
	struct store_scan scan = {.known = known_none, .each = find_mail};
	struct store_config c;

	(void)state;
	clock_update();
	world_open(w, 7);
	for (int i = 0; i < FILES; i++) {
		assert_non_null(world_add(w, 9000, NULL));
		world_settle(w);
	}
	assert_int_equal(count_files(w), FILES);
	w->rig.error = EIO;
	w->rig.fail_after[RIG_UNLINK] = 0;
	for (int i = 0; i < FILES; i++)
		delete_letter(w, w->letters[i]);
	assert_int_equal(store_removals(w->store), FILES);
	for (int i = 0; i < OTHERS;
	     i++) { /* three times what there is room for */
		struct letter *l = world_add(w, 700, NULL);

		assert_non_null(l);
		world_settle(w);
		delete_letter(w, l);
		store_tick(w->store, clock_mono());
		world_settle(w);
	}
	assert_int_equal(count_files(w), FILES);
	store_close(&w->store);
	w->rig.fail_after[RIG_UNLINK] = -1;
	c = world_config(w);
	world_start(w, &c, NULL, world_none_found);
	while (store_scan(w->store, &scan))
		;
	world_settle(w);
	assert_int_equal(store_removals(w->store), 0);
	assert_int_equal(count_files(w), 0);
	world_close(w);
	free(w);
}

enum {
	MANY = 20,
	TWO_GROUPS = 150
};

/* So many in the journal, each to get a file. */
static struct world *
open_with_many(void)
{
	struct world *w = malloc(sizeof(*w));

	clock_update();
	world_open(w, 9);
	for (int i = 0; i < MANY; i++)
		assert_non_null(world_add(w, 700, NULL));
	world_settle(w);
	memset(w->rig.calls, 0, sizeof(w->rig.calls));
	for (int i = 0; i < MANY; i++)
		store_want_file(w->store, &w->letters[i]->item);
	return w;
}

static void
test_many_files_by_one_flush(void **state)
{
	struct world *w = open_with_many();

	(void)state;
	world_settle(w);
	assert_int_equal(count_files(w), MANY);
	for (int i = 0; i < MANY; i++)
		assert_true(store_has_name(&w->letters[i]->item));
	assert_true(w->rig.calls[RIG_ALL] >= 1);
	assert_true(w->rig.calls[RIG_SYNC] >= 1); /* the device's */
	assert_true(w->rig.calls[RIG_FLUSH] < MANY / 2);
	world_close(w);
	free(w);
}

/* Nothing is believed of what was written; later each has its own flush. */
static void
test_one_flush_fails(void **state)
{
	struct world *w = open_with_many();
	size_t before = w->n;

	(void)state;
	w->rig.fail_once = true;
	w->rig.fail_after[RIG_ALL] = 0;
	world_settle(w);
	assert_int_equal(count_files(w), 0);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(w->letters[i]->item.where, STORE_JOURNAL);
	assert_int_equal(store_removals(w->store), 0);
	for (int i = 0; i < MANY; i++) /* which have files at once */
		assert_non_null(world_add(w, 9000, NULL));
	world_settle(w);
	for (size_t i = before; i < w->n; i++)
		assert_true(w->letters[i]->acked != SIZE_MAX);
	assert_int_equal(w->rig.calls[RIG_ALL], 1);
	assert_true(w->rig.calls[RIG_FLUSH] >= MANY);
	world_close(w);
	free(w);
}

/* Those who wait for it are told. */
static void
test_one_flush_fails_for_new(void **state)
{
	struct world *w = malloc(sizeof(*w));

	(void)state;
	clock_update();
	world_open(w, 9);
	w->rig.fail_after[RIG_ALL] = 0;
	for (int i = 0; i < MANY; i++)
		assert_non_null(world_add(w, 9000, NULL));
	world_settle(w);
	assert_int_equal(count_files(w), 0);
	for (int i = 0; i < MANY; i++)
		assert_true(w->letters[i]->refused != SIZE_MAX);
	world_close(w);
	free(w);
}

/* Two groups: the thread leaves the first after a file for the second, whose
 * flush is told of all that was written by then; the next is not. */
static void
test_one_flush_fails_for_those_between(void **state)
{
	struct world *w = malloc(sizeof(*w));

	(void)state;
	clock_update();
	world_open(w, 9);
	w->rig.fail_once = true;
	w->rig.fail_after[RIG_ALL] = 0;
	for (int i = 0; i < TWO_GROUPS; i++)
		assert_non_null(world_add(w, 9000, NULL));
	world_settle(w);
	assert_int_equal(w->rig.calls[RIG_ALL], 1);
	assert_int_equal(count_files(w), 0);
	for (int i = 0; i < TWO_GROUPS; i++)
		assert_true(w->letters[i]->refused != SIZE_MAX);
	world_close(w);
	free(w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_failed_flush),
    cmocka_unit_test(test_third_failure_alarms),
    cmocka_unit_test(test_full_disk_drains),
    cmocka_unit_test(test_full_disk_with_one_that_stays),
    cmocka_unit_test(test_small_journal),
    cmocka_unit_test(test_names_that_stay),
    cmocka_unit_test(test_many_files_by_one_flush),
    cmocka_unit_test(test_one_flush_fails),
    cmocka_unit_test(test_one_flush_fails_for_new),
    cmocka_unit_test(test_one_flush_fails_for_those_between),
    cmocka_unit_test(test_generations_never_repeat),
    cmocka_unit_test(test_many_restarts),
};

TAP_RUN(tests)
