/* SPDX-License-Identifier: ISC */
/*
 * The store against doc/queue.md: what was promised is there after a power
 * cut behind every call that the disk saw, and what was ended does not return.
 */
#include "tap.h"

#include "rig.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LETTERS_MAX 2000
#define RCPTS       3

/* A message as the test knows it: when what was promised of it, counted in
 * calls that the disk had seen by then (SIZE_MAX: not yet). */
struct letter {
	struct store_item item;
	struct journal_wait wait, status_wait;
	struct store_body *body;
	unsigned seed;
	size_t size;
	bool is_large;
	struct letter *parent; /* whose recipient 0 is done by this one */
	size_t acked, refused, finished;
	size_t asked[RCPTS], done[RCPTS]; /* a final status: begun, promised */
	struct journal_wait delete_wait, place_wait;
	size_t delete_asked, deleted, delete_failed;
	size_t placed; /* in `queue`, durably; SIZE_MAX: who knows */
	enum entry_queue queue;
	int pending; /* waits outstanding */
	int pending_rcpt;
	bool is_told, is_telling;
	bool gone;
};

struct world {
	struct rig rig;
	struct store *store;
	struct letter *letters[LETTERS_MAX];
	size_t n;
	struct arena arena;
	unsigned seed;
};
static struct world *world; /* for the callbacks, which get no argument */

static struct store_item *
none_found(void *arg, struct str id)
{
	(void)arg;
	(void)id;
	assert(!"an empty queue has no messages");
	return NULL;
}

static void
open_world(struct world *w, unsigned seed)
{
	struct store_events e = {0};
	BUF_CLEANUP struct buf why = {0};

	memset(w, 0, sizeof(*w));
	world = w;
	w->seed = seed;
	arena_init(&w->arena, 1 << 30);
	rig_init(&w->rig);
	buf_init(&why, 1000);
	w->rig.recording = true;
	w->store = store_open(
	    &(struct store_config){
		.dirfd = w->rig.dirfd,
		.disk = &w->rig.disk,
		.segment_size = RIG_SEGMENT,
		.journal_size = RIG_JOURNAL,
		.keep = 2,
	    },
	    &e, none_found, &why);
	assert_non_null(w->store);
}

static void
close_world(struct world *w)
{
	store_close(&w->store);
	for (size_t i = 0; i < w->n; i++) {
		store_body_free(&w->letters[i]->body);
		free(w->letters[i]->item.spoken);
		free(w->letters[i]);
	}
	arena_done(&w->arena);
	rig_done(&w->rig);
}

static void
turn(struct world *w)
{
	store_submit(w->store);
	store_collect(w->store);
}

static void
settle_world(struct world *w)
{
	for (int i = 0; i < 30; i++)
		turn(w);
}

static void
set_done(struct letter *l, int rcpt, bool is_told, bool warned)
{
	struct mark mark = {.index = (uint64_t)rcpt,
	    .done = is_told,
	    .outcome = {.state = OUTCOME_SENT}};
	struct entry_marks about = {.marks = {&mark, 1}, .warned = warned};

	l->done[rcpt] = world->rig.nops;
	progress_apply(
	    &l->body->progress, l->body->progress.attempts, 5, &about);
}

static void
end_add(struct journal_wait *wait, int error)
{
	struct letter *l =
	    (struct letter *)((char *)wait - offsetof(struct letter, wait));

	l->pending--;
	if (error == 0)
		l->acked = world->rig.nops;
	else
		l->refused = world->rig.nops;
	if (l->parent == NULL)
		return;
	l->parent->pending--;
	if (error == 0)
		set_done(l->parent, 0, true, true);
}

/* Those who are in the state R4 are told of. */
static void
add_unsaid(struct letter *l, struct buf *done)
{
	for (int i = 0; i < RCPTS; i++)
		if (progress_is_unsaid(&l->body->progress.marks[i]))
			assert_int_equal(entry_add_done(done, (uint32_t)i), 0);
}

static void
end_telling(struct letter *l)
{
	struct progress *p = &l->body->progress;
	BUF_CLEANUP struct buf done = {0};

	buf_init(&done, 4 * RCPTS);
	add_unsaid(l, &done);
	progress_apply(p, p->attempts, p->next,
	    &(struct entry_marks){.done = buf_str(&done)});
}

static void
end_status(struct journal_wait *wait, int error)
{
	struct letter *l =
	    (struct letter *)((char *)wait -
			      offsetof(struct letter, status_wait));

	l->pending--;
	if (error == 0 && l->pending_rcpt >= 0)
		set_done(l, l->pending_rcpt, l->is_told, false);
	if (error == 0 && l->is_telling)
		end_telling(l);
	l->is_telling = false;
}

static void
end_delete(struct journal_wait *wait, int error)
{
	struct letter *l =
	    (struct letter *)((char *)wait -
			      offsetof(struct letter, delete_wait));

	l->pending--;
	l->gone = error == 0;
	if (error == 0)
		l->deleted = world->rig.nops;
	else
		l->delete_failed = world->rig.nops;
}

static void
end_place(struct journal_wait *wait, int error)
{
	struct letter *l =
	    (struct letter *)((char *)wait -
			      offsetof(struct letter, place_wait));

	l->pending--;
	if (error == 0)
		l->placed = world->rig.nops;
}

static struct letter *
add(struct world *w, size_t size, struct letter *parent)
{
	struct letter *l = calloc(1, sizeof(*l));
	struct recipient rcpts[RCPTS];
	struct entry_marks about = {0};
	struct mark mark = {.done = 1,
	    .outcome = {.state = OUTCOME_SENT,
		.dsn = STR("2.0.0"),
		.text = STR("forwarded")}};
	struct envelope e = {.sender = STR("a@example.org")};
	struct content *content;
	int r;

	assert(w->n < LETTERS_MAX);
	memset(rcpts, 0, sizeof(rcpts));
	snprintf(l->item.id, sizeof(l->item.id), "M%04zu", w->n);
	l->seed = rig_random(&w->seed, 1000000);
	l->size = size;
	l->acked = l->refused = l->finished = SIZE_MAX;
	l->delete_asked = l->deleted = l->delete_failed = SIZE_MAX;
	l->placed = SIZE_MAX;
	l->delete_wait.done = end_delete;
	l->place_wait.done = end_place;
	for (int i = 0; i < RCPTS; i++) {
		l->asked[i] = l->done[i] = SIZE_MAX;
		rcpts[i].address = STR("b@example.net");
		rcpts[i].original = STR("b@example.net");
	}
	e.id = str_c(l->item.id);
	e.recipients = (struct rows){rcpts, RCPTS};
	content = content_from_str(rig_text(&w->arena, size, l->seed));
	l->body = store_body_new(&e, content);
	content_unref(&content);
	l->wait.done = end_add;
	l->status_wait.done = end_status;
	if (parent != NULL) {
		about.id = str_c(parent->item.id);
		about.marks = (struct rows){&mark, 1};
		about.warned = 1;
	}
	r = store_add(w->store, &l->item, l->body,
	    parent == NULL ? NULL : &parent->item, &about, &l->wait);
	if (r < 0) {
		store_body_free(&l->body);
		free(l);
		return NULL;
	}
	l->pending++;
	l->parent = parent;
	if (parent != NULL) {
		parent->pending++;
		parent->asked[0] = w->rig.nops;
	}
	w->letters[w->n++] = l;
	return l;
}

static void
tell_status(
    struct world *w, struct letter *l, int rcpt, enum outcome_state state)
{
	bool is_final = state == OUTCOME_SENT;
	bool is_told = rig_random(&w->seed, 2) == 0;
	struct mark mark = {
	    .index = (uint64_t)rcpt,
	    .done = is_final && is_told,
	    .outcome = {.state = state,
		.dsn = STR("2.0.0"),
		.text = STR("as it was")},
	};
	struct entry_status s = {
	    .attempts = l->body->progress.attempts + 1,
	    .next = 5,
	    .about = {.id = str_c(l->item.id), .marks = {&mark, 1}},
	};
	int r;

	l->pending_rcpt = is_final ? rcpt : -1;
	l->is_told = is_told;
	r = store_status(w->store, &l->item, &s, &l->status_wait);
	if (r < 0)
		return;
	if (is_final)
		l->asked[rcpt] = w->rig.nops;
	if (r == 1) {
		l->pending++;
		return;
	}
	assert_false(is_final); /* that is recorded, told or not */
	progress_apply(&l->body->progress, s.attempts, s.next, &s.about);
	store_rest(w->store, &l->item, l->body);
}

static void
tell_unsaid(struct world *w, struct letter *l)
{
	BUF_CLEANUP struct buf done = {0};
	struct entry_status s = {.attempts = l->body->progress.attempts};

	buf_init(&done, 4 * RCPTS);
	add_unsaid(l, &done);
	s.about = (struct entry_marks){
	    .id = str_c(l->item.id), .done = buf_str(&done)};
	l->pending_rcpt = -1;
	l->is_telling =
	    store_status(w->store, &l->item, &s, &l->status_wait) == 1;
	l->pending += l->is_telling;
}

static void
finish_if_done(struct world *w, struct letter *l)
{
	for (int i = 0; i < RCPTS; i++)
		if (l->done[i] == SIZE_MAX)
			return;
	if (l->body->progress.left > 0) {
		tell_unsaid(w, l);
		return;
	}
	l->finished = w->rig.nops;
	l->gone = true;
	store_finish(w->store, &l->item);
}

/* As an administrator does. */
static void
steer(struct world *w, struct letter *l)
{
	if (rig_random(&w->seed, 3) == 0) {
		if (l->delete_asked != SIZE_MAX) /* that failed once */
			return;
		if (store_delete(w->store, &l->item, &l->delete_wait) == 0) {
			l->delete_asked = w->rig.nops;
			l->pending++;
		}
		return;
	}
	l->placed = SIZE_MAX;
	l->queue = rig_random(&w->seed, 2) == 0 ? QUEUE_HOLD : QUEUE_DEFERRED;
	if (store_move(w->store, &l->item, l->queue, &l->place_wait) == 0)
		l->pending++;
}

static struct letter *
pick(struct world *w)
{
	for (int tries = 0; tries < 20 && w->n > 0; tries++) {
		struct letter *l =
		    w->letters[rig_random(&w->seed, (unsigned)w->n)];

		if (!l->gone && l->pending == 0 && l->acked != SIZE_MAX)
			return l;
	}
	return NULL;
}

/* One thing that happens to a queue. */
static void
step(struct world *w)
{
	struct letter *l = pick(w);
	unsigned what = rig_random(&w->seed, 19);

	if (what < 4 || l == NULL) {
		add(w, 200 + rig_random(&w->seed, 1500), NULL);
	} else if (what == 4) {
		add(w, 9000 + rig_random(&w->seed, 9000), NULL);
	} else if (what == 5 && l->asked[0] == SIZE_MAX) {
		add(w, 300 + rig_random(&w->seed, 2) * 9000, l);
	} else if (what < 12) {
		int rcpt = (int)rig_random(&w->seed, RCPTS);

		if (l->asked[rcpt] == SIZE_MAX)
			tell_status(w, l, rcpt, OUTCOME_SENT);
		finish_if_done(w, l);
	} else if (what == 12) {
		tell_status(w, l, 1, OUTCOME_DEFERRED);
	} else if (what == 13) {
		store_want_file(w->store, &l->item);
	} else if (what == 14) {
		store_tick(w->store, clock_mono());
	} else if (what > 15) {
		steer(w, l);
	}
	if (rig_random(&w->seed, 3) == 0)
		turn(w);
}

/* What is found after a cut. */
struct found {
	struct store_item item;
};
struct after {
	struct found found[LETTERS_MAX];
	bool is_there[LETTERS_MAX];
	struct store *store;
};

static size_t
number_of(struct str id)
{
	uint64_t n;

	assert(id.len == 5 && id.p[0] == 'M');
	assert(str_parse_u64(str_from(id, 1), LETTERS_MAX - 1, &n) == 0);
	return n;
}

static struct store_item *
found_one(void *arg, struct str id)
{
	struct after *a = arg;
	size_t n = number_of(id);

	a->is_there[n] = true;
	return &a->found[n].item;
}

static struct store_item *
known_one(void *arg, struct str id)
{
	struct after *a = arg;
	size_t n = number_of(id);

	return a->is_there[n] ? &a->found[n].item : NULL;
}

static void
found_file(void *arg, struct str id, enum entry_queue queue, int64_t next)
{
	struct after *a = arg;
	size_t n = number_of(id);

	(void)next;
	a->is_there[n] = true;
	memcpy(a->found[n].item.id, id.p, id.len);
	a->found[n].item.where = STORE_FILE;
	a->found[n].item.queue = (uint8_t)queue;
}

#define CHECK(what, ...)                                                       \
	do {                                                                   \
		if (!(what))                                                   \
			fail_msg(__VA_ARGS__);                                 \
	} while (0)

static void
check_content(struct world *w, struct after *a, size_t i, struct store_body *b,
    size_t cut)
{
	struct letter *l = w->letters[i];
	ARENA_CLEANUP struct arena arena = {0};
	struct str want;
	char *got = malloc(l->size + 1);
	ssize_t n = 0;
	size_t at = 0;

	arena_init(&arena, 1 << 20);
	want = rig_text(&arena, l->size, l->seed);
	CHECK(store_content(a->store, &a->found[i].item, b) == 0,
	    "cut %zu: %s: no content", cut, l->item.id);
	CHECK(content_size(b->content) == l->size, "cut %zu: %s: size", cut,
	    l->item.id);
	while ((n = content_read(b->content, at, got + at, l->size - at)) > 0)
		at += (size_t)n;
	CHECK(at == l->size && memcmp(got, want.p, at) == 0,
	    "cut %zu: %s: content altered", cut, l->item.id);
	free(got);
}

/* Is recipient 0 done because of this child? */
static struct letter *
child_of(struct world *w, const struct letter *l)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->letters[i]->parent == l)
			return w->letters[i];
	return NULL;
}

static bool
may_be_deleted(const struct letter *l, size_t cut)
{
	return l->delete_asked < cut && l->delete_failed > cut;
}

static void
check_letter(struct world *w, struct after *a, size_t i, size_t cut)
{
	struct letter *l = w->letters[i], *child = child_of(w, l);
	struct store_body *b = NULL;
	const char *why = "";
	int r;

	if (!a->is_there[i]) {
		bool all = true;

		for (int k = 0; k < RCPTS; k++)
			all &= l->asked[k] < cut;
		CHECK(l->acked > cut || all || may_be_deleted(l, cut),
		    "cut %zu: %s: lost", cut, l->item.id);
		return;
	}
	CHECK(l->deleted > cut, "cut %zu: %s: deleted, and is back", cut,
	    l->item.id);
	CHECK(l->placed > cut || a->found[i].item.queue == l->queue,
	    "cut %zu: %s: not where it was put", cut, l->item.id);
	CHECK(l->refused > cut, "cut %zu: %s: refused, and is back", cut,
	    l->item.id);
	r = store_load(a->store, &a->found[i].item, &b, &why);
	CHECK(r == 0, "cut %zu: %s: %s (%d)", cut, l->item.id, why, r);
	check_content(w, a, i, b, cut);
	for (int k = 0; k < RCPTS; k++) {
		const struct progress_mark *mark = &b->progress.marks[k];
		bool done = mark->done || progress_is_unsaid(mark);

		CHECK(done || l->done[k] > cut,
		    "cut %zu: %s: done recipient %d is to do again", cut,
		    l->item.id, k);
		CHECK(!done || l->asked[k] != SIZE_MAX,
		    "cut %zu: %s: recipient %d is done by no one", cut,
		    l->item.id, k);
	}
	/* What the child's record says comes as one. */
	CHECK(
	    b->progress.warned == (child != NULL && b->progress.marks[0].done),
	    "cut %zu: %s: its warning is lost, or made up", cut, l->item.id);
	if (child != NULL && b->progress.marks[0].done) {
		size_t n = number_of(str_c(child->item.id));
		bool all = true;

		for (int k = 0; k < RCPTS; k++)
			all &= child->asked[k] < cut;
		CHECK(a->is_there[n] || all || may_be_deleted(child, cut),
		    "cut %zu: %s: done, but its child %s is lost", cut,
		    l->item.id, child->item.id);
	}
	store_body_free(&b);
}

static void
check_cut(struct world *w, size_t cut, unsigned seed, struct rig *spare)
{
	struct after *a = calloc(1, sizeof(*a));
	struct store_events e = {.arg = a};
	struct store_scan scan = {known_one, found_file, a};
	BUF_CLEANUP struct buf why = {0};

	buf_init(&why, 1000);
	rig_cut(&w->rig, cut, seed, spare);
	a->store = store_open(
	    &(struct store_config){
		.dirfd = spare->dirfd,
		.disk = &disk_real,
		.segment_size = RIG_SEGMENT,
		.journal_size = RIG_JOURNAL,
		.keep = 100,
	    },
	    &e, found_one, &why);
	CHECK(a->store != NULL, "cut %zu: %s", cut, why.p);
	while (store_scan(a->store, &scan))
		;
	for (size_t i = 0; i < w->n; i++)
		check_letter(w, a, i, cut);
	for (size_t i = 0; i < w->n; i++)
		if (a->is_there[i])
			store_forget(&a->found[i].item);
	store_close(&a->store);
	free(a);
}

static void
make_dirs(struct rig *r)
{
	BUF_CLEANUP struct buf why = {0};

	buf_init(&why, 1000);
	rig_init(r);
	assert_int_equal(dirs_make(&disk_real, r->dirfd, &why), 0);
}

/* A life of `steps`, then a cut behind each call (one in `stride`). */
static void
live_and_cut(
    unsigned seed, int steps, int fail_each, bool any_call, size_t stride)
{
	struct world *w = malloc(sizeof(*w));
	struct rig spare;

	open_world(w, seed);
	w->rig.fail_once = true;
	for (int i = 0; i < steps; i++) {
		if (fail_each > 0 && i % fail_each == fail_each - 1)
			w->rig.fail_after[any_call
					      ? rig_random(&w->seed, RIG_CALLS)
					      : RIG_FLUSH] = 0;
		step(w);
	}
	settle_world(w);
	make_dirs(&spare);
	for (size_t cut = seed % stride; cut <= w->rig.nops; cut += stride)
		check_cut(w, cut, seed + (unsigned)cut, &spare);
	rig_done(&spare);
	close_world(w);
	free(w);
}

static void
test_cut_anywhere(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 3; seed++)
		live_and_cut(seed, 150, 0, false, 7);
}

static void
test_cut_after_failed_flushes(void **state)
{
	(void)state;
	for (unsigned seed = 101; seed <= 104; seed++)
		live_and_cut(seed, 150, 25, false, 7);
}

static void
test_cut_after_any_failure(void **state)
{
	(void)state;
	for (unsigned seed = 201; seed <= 204; seed++)
		live_and_cut(seed, 150, 8, true, 7);
}

/* The oracle must see it when nothing is ever flushed. */
static void
test_oracle_sees_loss(void **state)
{
	struct world *w = malloc(sizeof(*w));
	struct rig spare;
	size_t kept = 0, nops;

	(void)state;
	open_world(w, 7);
	add(w, 500, NULL);
	settle_world(w);
	assert_true(w->letters[0]->acked != SIZE_MAX);
	nops = w->rig.nops;
	for (size_t i = 0; i < nops; i++)
		if (w->rig.ops[i].call != RIG_FLUSH)
			w->rig.ops[kept++] = w->rig.ops[i];
	w->rig.nops = kept;
	make_dirs(&spare);
	for (unsigned seed = 0; seed < 50; seed++) {
		struct after *a = calloc(1, sizeof(*a));
		struct store_events e = {.arg = a};
		BUF_CLEANUP struct buf why = {0};
		bool lost;

		buf_init(&why, 1000);
		rig_cut(&w->rig, kept, seed, &spare);
		a->store = store_open(
		    &(struct store_config){
			.dirfd = spare.dirfd,
			.disk = &disk_real,
			.segment_size = RIG_SEGMENT,
			.journal_size = RIG_JOURNAL,
			.keep = 100,
		    },
		    &e, found_one, &why);
		lost = a->store == NULL || !a->is_there[0];
		if (a->is_there[0])
			store_forget(&a->found[0].item);
		store_close(&a->store);
		free(a);
		if (lost) {
			rig_done(&spare);
			close_world(w);
			free(w);
			return;
		}
	}
	fail_msg("no cut lost anything although nothing was flushed");
}

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
	open_world(w, 3);
	before = add(w, 700, NULL);
	settle_world(w);
	w->rig.fail_once = true;
	w->rig.fail_after[RIG_FLUSH] = 0;
	hit = add(w, 700, NULL);
	settle_world(w);
	after = add(w, 700, NULL);
	settle_world(w);
	assert_true(before->acked != SIZE_MAX);
	assert_true(hit->refused != SIZE_MAX && hit->acked == SIZE_MAX);
	assert_int_equal(hit->item.where, STORE_NOWHERE);
	assert_true(after->acked != SIZE_MAX);
	/* It was written anew: its place is where the later one's is. */
	assert_ptr_equal(before->item.place.segment, after->item.place.segment);
	close_world(w);
	free(w);
}

static void
test_third_failure_alarms(void **state)
{
	struct world *w = malloc(sizeof(*w));

	(void)state;
	alarms = 0;
	open_world(w, 3);
	store_close(&w->store);
	rig_clear(&w->rig);
	{
		struct store_events e = {.alarm = count_alarm};
		BUF_CLEANUP struct buf why = {0};

		buf_init(&why, 1000);
		w->store = store_open(
		    &(struct store_config){
			.dirfd = w->rig.dirfd,
			.disk = &w->rig.disk,
			.segment_size = RIG_SEGMENT,
			.journal_size = RIG_JOURNAL,
			.keep = 2,
		    },
		    &e, none_found, &why);
	}
	clock_update();
	w->rig.fail_once = true;
	for (int i = 0; i < JOURNAL_FAILURES; i++) {
		assert_int_equal(alarms, 0);
		w->rig.fail_after[RIG_FLUSH] = 0;
		add(w, 700, NULL);
		settle_world(w);
	}
	assert_int_equal(alarms, 1);
	assert_false(store_has_room(w->store));
	assert_null(add(w, 700, NULL));
	store_tick(
	    w->store, clock_mono() + (JOURNAL_FAILURES_TIME + 1) * CLOCK_SEC);
	settle_world(w);
	assert_int_equal(alarms, 0);
	assert_non_null(add(w, 700, NULL));
	settle_world(w);
	close_world(w);
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
	open_world(w, 5);
	w->rig.error = ENOSPC;
	w->rig.fail_after[RIG_OPEN] = 0;
	while (add(w, 1500, NULL) != NULL)
		turn(w);
	settle_world(w);
	taken = w->n;
	assert_true(taken > 10);
	for (size_t i = 0; i < taken; i++) {
		struct letter *l = w->letters[i];

		assert_true(l->acked != SIZE_MAX);
		for (int k = 0; k < RCPTS; k++) {
			tell_status(w, l, k, OUTCOME_SENT);
			settle_world(w);
			assert_true(l->done[k] != SIZE_MAX);
		}
		finish_if_done(w, l);
	}
	settle_world(w);
	assert_non_null(add(w, 1500, NULL));
	settle_world(w);
	close_world(w);
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
	open_world(w, 5);
	w->rig.error = ENOSPC;
	w->rig.fail_after[RIG_OPEN] = 0;
	while (add(w, 1500, NULL) != NULL)
		turn(w);
	settle_world(w);
	for (size_t i = 1; i < w->n; i++) {
		struct letter *l = w->letters[i];

		for (int k = 0; k < RCPTS; k++) {
			tell_status(w, l, k, OUTCOME_SENT);
			settle_world(w);
		}
		finish_if_done(w, l);
	}
	for (int i = 0; i < 20; i++) {
		store_tick(w->store, clock_mono());
		settle_world(w);
	}
	assert_non_null(add(w, 1500, NULL));
	settle_world(w);
	assert_int_equal(w->letters[0]->item.where, STORE_JOURNAL);
	close_world(w);
	free(w);
}

static void
test_generations_never_repeat(void **state)
{
	struct world *w = malloc(sizeof(*w));
	struct store_events e = {0};
	uint64_t first, again;
	BUF_CLEANUP struct buf why = {0};

	(void)state;
	buf_init(&why, 1000);
	open_world(w, 1);
	assert_int_equal(store_generation(w->store, &first), 0);
	for (int i = 0; i < 3000; i++) {
		uint64_t next;
		int r = store_generation(w->store, &next);

		if (r == 0) {
			assert_true(next > first);
			first = next;
		}
		turn(w);
	}
	store_close(&w->store);
	w->store = store_open(
	    &(struct store_config){
		.dirfd = w->rig.dirfd,
		.disk = &w->rig.disk,
		.segment_size = RIG_SEGMENT,
		.journal_size = RIG_JOURNAL,
		.keep = 2,
	    },
	    &e, none_found, &why);
	assert_non_null(w->store);
	assert_int_equal(store_generation(w->store, &again), 0);
	assert_true(again > first);
	close_world(w);
	free(w);
}

/* The flusher's thread at work beside us, on a real disk: what was promised
 * is there when it is opened again.  (Under TSan this is the test.) */
static void
test_with_the_thread(void **state)
{
	struct world *w = malloc(sizeof(*w));
	struct after *a = calloc(1, sizeof(*a));
	struct store_events none = {0}, e = {.arg = a};
	struct store_scan scan = {known_one, found_file, a};
	struct store_config c;
	BUF_CLEANUP struct buf why = {0};

	(void)state;
	buf_init(&why, 1000);
	open_world(w, 11);
	store_close(&w->store);
	c = (struct store_config){
	    .dirfd = w->rig.dirfd,
	    .disk = &disk_real,
	    .threaded = true,
	    .segment_size = RIG_SEGMENT,
	    .journal_size = RIG_JOURNAL,
	    .keep = 2,
	};
	w->store = store_open(&c, &none, none_found, &why);
	assert_non_null(w->store);
	/* No call is counted here: whatever was told was told in time. */
	w->rig.recording = false;
	for (int i = 0; i < 2000; i++)
		step(w);
	store_sync(w->store);
	for (size_t i = 0; i < w->n; i++)
		if (!w->letters[i]->gone)
			store_forget(&w->letters[i]->item);
	store_close(&w->store);
	a->store = store_open(&c, &e, found_one, &why);
	assert_non_null(a->store);
	while (store_scan(a->store, &scan))
		;
	for (size_t i = 0; i < w->n; i++)
		check_letter(w, a, i, w->rig.nops + 1);
	for (size_t i = 0; i < w->n; i++)
		if (a->is_there[i])
			store_forget(&a->found[i].item);
	store_close(&a->store);
	free(a);
	close_world(w);
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
	struct store_events e = {0};
	struct store_config c;

	(void)state;
	open_world(w, 1);
	c = (struct store_config){
	    .dirfd = w->rig.dirfd,
	    .disk = &w->rig.disk,
	    .segment_size = RIG_SEGMENT,
	    .journal_size = 4 * RIG_SEGMENT,
	    .keep = 1,
	};
	add(w, 700, NULL);
	settle_world(w);
	for (int i = 0; i < 40; i++) {
		BUF_CLEANUP struct buf why = {0};

		buf_init(&why, 1000);
		store_forget(&w->letters[0]->item);
		if (i > 0)
			store_forget(&survivor.item);
		store_close(&w->store);
		w->store = store_open(&c, &e, found_survivor, &why);
		if (w->store == NULL)
			fail_msg("start %d: %s", i, why.p);
		if (i % 10 == 9)
			settle_world(w);
	}
	store_forget(&survivor.item);
	close_world(w);
	free(w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_failed_flush),
    cmocka_unit_test(test_third_failure_alarms),
    cmocka_unit_test(test_full_disk_drains),
    cmocka_unit_test(test_full_disk_with_one_that_stays),
    cmocka_unit_test(test_generations_never_repeat),
    cmocka_unit_test(test_many_restarts),
    cmocka_unit_test(test_with_the_thread),
    cmocka_unit_test(test_oracle_sees_loss),
    cmocka_unit_test(test_cut_anywhere),
    cmocka_unit_test(test_cut_after_failed_flushes),
    cmocka_unit_test(test_cut_after_any_failure),
};

TAP_RUN(tests)
