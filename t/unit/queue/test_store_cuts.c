/* SPDX-License-Identifier: ISC */
/*
 * The store against doc/queue.md: what was promised is there after a power
 * cut behind every call that the disk saw, and what was ended does not return.
 */
#include "tap.h"

#include "world.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

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

/* a->store is NULL, with `why`, where it does not open. */
static void
open_after_cut(struct after *a, struct world *w, size_t cut, unsigned seed,
    struct rig *spare, struct buf *why)
{
	struct store_events e = {.arg = a};
	struct store_config c = world_config(w);

	rig_cut(&w->rig, cut, seed, spare);
	c.dirfd = spare->dirfd;
	c.disk = &disk_real;
	c.keep = 100;
	a->store = store_open(&c, &e, found_one, why);
}

/* A file that a record names has got its own name by now, and one that none
 * names is gone. */
static void
check_tmp(const struct rig *spare, size_t cut)
{
	int fd = openat(spare->dirfd, "tmp", O_RDONLY | O_DIRECTORY);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		CHECK(e->d_name[0] == '.', "cut %zu: tmp/%s is left", cut,
		    e->d_name);
	closedir(d);
}

static void
check_cut(struct world *w, size_t cut, unsigned seed, struct rig *spare)
{
	struct after *a = calloc(1, sizeof(*a));
	struct store_scan scan = {known_one, found_file, a};
	BUF_CLEANUP struct buf why = {0};

	buf_init(&why, 1000);
	open_after_cut(a, w, cut, seed, spare, &why);
	CHECK(a->store != NULL, "cut %zu: %s", cut, why.p);
	check_tmp(spare, cut);
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

	world_open(w, seed);
	w->rig.fail_once = true;
	for (int i = 0; i < steps; i++) {
		if (fail_each > 0 && i % fail_each == fail_each - 1)
			w->rig.fail_after[any_call
					      ? rig_random(&w->seed, RIG_CALLS)
					      : RIG_FLUSH] = 0;
		world_step(w);
	}
	world_settle(w);
	make_dirs(&spare);
	for (size_t cut = seed % stride; cut <= w->rig.nops; cut += stride)
		check_cut(w, cut, seed + (unsigned)cut, &spare);
	rig_done(&spare);
	assert_true(any_call || w->rig.calls[RIG_ALL] > 0);
	world_close(w);
	free(w);
}

static void
test_cut_anywhere(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 4; seed++)
		live_and_cut(seed, 150, 0, false, 5);
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
	world_open(w, 7);
	world_add(w, 500, NULL);
	world_settle(w);
	assert_true(w->letters[0]->acked != SIZE_MAX);
	nops = w->rig.nops;
	for (size_t i = 0; i < nops; i++)
		if (w->rig.ops[i].call != RIG_FLUSH)
			w->rig.ops[kept++] = w->rig.ops[i];
	w->rig.nops = kept;
	make_dirs(&spare);
	for (unsigned seed = 0; seed < 50; seed++) {
		struct after *a = calloc(1, sizeof(*a));
		BUF_CLEANUP struct buf why = {0};
		bool lost;

		buf_init(&why, 1000);
		open_after_cut(a, w, kept, seed, &spare, &why);
		lost = a->store == NULL || !a->is_there[0];
		if (a->is_there[0])
			store_forget(&a->found[0].item);
		store_close(&a->store);
		free(a);
		if (lost) {
			rig_done(&spare);
			world_close(w);
			free(w);
			return;
		}
	}
	fail_msg("no cut lost anything although nothing was flushed");
}

/* The flusher's thread at work beside us, on a real disk: what was promised
 * is there when it is opened again.  (Under TSan this is the test.) */
static void
test_with_the_thread(void **state)
{
	struct world *w = malloc(sizeof(*w));
	struct after *a = calloc(1, sizeof(*a));
	struct store_events e = {.arg = a};
	struct store_scan scan = {known_one, found_file, a};
	struct store_config c;
	BUF_CLEANUP struct buf why = {0};

	(void)state;
	buf_init(&why, 1000);
	world_open(w, 11);
	store_close(&w->store);
	c = world_config(w);
	c.disk = &disk_real;
	c.threaded = true;
	world_start(w, &c, NULL, world_none_found);
	/* No call is counted here: whatever was told was told in time. */
	w->rig.recording = false;
	for (int i = 0; i < 2000; i++)
		world_step(w);
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
	world_close(w);
	free(w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_with_the_thread),
    cmocka_unit_test(test_oracle_sees_loss),
    cmocka_unit_test(test_cut_anywhere),
    cmocka_unit_test(test_cut_after_failed_flushes),
    cmocka_unit_test(test_cut_after_any_failure),
};

TAP_RUN(tests)
