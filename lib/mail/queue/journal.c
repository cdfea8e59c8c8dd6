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
#define DIRECT_MAX      (1024 * 1024) /* bytes of one write */
#define FREE_BATCH_KEEP (1024 * 1024) /* a larger buffer is given back */

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
	buf_init(&b->bytes, JOURNAL_BATCH_MAX + 2 * RECORD_MAX);
	return b;
}

void
journal_retire_batch(struct batch *b)
{
	b->segment->batches--;
	journal_close_direct(b->segment);
	b->segment = NULL;
	if (b->bytes.cap > FREE_BATCH_KEEP)
		buf_done(&b->bytes);
	buf_reset(&b->bytes);
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

	if (j->open != NULL && j->open->bytes.len + size > JOURNAL_BATCH_MAX)
		journal_close_batch(j);
	if (s == NULL)
		return journal_rotate(j, use);
	used = j->open != NULL ? s->used : page_up(s->used);
	if (used + size <= s->header.size)
		return 0;
	journal_close_batch(j);
	return journal_rotate(j, use);
}

/* The record as it will stand, but for its head, in j->scratch. */
static int
encode(struct journal *j, enum entry_type type, const void *value,
    struct str content)
{
	static const char zeros[RECORD_ALIGN];
	struct buf *b = &j->scratch;
	int r;

	buf_reset(b);
	buf_add(b, zeros, RECORD_HEAD);
	r = shape_encode(entry_shape(type), value, b);
	if (r < 0)
		return r;
	if (buf_add_str(b, content) < 0)
		return -EMSGSIZE;
	if (b->len - RECORD_HEAD > journal_record_max(j))
		return -EMSGSIZE;
	return 0;
}

static void
add_padding(struct buf *b, size_t to)
{
	static const char zeros[RECORD_ALIGN];

	buf_add(b, zeros, to - b->len);
}

int
journal_append(struct journal *j, enum entry_type type, const void *value,
    struct str content, enum journal_use use, struct journal_wait *w,
    struct journal_place *ret_place)
{
	struct record r = {.type = type};
	struct batch *b;
	size_t size;
	int error = encode(j, type, value, content);

	if (error < 0)
		return error;
	r.payload = str_from(buf_str(&j->scratch), RECORD_HEAD);
	size = record_size(r.payload.len);
	error = find_room(j, size, use);
	if (error < 0)
		return error;
	b = open_batch(j);
	r.flushed = b->segment->flushed;
	record_seal(&b->segment->header.key, b->segment->used, &r,
	    (unsigned char *)j->scratch.p);
	if (ret_place != NULL)
		*ret_place = (struct journal_place){
		    .segment = b->segment,
		    .offset = b->segment->used,
		    .length = (uint32_t)r.payload.len,
		};
	add_padding(&j->scratch, size);
	buf_add_str(&b->bytes, buf_str(&j->scratch));
	assert(!b->bytes.full && !j->scratch.full);
	b->segment->used += (uint32_t)size;
	if (w == NULL || !w->can_wait)
		b->is_urgent = true;
	if (w != NULL)
		STAILQ_INSERT_TAIL(&b->waits, w, link);
	return 0;
}

/* Whole pages from aligned memory; the next batch begins on a page anyway. */
static int
write_direct(const struct batch *b)
{
	static char pages[DIRECT_MAX] __attribute__((aligned(SEGMENT_PAGE)));
	const struct disk *disk = b->journal->config.disk;
	size_t len = b->bytes.len;

	for (size_t at = 0; at < len; at += DIRECT_MAX) {
		size_t n = len - at < DIRECT_MAX ? len - at : DIRECT_MAX;
		size_t whole = page_up((uint32_t)n);
		int r;

		memcpy(pages, b->bytes.p + at, n);
		memset(pages + n, 0, whole - n);
		r = disk->write(disk->arg, b->segment->direct_fd, pages, whole,
		    (off_t)(b->at + at));
		if (r < 0)
			return r;
	}
	return 0;
}

static int
write_batch(const struct batch *b)
{
	const struct disk *disk = b->journal->config.disk;
	int r = -EINVAL;

	if (b->segment->direct_fd >= 0)
		r = write_direct(b);
	/* Or its file system wants something else of such writes. */
	if (r == -EINVAL)
		r = disk->write(
		    disk->arg, b->segment->fd, b->bytes.p, b->bytes.len, b->at);
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
	s->flushed = b->at + (uint32_t)b->bytes.len;
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
		memcpy(room, in_memory->bytes.p + (at->offset - in_memory->at),
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
		buf_done(&b->bytes);
		free(b);
	}
	buf_done(&j->scratch);
}
