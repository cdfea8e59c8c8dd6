/* SPDX-License-Identifier: ISC */
/*
 * journal_segments - the files of the journal: made when there are too few,
 * given a new incarnation ahead of use, used again in the order in which they
 * left.
 */
#include "base/file.h"
#include "base/log.h"
#include "mail/queue/journal_impl.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define START_EXTRA 16
#define ZERO_BLOCK  (1024 * 1024)

static const char zeros[ZERO_BLOCK];

void
journal_path(unsigned slot, char ret[JOURNAL_PATH_MAX])
{
	snprintf(ret, JOURNAL_PATH_MAX, "journal/%04u", slot);
}

struct journal_segment *
journal_new_segment(struct journal *j)
{
	struct journal_segment *s = calloc(1, sizeof(*s));

	if (s == NULL)
		log_fatal("out of memory for a segment of the journal");
	s->journal = j;
	s->fd = s->direct_fd = -1;
	s->void_from = UINT32_MAX;
	TAILQ_INIT(&s->holds);
	return s;
}

void
journal_free_segment(struct journal_segment *s)
{
	fd_close(&s->fd);
	fd_close(&s->direct_fd);
	free(s);
}

static int
run_header(struct flusher_job *job)
{
	struct journal_segment *s =
	    (struct journal_segment *)((char *)job -
				       offsetof(struct journal_segment, job));
	const struct disk *disk = s->journal->config.disk;
	unsigned char bytes[SEGMENT_DATA];
	int r;

	segment_format_header(&s->header, bytes);
	r = disk->write(disk->arg, s->fd, bytes, sizeof(bytes), 0);
	if (r == 0)
		r = disk->flush(disk->arg, s->fd);
	s->dead = r < 0;
	return r;
}

static struct journal_segment *
segment_of(struct flusher_job *job)
{
	return (
	    struct journal_segment *)((char *)job -
				      offsetof(struct journal_segment, job));
}

/*
 * Durably: a closed segment that came back after the one had gone that says
 * what of it does not count would bring back what was refused.  And only once
 * a header on disk says that it is dead: an older segment that still counts
 * there must not be read without it.
 */
static int
run_remove(struct flusher_job *job)
{
	struct journal_segment *s = segment_of(job);
	const struct disk *disk = s->journal->config.disk;
	int dirfd = s->journal->config.dirfd;
	char path[JOURNAL_PATH_MAX];
	int r;

	fd_close(&s->fd);
	journal_path(s->slot, path);
	r = disk->unlink(disk->arg, dirfd, path);
	if (r < 0 && r != -ENOENT)
		return r;
	return disk->sync_dir(disk->arg, dirfd, "journal");
}

static void
end_remove(struct flusher_job *job, int error)
{
	struct journal_segment *s = segment_of(job);
	struct journal *j = s->journal;

	j->is_removing = false;
	if (error < 0)
		return; /* again at the next tick, before any other */
	TAILQ_REMOVE(&j->going, s, link);
	journal_free_segment(s);
	journal_tend_going(j);
	if (!j->closing)
		journal_tend_spares(j);
}

static void end_header(struct flusher_job *job, int error);

static void
write_header(struct journal *j, struct journal_segment *s)
{
	s->is_header_flying = true;
	flusher_submit(
	    j->config.flusher, FLUSHER_FAST, &s->job, run_header, end_header);
}

/* The next one's header says again what is the oldest. */
static void
refresh_next(struct journal *j)
{
	struct journal_segment *s = j->next;
	const struct journal_segment *oldest = TAILQ_FIRST(&j->live);

	if (s == NULL || s->is_header_flying || oldest == NULL ||
	    s->header.oldest >= oldest->header.sequence)
		return;
	s->header.oldest = oldest->header.sequence;
	write_header(j, s);
}

/* Files go one after the other, in the order in which they left. */
void
journal_tend_going(struct journal *j)
{
	struct journal_segment *s = TAILQ_FIRST(&j->going);

	if (s == NULL || j->is_removing)
		return;
	if (s->header.sequence >= j->buried) {
		refresh_next(j);
		return;
	}
	j->is_removing = true;
	flusher_submit(
	    j->config.flusher, FLUSHER_SLOW, &s->job, run_remove, end_remove);
}

static void
remove_file(struct journal *j, struct journal_segment *s)
{
	TAILQ_INSERT_TAIL(&j->going, s, link);
	j->nfiles--;
	journal_tend_going(j);
}

static void
end_header(struct flusher_job *job, int error)
{
	struct journal_segment *s = segment_of(job);
	struct journal *j = s->journal;

	s->is_header_flying = false;
	if (error == 0 && s->header.oldest > j->buried) {
		j->buried = s->header.oldest;
		journal_tend_going(j);
	}
	if (error == 0 && !j->closing)
		journal_write_refusals(j); /* there was no place for them */
	if (error == 0 || s->state != SEGMENT_NEXT)
		return; /* a batch that follows into a dead one fails */
	j->next = NULL;
	s->header.sequence = 0; /* nothing of it ever counted */
	journal_count_failure(j);
	remove_file(j, s);
	if (!j->closing)
		journal_tend_spares(j);
}

/* A spare file becomes the next incarnation. */
static void
prepare_next(struct journal *j)
{
	struct journal_segment *s = TAILQ_FIRST(&j->spares);
	const struct journal_segment *oldest = TAILQ_FIRST(&j->live);

	if (j->next != NULL || s == NULL)
		return;
	TAILQ_REMOVE(&j->spares, s, link);
	j->nspares--;
	j->sequence++;
	s->header = (struct segment_header){
	    .sequence = j->sequence,
	    .oldest = oldest != NULL ? oldest->header.sequence : j->sequence,
	    .generation = j->generation,
	    .size = j->config.segment_size,
	};
	siphash_key_random(&s->header.key);
	s->used = s->flushed = SEGMENT_DATA;
	s->void_from = UINT32_MAX;
	s->state = SEGMENT_NEXT;
	j->next = s;
	write_header(j, s);
}

static bool
has_slot(const struct segment_list *list, unsigned slot)
{
	const struct journal_segment *s;

	TAILQ_FOREACH (s, list, link)
		if (s->slot == slot)
			return true;
	return false;
}

static bool
is_slot_taken(const struct journal *j, unsigned slot)
{
	return has_slot(&j->live, slot) || has_slot(&j->spares, slot) ||
	       has_slot(&j->going, slot) ||
	       (j->next != NULL && j->next->slot == slot);
}

/* One block of zeros more, durable at once: a batch that comes meanwhile waits
 * for one block and not for a whole segment. */
static int
run_zero(struct flusher_job *job)
{
	struct journal_segment *s = segment_of(job);
	const struct disk *disk = s->journal->config.disk;
	uint32_t left = s->journal->config.segment_size - s->zeroed;
	uint32_t n = left < ZERO_BLOCK ? left : ZERO_BLOCK;
	int r = disk->write(disk->arg, s->fd, zeros, n, s->zeroed);

	if (r < 0)
		return r;
	s->zeroed += n;
	r = disk->flush(disk->arg, s->fd);
	if (r < 0 || n < left)
		return r;
	return disk->sync_dir(disk->arg, s->journal->config.dirfd, "journal");
}

static void
end_zero(struct flusher_job *job, int error)
{
	struct journal_segment *s = segment_of(job);
	struct journal *j = s->journal;

	if (error < 0 || (j->closing && s->zeroed < j->config.segment_size)) {
		j->making = NULL;
		j->cannot_make = true;
		remove_file(j, s);
		return;
	}
	if (s->zeroed < j->config.segment_size) {
		flusher_submit(
		    j->config.flusher, FLUSHER_SLOW, job, run_zero, end_zero);
		return;
	}
	j->making = NULL;
	TAILQ_INSERT_TAIL(&j->spares, s, link);
	j->nspares++;
	if (!j->closing)
		journal_tend_spares(j);
}

static void
make_file(struct journal *j)
{
	const struct disk *disk = j->config.disk;
	struct journal_segment *s;
	char path[JOURNAL_PATH_MAX];
	unsigned slot = 0;
	int fd;

	while (is_slot_taken(j, slot))
		slot++;
	journal_path(slot, path);
	fd = disk->open(
	    disk->arg, j->config.dirfd, path, O_RDWR | O_CREAT | O_TRUNC);
	if (fd < 0) {
		j->cannot_make = true;
		return;
	}
	s = journal_new_segment(j);
	s->slot = slot;
	s->fd = fd;
	j->making = s;
	j->nfiles++;
	flusher_submit(
	    j->config.flusher, FLUSHER_SLOW, &s->job, run_zero, end_zero);
}

void
journal_tend_spares(struct journal *j)
{
	/* A start after many crashes finds each of them a segment: it may take
	 * more than there should be, which go as they are emptied. */
	size_t max = journal_size(j) + (j->started ? 0 : START_EXTRA);

	prepare_next(j);
	if (j->nspares < JOURNAL_SPARES && j->making == NULL &&
	    !j->cannot_make && j->nfiles < max)
		make_file(j);
}

/*
 * Batches go past the page cache: on ext4 that takes a third of the time to
 * make one durable, and leaves syncfs(2) of others nothing of ours to write.
 */
static void
open_direct(struct journal *j, struct journal_segment *s)
{
	const struct disk *disk = j->config.disk;
	char path[JOURNAL_PATH_MAX];

	journal_path(s->slot, path);
	if (s->direct_fd < 0)
		s->direct_fd = disk->open(
		    disk->arg, j->config.dirfd, path, O_WRONLY | O_DIRECT);
}

/* A full segment stays for long, and there may be many. */
void
journal_close_direct(struct journal_segment *s)
{
	if (s->state != SEGMENT_CURRENT && s->batches == 0)
		fd_close(&s->direct_fd);
}

int
journal_rotate(struct journal *j, enum journal_use use)
{
	struct journal_segment *s = j->next;

	/* The spare behind the next one is kept for all but messages. */
	if (use == JOURNAL_MESSAGE && (s == NULL || j->nspares == 0))
		return -ENOSPC;
	if (s == NULL)
		return j->nspares == 0 ? -ENOSPC : -EIO;
	if (j->current != NULL) {
		j->current->state = SEGMENT_FULL;
		journal_close_direct(j->current);
	}
	open_direct(j, s);
	s->state = SEGMENT_CURRENT;
	TAILQ_INSERT_TAIL(&j->live, s, link);
	j->nlive++;
	j->current = s;
	j->next = NULL;
	journal_tend_spares(j);
	return 0;
}

bool
journal_may_leave(const struct journal_segment *s)
{
	return s->state != SEGMENT_CURRENT && s->batches == 0 &&
	       TAILQ_EMPTY(&s->holds) && TAILQ_FIRST(&s->journal->live) == s;
}

void
journal_leave(struct journal *j, struct journal_segment *s)
{
	assert(journal_may_leave(s));
	TAILQ_REMOVE(&j->live, s, link);
	j->nlive--;
	if (s->state == SEGMENT_FAILED ||
	    s->header.size != j->config.segment_size ||
	    j->nfiles > journal_size(j)) {
		remove_file(j, s);
		return;
	}
	s->state = SEGMENT_SPARE;
	TAILQ_INSERT_TAIL(&j->spares, s, link);
	j->nspares++;
	journal_tend_spares(j);
}

struct journal_segment *
journal_oldest(struct journal *j)
{
	struct journal_segment *s = TAILQ_FIRST(&j->live);

	return s != NULL && s->state != SEGMENT_CURRENT ? s : NULL;
}

void
journal_hold(struct journal_segment *s, struct journal_hold *h)
{
	journal_release(h);
	h->segment = s;
	TAILQ_INSERT_TAIL(&s->holds, h, link);
}

void
journal_release(struct journal_hold *h)
{
	if (h->segment == NULL)
		return;
	TAILQ_REMOVE(&h->segment->holds, h, link);
	h->segment = NULL;
}

static struct journal_hold *
skip_guards(struct journal_hold *h)
{
	while (h != NULL && h->is_guard)
		h = TAILQ_NEXT(h, link);
	return h;
}

struct journal_hold *
journal_first_hold(struct journal_segment *s)
{
	return skip_guards(TAILQ_FIRST(&s->holds));
}

struct journal_hold *
journal_next_hold(struct journal_hold *h)
{
	return skip_guards(TAILQ_NEXT(h, link));
}

int
journal_compare(
    const struct journal_segment *a, const struct journal_segment *b)
{
	if (a->header.sequence == b->header.sequence)
		return 0;
	return a->header.sequence < b->header.sequence ? -1 : 1;
}

uint64_t
journal_sequence(const struct journal_segment *s)
{
	return s->header.sequence;
}

size_t
journal_used(const struct journal *j)
{
	return j->nlive;
}

size_t
journal_size(const struct journal *j)
{
	uint64_t n = j->config.size_max / j->config.segment_size;

	if (n < JOURNAL_SEGMENTS_MIN)
		return JOURNAL_SEGMENTS_MIN;
	return n > JOURNAL_SEGMENTS_MAX ? JOURNAL_SEGMENTS_MAX : (size_t)n;
}

bool
journal_has_room(const struct journal *j)
{
	if (j->alarm)
		return false;
	if (j->next != NULL && j->nspares > 0)
		return true;
	return j->current != NULL &&
	       j->current->header.size - j->current->used >
	           j->config.segment_size / 2;
}
