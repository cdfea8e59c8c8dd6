/* SPDX-License-Identifier: ISC */
/*
 * store_move - into files.  A move is: write and flush tmp/ID, sync tmp/
 * (store_group.c, for many at a time); append `moved`; once that is durable the
 * file is the message, and gets its name.  A save brings a file's own state up
 * to what the journal says.  Statuses that come meanwhile stay in the journal.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "mail/queue/store_move.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define NO_FILES_WAIT (10 * CLOCK_SEC)

struct store_move *
store_new_move(struct store *s, struct store_item *item)
{
	struct store_move *m = calloc(1, sizeof(*m));

	if (m == NULL)
		log_fatal("out of memory for a message on its way to a file");
	m->store = s;
	m->item = item;
	m->fd = -1;
	m->nonce = arc4random();
	memcpy(m->id, item->id, sizeof(m->id));
	arena_init(&m->arena, SIZE_MAX / 2);
	item->move = m;
	s->moves++;
	return m;
}

void
store_free_move(struct store_move *m)
{
	if (m->item != NULL)
		m->item->move = NULL;
	m->store->moves--;
	m->store->moving_bytes -= m->bytes;
	journal_release(&m->guard);
	queue_file_draft_done(&m->draft);
	content_unref(&m->content);
	store_body_free(&m->body);
	arena_done(&m->arena);
	fd_close(&m->fd);
	free(m);
}

struct store_item *
store_move_item(const struct store_move *m)
{
	return m->item;
}

void
store_leave_move(struct store_item *item)
{
	if (item->move == NULL)
		return;
	item->move->item = NULL;
	item->move = NULL;
}

static void
remove_tmp(struct store_move *m)
{
	char path[DIRS_PATH_MAX];

	dirs_tmp_path(str_c(m->id), m->nonce, path);
	store_unlink(m->store, path, NULL);
}

static void
fail_move(struct store_move *m, int error)
{
	struct journal_wait *owner = m->owner;

	store_free_move(m);
	if (owner != NULL)
		owner->done(owner, error);
}

void
store_move_named(struct store_move *m)
{
	struct store_item *item = m->item;

	if (item == NULL) {
		char path[DIRS_PATH_MAX];

		dirs_path(m->queue, str_c(m->id), path);
		store_unlink(m->store, path, m->guard.segment);
		if (m->error < 0)
			remove_tmp(m);
	} else if (m->error == 0) {
		item->in_tmp = false;
		item->place.segment = NULL; /* `moved` may leave */
		store_relink(item);
	}
	store_mark_dirty(m->store, m->queue, str_c(m->id));
	m->store->dirt.tmp = true;
	store_free_move(m);
}

/* The record says where it is; a crash before it has its name there gives it
 * that name (replay.c). */
static int
change_place(struct store_move *m)
{
	struct store *s = m->store;
	struct store_item *item = m->item;
	const struct disk *disk = s->config.disk;
	char from[DIRS_PATH_MAX], to[DIRS_PATH_MAX];
	int r;

	dirs_path((enum entry_queue)item->queue, str_c(m->id), from);
	dirs_path(m->queue, str_c(m->id), to);
	r = disk->rename(disk->arg, s->config.dirfd, from, to);
	if (r < 0)
		return r;
	store_mark_dirty(s, (enum entry_queue)item->queue, str_c(m->id));
	store_mark_dirty(s, m->queue, str_c(m->id));
	item->queue = (uint8_t)m->queue;
	return 0;
}

static void
end_place(struct store_move *m, int error)
{
	struct journal_wait *owner = m->owner;

	if (error == 0 && m->item != NULL)
		error = change_place(m);
	store_free_move(m);
	if (owner != NULL)
		owner->done(owner, error);
}

/* `moved` is durable: the file is the message. */
static void
end_moved(struct journal_wait *w, int error)
{
	struct store_move *m =
	    (struct store_move *)((char *)w -
				  offsetof(struct store_move, wait));
	struct store_item *item = m->item;
	struct journal_wait *owner = m->owner;

	if (m->is_file) {
		end_place(m, error);
		return;
	}
	m->owner = NULL;
	if (error < 0 || item == NULL) {
		remove_tmp(m);
		if (error < 0 && m->is_new && item != NULL)
			item->where = STORE_NOWHERE;
		store_free_move(m);
	} else {
		item->where = STORE_FILE;
		item->queue = (uint8_t)m->queue;
		item->in_tmp = true;
		item->nonce = m->nonce;
		item->is_doubtful = false;
		item->place = m->at;
		journal_hold(m->at.segment, &item->hold);
		store_drop_spoken(item, m->nspoken);
		store_relink(item);
		store_group_name(m);
	}
	if (owner != NULL)
		owner->done(owner, error);
}

static int
append_moved(struct store_move *m)
{
	struct store *s = m->store;
	struct entry_moved e = {
	    .id = str_c(m->id),
	    .queue = m->queue,
	    .nonce = m->nonce,
	    .parent = m->about,
	};
	struct journal_place *at;
	struct journal_wait *w =
	    store_pending(s, NULL, m->parent, &m->wait, &at);
	int r;

	m->wait.done = end_moved;
	r = journal_append(s->journal, ENTRY_MOVED, &e, STR_NONE,
	    m->is_new ? JOURNAL_MESSAGE : JOURNAL_STATUS, w, at);
	if (r < 0) {
		store_pending_drop(w);
		return r;
	}
	m->at = *at;
	if (m->item != NULL)
		m->item->is_copied = true;
	m->guard.is_guard = true;
	journal_hold(at->segment, &m->guard);
	if (m->parent != NULL)
		store_add_spoken(m->parent, at);
	return 0;
}

/* Said once, while none is made. */
static void
make_no_files(struct store_move *m)
{
	struct store *s = m->store;

	if (clock_mono() >= s->no_files_until)
		store_say(s, "%s: cannot make a file for it: %s", m->id,
		    strerror(-m->error));
	s->no_files_until = clock_after(NO_FILES_WAIT);
}

void
store_move_written(struct store_move *m)
{
	int error = m->error;

	queue_file_draft_done(&m->draft);
	if (error < 0 && !m->is_new && m->item != NULL)
		make_no_files(m);
	if (error == 0 && m->item == NULL && !m->is_new)
		error = -ECANCELED;
	if (error == 0)
		error = append_moved(m);
	if (error == 0)
		return;
	remove_tmp(m);
	fail_move(m, error);
}

int
store_move_new(struct store *s, struct store_item *item,
    struct store_body *body, struct store_item *parent,
    const struct entry_marks *about, struct journal_wait *w)
{
	struct queue_file_draft draft;
	struct store_move *m;
	int r = queue_file_draft(&body->envelope, &body->progress, &draft);

	if (r < 0)
		return r;
	m = store_new_move(s, item);
	m->is_new = true;
	m->queue = body->envelope.hold ? QUEUE_HOLD : QUEUE_DEFERRED;
	m->draft = draft;
	m->content = content_ref(body->content);
	m->owner = w;
	m->parent = parent;
	if (parent != NULL)
		shape_copy(&entry_marks_shape, about, &m->arena, &m->about);
	store_group_write(m);
	return 0;
}

static int
start_move(struct store *s, struct store_item *item, enum entry_queue queue,
    struct journal_wait *owner)
{
	struct queue_file_draft draft;
	struct store_body *body;
	struct store_move *m;
	const char *why;
	uint32_t nspoken;
	int r;

	if (item->move != NULL)
		return -EBUSY;
	if (clock_mono() < s->no_files_until)
		return -ENOSPC;
	r = store_load_durable(s, item, &body, &nspoken, &why);
	if (r < 0)
		return r;
	r = store_content(s, item, body);
	if (r == 0)
		r = queue_file_draft(&body->envelope, &body->progress, &draft);
	if (r < 0) {
		store_body_free(&body);
		return r;
	}
	m = store_new_move(s, item);
	/* What is to be held and was not yet in hold/ goes nowhere else of
	 * itself: who asks for more waits for it. */
	m->queue =
	    body->envelope.hold && item->where == STORE_JOURNAL && owner == NULL
		? QUEUE_HOLD
		: queue;
	m->draft = draft;
	m->content = content_ref(body->content);
	m->nspoken = nspoken;
	m->owner = owner;
	store_body_free(&body);
	store_group_write(m);
	return 0;
}

int
store_start_move(
    struct store *s, struct store_item *item, enum entry_queue queue)
{
	return start_move(s, item, queue, NULL);
}

/* Giving it its name failed: the record that makes it true is held until it
 * has one. */
static int
name_again(struct store *s, struct store_item *item)
{
	struct store_move *m = store_new_move(s, item);

	m->nonce = item->nonce;
	m->queue = (enum entry_queue)item->queue;
	store_group_name(m);
	return 0;
}

static int
run_save(struct flusher_job *job)
{
	struct store_move *m = (struct store_move *)job;

	return queue_file_save(
	    m->store->config.disk, m->fd, &m->body->file, &m->body->progress);
}

static void
end_save(struct flusher_job *job, int error)
{
	struct store_move *m = (struct store_move *)job;
	struct store_item *item = m->item;

	if (item != NULL && error < 0)
		item->is_doubtful = true;
	if (item != NULL && error == 0) {
		store_drop_spoken(item, m->nspoken);
		store_relink(item);
	}
	store_free_move(m);
}

int
store_start_save(struct store *s, struct store_item *item)
{
	struct store_body *body;
	struct store_move *m;
	const char *why;
	uint32_t nspoken;
	int fd, r;

	if (item->move != NULL)
		return -EBUSY;
	if (item->in_tmp)
		return name_again(s, item);
	if (item->is_doubtful)
		return store_start_move(s, item, (enum entry_queue)item->queue);
	r = store_load_durable(s, item, &body, &nspoken, &why);
	if (r < 0)
		return r;
	fd = store_open_file(s, item, O_RDWR);
	if (fd < 0) {
		store_body_free(&body);
		return fd;
	}
	m = store_new_move(s, item);
	m->body = body;
	m->fd = fd;
	m->nspoken = nspoken;
	flusher_submit(s->flusher, FLUSHER_SLOW, &m->job, run_save, end_save);
	return 0;
}

int
store_move(struct store *s, struct store_item *item, enum entry_queue queue,
    struct journal_wait *w)
{
	struct store_move *m;
	int r;

	if (item->where == STORE_JOURNAL)
		return start_move(s, item, queue, w);
	if (item->where == STORE_NOWHERE || item->move != NULL ||
	    item->in_tmp || item->is_doubtful)
		return -EBUSY;
	m = store_new_move(s, item);
	m->is_file = true;
	m->queue = queue;
	m->nonce = item->nonce; /* after a cut it may have that name again */
	r = append_moved(m);
	if (r < 0)
		store_free_move(m);
	else
		m->owner = w;
	return r;
}

bool
store_moves_enough(const struct store *s)
{
	return s->moves >= STORE_MOVES_MAX ||
	       s->moving_bytes >= STORE_MOVING_MAX;
}

void
store_want_file(struct store *s, struct store_item *item)
{
	if (item->where == STORE_JOURNAL && !store_moves_enough(s))
		(void)store_start_move(s, item, QUEUE_DEFERRED);
}
