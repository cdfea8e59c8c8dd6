/* SPDX-License-Identifier: ISC */
/*
 * journal - appending and flushing.  One batch is in the air at a time; it is
 * the unit that fails.  Everything here runs on the loop but the run_*
 * functions, which touch only their batch and its segment's `dead`.
 */
#include "mail/queue/journal.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "mail/queue/journal_impl.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LATE            (5 * CLOCK_MS) /* for what can wait */
#define RECORD_MAX      (1024 * 1024)
#define BATCH_ROOM      (64 * 1024)       /* to begin with */
#define FREE_BATCH_KEEP (2 * 1024 * 1024) /* more room is given back */

static uint32_t
page_up(uint32_t n)
{
	return (n + SEGMENT_PAGE - 1) & ~(uint32_t)(SEGMENT_PAGE - 1);
}

size_t
journal_record_max(const struct journal *j)
{
	size_t quarter = j->config.segment_size / 4;

	return quarter < RECORD_MAX ? quarter : RECORD_MAX;
}

static struct batch *
new_batch(struct journal *j)
{
	struct batch *b = TAILQ_FIRST(&j->free_batches);

	if (b != NULL) {
		TAILQ_REMOVE(&j->free_batches, b, link);
		return b;
	}
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		log_fatal("out of memory for a batch of the journal");
	b->journal = j;
	return b;
}

static void
give_room_back(struct batch *b)
{
	free(b->bytes);
	b->bytes = NULL;
	b->room = 0;
}

/* Room for `size` bytes more: whole pages on a page's boundary, which are
 * written from where they are. */
static void
make_room(struct batch *b, size_t size)
{
	size_t room = b->room > 0 ? b->room : BATCH_ROOM;
	char *bytes;

	while (room < b->len + size)
		room *= 2;
	if (room == b->room)
		return;
	bytes = aligned_alloc(SEGMENT_PAGE, room);
	if (bytes == NULL)
		log_fatal("out of memory for a batch of the journal");
	if (b->len > 0)
		memcpy(bytes, b->bytes, b->len);
	free(b->bytes);
	b->bytes = bytes;
	b->room = room;
}

static void
add_bytes(struct batch *b, struct str s)
{
	if (s.len > 0)
		memcpy(b->bytes + b->len, s.p, s.len);
	b->len += s.len;
}

static void
add_zeros(struct batch *b, size_t n)
{
	memset(b->bytes + b->len, 0, n);
	b->len += n;
}

void
journal_retire_batch(struct batch *b)
{
	b->segment->batches--;
	journal_close_direct(b->segment);
	b->segment = NULL;
	b->len = 0;
	if (b->room > FREE_BATCH_KEEP)
		give_room_back(b);
	TAILQ_INSERT_HEAD(&b->journal->free_batches, b, link);
}

/* The gathering batch, which begins on a page of its own. */
static struct batch *
open_batch(struct journal *j)
{
	struct batch *b;

	if (j->open != NULL)
		return j->open;
	b = new_batch(j);
	b->segment = j->current;
	b->segment->batches++;
	b->segment->used = page_up(b->segment->used);
	b->at = b->segment->used;
	b->is_urgent = false;
	b->since = clock_mono();
	STAILQ_INIT(&b->waits);
	j->open = b;
	return b;
}

void
journal_close_batch(struct journal *j)
{
	if (j->open == NULL)
		return;
	TAILQ_INSERT_TAIL(&j->queued, j->open, link);
	j->open = NULL;
}

/* See that `size` bytes fit behind what the current segment holds. */
static int
find_room(struct journal *j, size_t size, enum journal_use use)
{
	struct journal_segment *s = j->current;
	uint32_t used;

	if (j->open != NULL && j->open->len + size > JOURNAL_BATCH_MAX)
		journal_close_batch(j);
	if (s == NULL)
		return journal_rotate(j, use);
	used = j->open != NULL ? s->used : page_up(s->used);
	if (used + size <= s->header.size)
		return 0;
	journal_close_batch(j);
	return journal_rotate(j, use);
}

/* The record's head, still empty, and its value, in j->scratch. */
static int
encode(struct journal *j, enum entry_type type, const void *value)
{
	static const char zeros[RECORD_HEAD];
	struct buf *b = &j->scratch;

	buf_reset(b);
	buf_add(b, zeros, RECORD_HEAD);
	return shape_encode(entry_shape(type), value, b);
}

/* Its content is copied once, to where it is written from. */
static void
add_record(struct batch *b, enum entry_type type, struct str value,
    struct str content, size_t size)
{
	size_t n = value.len + content.len, start = b->len;
	struct record r = {.type = type, .flushed = b->segment->flushed};

	make_room(b, size);
	add_bytes(b, value);
	add_bytes(b, content);
	add_zeros(b, size - n);
	r.payload = str_n(b->bytes + start + RECORD_HEAD, n - RECORD_HEAD);
	record_seal(&b->segment->header.key, b->segment->used, &r,
	    (unsigned char *)b->bytes + start);
}

int
journal_append(struct journal *j, enum entry_type type, const void *value,
    struct str content, enum journal_use use, struct journal_wait *w,
    struct journal_place *ret_place)
{
	struct batch *b;
	size_t length, size;
	int r = encode(j, type, value);

	if (r < 0)
		return r;
	length = j->scratch.len - RECORD_HEAD + content.len;
	if (length > journal_record_max(j))
		return -EMSGSIZE;
	size = record_size(length);
	r = find_room(j, size, use);
	if (r < 0)
		return r;
	b = open_batch(j);
	add_record(b, type, buf_str(&j->scratch), content, size);
	if (ret_place != NULL)
		*ret_place = (struct journal_place){
		    .segment = b->segment,
		    .offset = b->segment->used,
		    .length = (uint32_t)length,
		};
	b->segment->used += (uint32_t)size;
	if (w == NULL || !w->can_wait)
		b->is_urgent = true;
	if (w != NULL)
		STAILQ_INSERT_TAIL(&b->waits, w, link);
	return 0;
}

/* Whole pages; the next batch begins on a page anyway. */
static int
write_direct(struct batch *b)
{
	const struct disk *disk = b->journal->config.disk;
	size_t whole = page_up((uint32_t)b->len);

	memset(b->bytes + b->len, 0, whole - b->len);
	return disk->write(
	    disk->arg, b->segment->direct_fd, b->bytes, whole, (off_t)b->at);
}

static int
write_batch(struct batch *b)
{
	const struct disk *disk = b->journal->config.disk;
	int r = -EINVAL;

	if (b->segment->direct_fd >= 0)
		r = write_direct(b);
	/* Or its file system wants something else of such writes. */
	if (r == -EINVAL)
		r = disk->write(
		    disk->arg, b->segment->fd, b->bytes, b->len, b->at);
	return r;
}

static int
run_batch(struct flusher_job *job)
{
	struct batch *b = (struct batch *)job;
	const struct disk *disk = b->journal->config.disk;
	struct journal_segment *s = b->segment;
	int r;

	if (s->dead)
		return -EIO;
	r = write_batch(b);
	if (r == 0)
		r = disk->flush(disk->arg, s->fd);
	if (r < 0)
		s->dead = true;
	return r;
}

void
journal_tell(struct wait_list *waits, int error)
{
	struct wait_list mine = STAILQ_HEAD_INITIALIZER(mine);
	struct journal_wait *w;

	STAILQ_CONCAT(&mine, waits);
	while ((w = STAILQ_FIRST(&mine)) != NULL) {
		STAILQ_REMOVE_HEAD(&mine, link);
		w->done(w, error);
	}
}

static void
end_batch(struct flusher_job *job, int error)
{
	struct batch *b = (struct batch *)job;
	struct journal *j = b->journal;
	struct journal_segment *s = b->segment;
	struct wait_list waits = STAILQ_HEAD_INITIALIZER(waits);

	j->flying = NULL;
	if (error < 0) {
		journal_fail_batch(j, b);
		journal_submit(j);
		return;
	}
	s->flushed = b->at + (uint32_t)b->len;
	STAILQ_CONCAT(&waits, &b->waits);
	journal_retire_batch(b);
	journal_submit(j); /* first: the disk works while the waits are told */
	journal_tell(&waits, 0);
	if (j->events.moved_on != NULL && s->state == SEGMENT_FULL)
		j->events.moved_on(j->events.arg);
}

int64_t
journal_late(const struct journal *j)
{
	if (j->flying != NULL || j->open == NULL)
		return CLOCK_NEVER;
	return j->open->is_urgent ? 0 : j->open->since + LATE;
}

void
journal_hurry(struct journal *j)
{
	if (j->open != NULL)
		j->open->is_urgent = true;
}

void
journal_submit(struct journal *j)
{
	struct batch *b;

	if (j->flying != NULL)
		return;
	if (TAILQ_EMPTY(&j->queued) && journal_late(j) <= clock_mono())
		journal_close_batch(j);
	b = TAILQ_FIRST(&j->queued);
	if (b == NULL)
		return;
	TAILQ_REMOVE(&j->queued, b, link);
	j->flying = b;
	flusher_submit_brief(j->config.flusher, &b->job, run_batch, end_batch);
}

bool
journal_barrier(struct journal *j, struct journal_wait *w)
{
	struct batch *b = j->open;

	if (b != NULL && !w->can_wait)
		b->is_urgent = true;
	if (b == NULL)
		b = TAILQ_LAST(&j->queued, batch_list);
	if (b == NULL)
		b = j->flying;
	if (b == NULL)
		return false;
	STAILQ_INSERT_TAIL(&b->waits, w, link);
	return true;
}

/* A batch that is not on disk yet and holds the place; NULL: none. */
static const struct batch *
find_batch(const struct journal *j, const struct journal_place *at)
{
	const struct batch *b, *found = NULL;

	if (j->open != NULL && j->open->segment == at->segment &&
	    at->offset >= j->open->at)
		return j->open;
	TAILQ_FOREACH (b, &j->queued, link)
		if (b->segment == at->segment && at->offset >= b->at)
			found = b;
	if (found == NULL && j->flying != NULL &&
	    j->flying->segment == at->segment && at->offset >= j->flying->at)
		found = j->flying;
	return found;
}

int
journal_read(struct journal *j, const struct journal_place *at, struct buf *b,
    struct record *ret)
{
	size_t size = record_size(at->length);
	const struct batch *in_memory = find_batch(j, at);
	char *room;
	int r;

	buf_reset(b);
	room = buf_room(b, size);
	if (room == NULL)
		return -EMSGSIZE;
	if (in_memory != NULL) {
		memcpy(room, in_memory->bytes + (at->offset - in_memory->at),
		    size);
	} else {
		r = fd_pread_all(at->segment->fd, room, size, at->offset);
		if (r < 0)
			return r;
	}
	buf_grew(b, size);
	if (record_open(&at->segment->header.key, at->offset, buf_str(b), ret,
		&size) != RECORD_GOOD)
		return -EBADMSG;
	return 0;
}

bool
journal_is_durable(const struct journal_place *at)
{
	return at->offset < at->segment->flushed;
}

void
journal_tick(struct journal *j, int64_t now)
{
	j->cannot_make = false;
	journal_tend_going(j);
	journal_tend_spares(j);
	journal_tend_failures(j, now);
	journal_submit(j);
}

uint64_t
journal_generation(const struct journal *j)
{
	return j->generation;
}

void
journal_set_generation(struct journal *j, uint64_t below)
{
	if (below > j->generation)
		j->generation = below;
}

void
journal_done_batches(struct journal *j)
{
	struct batch *b;

	while ((b = TAILQ_FIRST(&j->free_batches)) != NULL) {
		TAILQ_REMOVE(&j->free_batches, b, link);
		free(b->bytes);
		free(b);
	}
	buf_done(&j->scratch);
}
