/* SPDX-License-Identifier: ISC */
/*
 * store_end - messages that are finished, or void: `done` is written and the
 * file goes.  What the disk refuses is tried again, and what says that the
 * message is finished stays on disk until then.
 */
#include "base/log.h"
#include "mail/queue/store_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* `done` on its way.  Until it is durable the segments stay that say the same
 * recipient by recipient. */
struct finished {
	struct journal_wait wait;
	STAILQ_ENTRY(finished) link;
	struct store *store;
	struct journal_hold hold;
	char id[ENVELOPE_QID_MAX + 1];
};

static void
end_finished(struct journal_wait *w, int error)
{
	struct finished *f = (struct finished *)w;

	if (error < 0) { /* again at the next tick */
		STAILQ_INSERT_TAIL(&f->store->unfinished, f, link);
		return;
	}
	journal_release(&f->hold);
	free(f);
}

static void
append_done(struct finished *f)
{
	struct entry_done done = {.id = str_c(f->id)};
	int r = journal_append(f->store->journal, ENTRY_DONE, &done, STR_NONE,
	    JOURNAL_STATUS, &f->wait, NULL);

	if (r < 0)
		end_finished(&f->wait, r);
}

void
store_write_done(
    struct store *s, struct str id, struct journal_segment *segment)
{
	struct finished *f = calloc(1, sizeof(*f));

	if (f == NULL)
		log_fatal("out of memory for a finished message");
	f->wait.done = end_finished;
	f->store = s;
	f->hold.is_guard = true;
	if (segment != NULL)
		journal_hold(segment, &f->hold);
	memcpy(f->id, id.p, id.len);
	append_done(f);
}

static void
retry_finished(struct store *s)
{
	struct finished_list mine = STAILQ_HEAD_INITIALIZER(mine);
	struct finished *f;

	STAILQ_CONCAT(&mine, &s->unfinished);
	while ((f = STAILQ_FIRST(&mine)) != NULL) {
		STAILQ_REMOVE_HEAD(&mine, link);
		append_done(f);
	}
}

void
store_retry_ends(struct store *s)
{
	retry_finished(s);
	store_retry_removals(s);
}

void
store_drop_leftovers(struct store *s)
{
	struct finished *f;

	while ((f = STAILQ_FIRST(&s->unfinished)) != NULL) {
		STAILQ_REMOVE_HEAD(&s->unfinished, link);
		journal_release(&f->hold);
		free(f);
	}
	store_drop_removals(s);
}

void
store_forget(struct store_item *item)
{
	store_leave_move(item);
	journal_release(&item->hold);
	free(item->spoken);
	item->spoken = NULL;
	item->nspoken = 0;
	item->place.segment = NULL;
	item->where = STORE_NOWHERE;
}

void
store_finish(struct store *s, struct store_item *item)
{
	char path[DIRS_PATH_MAX];

	if (item->where == STORE_FILE || item->is_copied)
		store_write_done(s, str_c(item->id), item->hold.segment);
	if (item->where == STORE_FILE) {
		if (item->in_tmp)
			dirs_tmp_path(str_c(item->id), item->nonce, path);
		else
			dirs_path((enum entry_queue)item->queue,
			    str_c(item->id), path);
		/* The oldest segment that says something about it: while that
		 * stays, so do those that say it is finished. */
		store_unlink_ended(s, path, item->hold.segment);
	}
	store_forget(item);
}

/* `done` of a message whose recipients are not: nothing else says it. */
struct deletion {
	struct journal_wait wait;
	struct store *store;
	struct store_item *item;
	struct journal_wait *owner;
	struct journal_hold hold; /* of the record, until the file is seen to */
};

static void
end_deletion(struct journal_wait *w, int error)
{
	struct deletion *d = (struct deletion *)w;
	struct journal_wait *owner = d->owner;
	struct store_item *item = d->item;
	char path[DIRS_PATH_MAX];

	if (error == 0 && item->where == STORE_FILE && item->move == NULL &&
	    !item->in_tmp) {
		dirs_path((enum entry_queue)item->queue, str_c(item->id), path);
		store_unlink_ended(d->store, path, d->hold.segment);
		store_forget(item);
	} else if (error == 0) {
		/* What moves it may have said so behind our record. */
		store_finish(d->store, item);
	}
	journal_release(&d->hold);
	free(d);
	owner->done(owner, error);
}

int
store_delete(struct store *s, struct store_item *item, struct journal_wait *w)
{
	struct entry_done done = {.id = str_c(item->id)};
	struct journal_place place;
	struct deletion *d;
	int r;

	if (item->where == STORE_NOWHERE)
		return -EBUSY;
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		log_fatal("out of memory for a deletion");
	*d = (struct deletion){
	    .wait.done = end_deletion,
	    .store = s,
	    .item = item,
	    .owner = w,
	    .hold.is_guard = true,
	};
	r = journal_append(s->journal, ENTRY_DONE, &done, STR_NONE,
	    JOURNAL_STATUS, &d->wait, &place);
	if (r < 0) {
		free(d);
		return r;
	}
	journal_hold(place.segment, &d->hold);
	return 0;
}
