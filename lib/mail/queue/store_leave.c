/* SPDX-License-Identifier: ISC */
/*
 * store_leave - segments that go.  What holds the oldest is moved, saved or
 * forwarded; then all that was appended is made durable, then the names of
 * files that came and went; then it is free.
 */
#include "base/clock.h"
#include "mail/queue/store_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FEW      8
#define LOOK_MAX 64 /* held messages looked at in a turn */

static void
merge_dirt(struct dirt *into, const struct dirt *from)
{
	for (int i = 0; i < DIRS_HASH; i++)
		into->hashed[i] |= from->hashed[i];
	into->hold |= from->hold;
	into->tmp |= from->tmp;
}

/* The directory that is next, from `l->at` on; false: that was all. */
static bool
next_dirt(struct leaving *l, char ret_path[DIRS_PATH_MAX])
{
	const struct dirt *d = &l->dirt;

	while (l->at < DIRS_HASH && !d->hashed[l->at])
		l->at++;
	if (l->at == DIRS_HASH && !d->hold)
		l->at++;
	if (l->at > DIRS_HASH + 1 || (l->at == DIRS_HASH + 1 && !d->tmp))
		return false;
	if (l->at < DIRS_HASH)
		dirs_of_hash(l->at, ret_path);
	else
		snprintf(ret_path, DIRS_PATH_MAX, "%s",
		    l->at == DIRS_HASH ? "hold" : "tmp");
	l->at++;
	return true;
}

static size_t
count_dirt(const struct dirt *d)
{
	size_t n = (size_t)d->hold + d->tmp;

	for (int i = 0; i < DIRS_HASH; i++)
		n += d->hashed[i];
	return n;
}

/* One call for all; of the directories one is left, which flushes the device
 * (store_together.c). */
static int
sync_together(struct leaving *l)
{
	int r;

	if (!store_may_sync_all(l->store, count_dirt(&l->dirt)))
		return 0;
	r = store_sync_all(l->store);
	if (r == 0)
		l->dirt = (struct dirt){.tmp = true};
	return r;
}

static int
run_sync(struct flusher_job *job)
{
	struct leaving *l =
	    (struct leaving *)((char *)job - offsetof(struct leaving, job));
	const struct disk *disk = l->store->config.disk;
	int dirfd = l->store->config.dirfd, r = 0;
	char path[DIRS_PATH_MAX];

	if (l->at == 0)
		r = sync_together(l);
	while (r == 0) {
		l->is_through = !next_dirt(l, path);
		if (l->is_through)
			break;
		r = disk->sync_dir(disk->arg, dirfd, path);
		if (flusher_is_wanted(l->store->flusher))
			break;
	}
	return r;
}

static void
end_sync(struct flusher_job *job, int error)
{
	struct leaving *l =
	    (struct leaving *)((char *)job - offsetof(struct leaving, job));
	struct store *s = l->store;
	struct journal_segment *segment = l->segment;

	if (error == 0 && !l->is_through) {
		flusher_submit(
		    s->flusher, FLUSHER_SLOW, &l->job, run_sync, end_sync);
		return;
	}
	l->segment = NULL;
	if (error < 0) {
		merge_dirt(&s->dirt, &l->dirt);
		store_say(s, "cannot sync the queue's directories: %s",
		    strerror(-error));
		return; /* again at the next tick */
	}
	if (journal_may_leave(segment))
		journal_leave(s->journal, segment);
}

static void
sync_names(struct store *s)
{
	s->leaving.dirt = s->dirt;
	s->leaving.at = 0;
	s->dirt = (struct dirt){0};
	flusher_submit(
	    s->flusher, FLUSHER_SLOW, &s->leaving.job, run_sync, end_sync);
}

static void
end_barrier(struct journal_wait *w, int error)
{
	struct leaving *l =
	    (struct leaving *)((char *)w - offsetof(struct leaving, wait));

	if (error < 0 || l->failures != journal_failures(l->store->journal)) {
		l->segment = NULL; /* something was not flushed: again */
		return;
	}
	sync_names(l->store);
}

static void
start_leaving(struct store *s, struct journal_segment *segment)
{
	s->leaving.segment = segment;
	s->leaving.wait.done = end_barrier;
	s->leaving.failures = journal_failures(s->journal);
	if (!journal_barrier(s->journal, &s->leaving.wait))
		sync_names(s);
}

/* So few that the room they take elsewhere is less than what they free. */
static bool
has_few_holds(struct journal_segment *segment)
{
	struct journal_hold *h = journal_first_hold(segment);
	int n = 0;

	for (; h != NULL && n <= FEW; n++)
		h = journal_next_hold(h);
	return n <= FEW;
}

/*
 * See that this one will not hold its segment any longer.  Where no file can
 * be made it goes to the journal's head, and into what is kept for statuses
 * only when a whole segment is won by it.
 */
static int
let_go(
    struct store *s, struct journal_segment *segment, struct store_item *item)
{
	int r;

	if (item->where == STORE_FILE)
		return store_start_save(s, item);
	r = store_start_move(s, item, QUEUE_DEFERRED);
	if (r == -ENOSPC)
		r = store_forward(s, item, JOURNAL_MESSAGE);
	if (r == -ENOSPC && has_few_holds(segment))
		r = store_forward(s, item, JOURNAL_STATUS);
	return r;
}

/*
 * Mail that waits moves when its segment is one of the oldest; mail that is
 * being worked on, which most often is gone in a moment, only when the
 * journal is half full.
 */
static void
empty_oldest(struct store *s, struct journal_segment *segment)
{
	size_t used = journal_used(s->journal);
	bool is_pressed = used * 2 >= journal_size(s->journal);
	struct journal_hold *h = journal_first_hold(segment);

	if (is_pressed)
		store_forward_removals(s, segment);
	if (s->moves > STORE_MOVES_MAX / 2)
		return; /* many together cost less */
	for (int looked = 0; h != NULL && looked < LOOK_MAX; looked++) {
		struct journal_hold *next = journal_next_hold(h);
		struct store_item *item = store_item_of(h);

		if (store_moves_enough(s))
			return;
		if (item->where == STORE_NOWHERE || item->move != NULL ||
		    (item->in_use && !is_pressed) ||
		    let_go(s, segment, item) < 0)
			journal_hold(segment, h); /* behind the others */
		h = next;
	}
}

/* A small journal is emptied before it is half full. */
static size_t
keep_of(const struct store *s)
{
	size_t less = journal_size(s->journal) / 2 - 1;

	return s->config.keep < less ? s->config.keep : less;
}

void
store_tend(struct store *s)
{
	struct journal_segment *oldest = journal_oldest(s->journal);

	if (oldest == NULL || s->leaving.segment != NULL || s->closing)
		return;
	if (journal_may_leave(oldest)) {
		start_leaving(s, oldest);
		return;
	}
	if (journal_used(s->journal) > keep_of(s))
		empty_oldest(s, oldest);
}

void
store_closed(void *arg, struct journal_segment *segment, uint32_t from)
{
	struct store *s = arg;
	struct journal_hold *h = journal_first_hold(segment), *next;

	for (; h != NULL; h = next) {
		struct store_item *item = store_item_of(h);

		next = journal_next_hold(h);
		if (item->where == STORE_JOURNAL &&
		    item->place.segment == segment && item->place.offset < from)
			(void)store_forward(s, item, JOURNAL_STATUS);
	}
}
