/* SPDX-License-Identifier: ISC */
/* world - letters and what happens to them.  Owns them and the rig. */
#include "tap.h"

#include "world.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct world *world; /* for the callbacks, which get no argument */

struct store_item *
world_none_found(void *arg, struct str id)
{
	(void)arg;
	(void)id;
	assert(!"an empty queue has no messages");
	return NULL;
}

struct store_config
world_config(const struct world *w)
{
	return (struct store_config){
	    .dirfd = w->rig.dirfd,
	    .disk = &w->rig.disk,
	    .segment_size = RIG_SEGMENT,
	    .journal_size = RIG_JOURNAL,
	    .keep = 2,
	};
}

void
world_start(struct world *w, const struct store_config *c,
    void (*alarm)(void *arg, bool on), store_found_fn found)
{
	struct store_events e = {.alarm = alarm};
	BUF_CLEANUP struct buf why = {0};

	buf_init(&why, 1000);
	w->store = store_open(c, &e, found, &why);
	if (w->store == NULL)
		fail_msg("the store does not open: %s", why.p);
}

void
world_open(struct world *w, unsigned seed)
{
	struct store_config c;

	memset(w, 0, sizeof(*w));
	world = w;
	w->seed = seed;
	arena_init(&w->arena, 1 << 30);
	rig_init(&w->rig);
	w->rig.recording = true;
	c = world_config(w);
	world_start(w, &c, NULL, world_none_found);
}

void
world_close(struct world *w)
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

void
world_turn(struct world *w)
{
	store_submit(w->store);
	store_collect(w->store);
}

void
world_settle(struct world *w)
{
	for (int i = 0; i < 30; i++)
		world_turn(w);
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

struct letter *
world_add(struct world *w, size_t size, struct letter *parent)
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

void
world_status(
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

void
world_finish(struct world *w, struct letter *l)
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
void
world_step(struct world *w)
{
	struct letter *l = pick(w);
	unsigned what = rig_random(&w->seed, 19);

	if (what < 4 || l == NULL) {
		world_add(w, 200 + rig_random(&w->seed, 1500), NULL);
	} else if (what == 4) {
		world_add(w, 9000 + rig_random(&w->seed, 9000), NULL);
	} else if (what == 5 && l->asked[0] == SIZE_MAX) {
		world_add(w, 300 + rig_random(&w->seed, 2) * 9000, l);
	} else if (what < 12) {
		int rcpt = (int)rig_random(&w->seed, RCPTS);

		if (l->asked[rcpt] == SIZE_MAX)
			world_status(w, l, rcpt, OUTCOME_SENT);
		world_finish(w, l);
	} else if (what == 12) {
		world_status(w, l, 1, OUTCOME_DEFERRED);
	} else if (what == 13) {
		store_want_file(w->store, &l->item);
	} else if (what == 14) {
		store_tick(w->store, clock_mono());
	} else if (what > 15) {
		steer(w, l);
	}
	if (rig_random(&w->seed, 3) == 0)
		world_turn(w);
}
