/* SPDX-License-Identifier: ISC */
/*
 * journal_open - what an earlier run left, and the way from there to a
 * journal that can be appended to.  Nothing is changed on disk before every
 * header was read and its version known.
 */
#include "base/file.h"
#include "base/log.h"
#include "mail/queue/journal_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct found {
	struct journal_segment *segment;
	int header; /* as segment_parse_header answered */
};
struct findings {
	struct found *list;
	size_t n, cap;
};

static bool
parse_slot(const char *name, unsigned *ret)
{
	uint64_t slot;

	if (strlen(name) != 4 ||
	    str_parse_u64(str_c(name), JOURNAL_SEGMENTS_MAX, &slot) < 0)
		return false;
	*ret = (unsigned)slot;
	return true;
}

static void
add_finding(struct findings *f, struct found one)
{
	if (f->n == f->cap) {
		f->cap = f->cap == 0 ? 64 : f->cap * 2;
		f->list = realloc(f->list, f->cap * sizeof(*f->list));
		if (f->list == NULL)
			log_fatal("out of memory for %zu segments", f->cap);
	}
	f->list[f->n++] = one;
}

static int
read_header(struct journal *j, unsigned slot, struct findings *f)
{
	struct journal_segment *s = journal_new_segment(j);
	unsigned char bytes[SEGMENT_DATA] = {0};
	char path[JOURNAL_PATH_MAX];
	struct found one = {.segment = s};
	int r;

	journal_path(slot, path);
	s->slot = slot;
	s->fd = openat(j->config.dirfd, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (s->fd < 0) {
		r = -errno;
		journal_free_segment(s);
		return r;
	}
	r = fd_pread_all(s->fd, bytes, sizeof(bytes), 0);
	one.header = r < 0 && r != -ENODATA
	                 ? r
	                 : segment_parse_header(bytes, &s->header);
	add_finding(f, one);
	return 0;
}

static int
read_headers(struct journal *j, struct findings *f, struct buf *why)
{
	int fd = openat(
	    j->config.dirfd, "journal", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	unsigned slot;
	int r = 0;

	if (dir == NULL) {
		r = -errno;
		buf_addf(why, "cannot read the journal's directory: %s",
		    strerror(errno));
		fd_close(&fd);
		return r;
	}
	while (r == 0 && (e = readdir(dir)) != NULL) {
		if (!parse_slot(e->d_name, &slot))
			continue;
		r = read_header(j, slot, f);
		if (r < 0)
			buf_addf(why, "cannot open journal/%s: %s", e->d_name,
			    strerror(-r));
	}
	closedir(dir);
	return r;
}

static int
compare_findings(const void *pa, const void *pb)
{
	const struct found *a = pa, *b = pb;

	if ((a->header == 0) != (b->header == 0))
		return a->header == 0 ? -1 : 1;
	return a->header != 0 ? (int)a->segment->slot - (int)b->segment->slot
	                      : journal_compare(a->segment, b->segment);
}

/* SECURITY: a journal of another version is not ours to touch. */
static bool
is_known(const struct findings *f, struct buf *why)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct found *one = &f->list[i];

		if (one->header == 0 || one->header == -ENODATA ||
		    one->header == -EBADMSG)
			continue;
		buf_addf(why, "journal/%04u: %s", one->segment->slot,
		    one->header == -EPROTONOSUPPORT
			? "written by a version of Valija that this one does "
			  "not know; nothing was changed"
			: strerror(-one->header));
		return false;
	}
	return true;
}

static void
put_aside(struct journal *j, struct journal_segment *s, struct buf *why)
{
	const struct disk *disk = j->config.disk;
	char from[JOURNAL_PATH_MAX], to[JOURNAL_PATH_MAX + 32];

	journal_path(s->slot, from);
	snprintf(to, sizeof(to), "corrupt/segment-%04u-%lld", s->slot,
	    (long long)time(NULL));
	buf_addf(why, "%s%s has a broken header: moved to %s",
	    why->len > 0 ? "; " : "", from, to);
	disk->rename(disk->arg, j->config.dirfd, from, to);
	journal_free_segment(s);
}

static bool
has_size(const struct journal_segment *s, uint32_t size)
{
	struct stat st;

	return fstat(s->fd, &st) == 0 && st.st_size == (off_t)size;
}

static void
drop_file(struct journal *j, struct journal_segment *s)
{
	const struct disk *disk = j->config.disk;
	char path[JOURNAL_PATH_MAX];

	journal_path(s->slot, path);
	disk->unlink(disk->arg, j->config.dirfd, path);
	journal_free_segment(s);
}

/* What can be used again stays, in the order in which it left. */
static void
sort_out(struct journal *j, struct found *f, uint64_t oldest, struct buf *why)
{
	struct journal_segment *s = f->segment;

	if (f->header == -EBADMSG) {
		put_aside(j, s, why);
		return;
	}
	if (f->header == 0 && s->header.sequence >= oldest) {
		s->state = SEGMENT_FULL;
		s->used = s->flushed = s->header.size;
		TAILQ_INSERT_TAIL(&j->live, s, link);
		j->nlive++;
		j->nfiles++;
		return;
	}
	if (!has_size(s, j->config.segment_size)) {
		drop_file(j, s);
		return;
	}
	TAILQ_INSERT_TAIL(&j->spares, s, link);
	j->nspares++;
	j->nfiles++;
}

static void
take_over(struct journal *j, struct findings *f, struct buf *why)
{
	uint64_t oldest = 0;

	if (f->n > 0)
		qsort(f->list, f->n, sizeof(*f->list), compare_findings);
	for (size_t i = 0; i < f->n && f->list[i].header == 0; i++) {
		const struct segment_header *h = &f->list[i].segment->header;

		j->sequence = h->sequence; /* the last is the highest ... */
		oldest = h->oldest;        /* ... and it knows */
		journal_set_generation(j, h->generation);
	}
	for (size_t i = 0; i < f->n; i++)
		sort_out(j, &f->list[i], oldest, why);
}

struct journal *
journal_open(const struct journal_config *c, struct buf *why)
{
	struct journal *j = calloc(1, sizeof(*j));
	struct findings f = {0};

	if (j == NULL)
		log_fatal("out of memory for the journal");
	j->config = *c;
	TAILQ_INIT(&j->live);
	TAILQ_INIT(&j->spares);
	TAILQ_INIT(&j->going);
	TAILQ_INIT(&j->queued);
	TAILQ_INIT(&j->free_batches);
	STAILQ_INIT(&j->refusals);
	STAILQ_INIT(&j->refused);
	buf_init(&j->scratch, 2 * journal_record_max(j) + RECORD_ALIGN);
	journal_init_waits(j);
	if (read_headers(j, &f, why) < 0 || !is_known(&f, why)) {
		for (size_t i = 0; i < f.n; i++)
			journal_free_segment(f.list[i].segment);
		free(f.list);
		journal_close(&j);
		return NULL;
	}
	take_over(j, &f, why);
	free(f.list);
	return j;
}

static void
free_segments(struct segment_list *list)
{
	struct journal_segment *s;

	while ((s = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, s, link);
		journal_free_segment(s);
	}
}

void
journal_close(struct journal **jp)
{
	struct journal *j = *jp;
	struct refusal *r;

	*jp = NULL;
	if (j == NULL)
		return;
	j->closing = true;
	do {
		journal_hurry(j);
		journal_submit(j);
	} while (flusher_wait(j->config.flusher));
	while ((r = STAILQ_FIRST(&j->refusals)) != NULL) {
		STAILQ_REMOVE_HEAD(&j->refusals, link);
		free(r);
	}
	free_segments(&j->live);
	free_segments(&j->spares);
	free_segments(&j->going);
	if (j->next != NULL)
		journal_free_segment(j->next);
	journal_done_batches(j);
	free(j);
}

/* One walk over one segment on behalf of the replay. */
struct pass {
	struct journal *journal;
	struct journal_segment *segment;
	const struct journal_replay *replay; /* NULL: look for refusals */
};

static int
pass_on(void *arg, uint32_t offset, const struct record *r)
{
	struct pass *p = arg;
	struct journal_place at = {
	    .segment = p->segment,
	    .offset = offset,
	    .length = (uint32_t)r->payload.len,
	};

	p->segment->is_empty = false;
	if (offset >= p->segment->void_from)
		return 0;
	return p->replay->each(p->replay->arg, &at, r);
}

static void
pass_bad(void *arg, uint32_t offset, struct str bytes, bool is_tail)
{
	struct pass *p = arg;

	p->segment->is_empty = false;
	if (offset >= p->segment->void_from || p->replay->bad == NULL)
		return;
	p->replay->bad(p->replay->arg, p->segment->header.sequence, offset,
	    bytes, is_tail);
}

static int
note_refusal(void *arg, uint32_t offset, const struct record *r)
{
	ARENA_CLEANUP struct arena a = {0};
	struct pass *p = arg;
	struct journal_segment *s;
	struct entry_refused refused;
	const char *why;

	(void)offset;
	if (r->type != ENTRY_REFUSED)
		return 0;
	arena_init(&a, entry_arena_max(r->payload.len));
	if (entry_decode(r->type, r->payload, &a, &refused, NULL, &why) < 0)
		return 0;
	TAILQ_FOREACH (s, &p->journal->live, link)
		if (s->header.sequence == refused.sequence &&
		    refused.from < s->void_from)
			s->void_from = (uint32_t)refused.from;
	return 0;
}

/* Every record of every segment to `walk`. */
static int
walk_all(struct journal *j, struct pass *p, struct segment_walk *walk)
{
	struct buf bytes;
	size_t lost;
	int r = 0;

	buf_init(&bytes, SEGMENT_SIZE_MAX);
	walk->arg = p;
	TAILQ_FOREACH (p->segment, &j->live, link) {
		buf_reset(&bytes);
		r = segment_read(
		    p->segment->fd, p->segment->header.size, &bytes, &lost);
		if (r == 0)
			r = segment_walk(
			    &p->segment->header, buf_str(&bytes), walk);
		if (r < 0)
			break;
	}
	buf_done(&bytes);
	return r;
}

int
journal_replay(struct journal *j, const struct journal_replay *replay)
{
	struct pass p = {.journal = j};
	struct segment_walk find = {.each = note_refusal};
	struct segment_walk tell = {.each = pass_on, .bad = pass_bad};
	int r;

	/* A refusal stands in a later segment than what it is about. */
	r = walk_all(j, &p, &find);
	if (r < 0)
		return r;
	p.replay = replay;
	TAILQ_FOREACH (p.segment, &j->live, link)
		p.segment->is_empty = true;
	return walk_all(j, &p, &tell);
}

/* What the last run had ready for use is ready for ours: a disk that is full
 * gives no other. */
static void
reclaim_unused(struct journal *j)
{
	struct journal_segment *s;

	while ((s = TAILQ_LAST(&j->live, segment_list)) != NULL &&
	       s->is_empty && s->header.size == j->config.segment_size) {
		TAILQ_REMOVE(&j->live, s, link);
		j->nlive--;
		s->state = SEGMENT_SPARE;
		TAILQ_INSERT_HEAD(&j->spares, s, link);
		j->nspares++;
	}
}

int
journal_start(struct journal *j, const struct journal_events *events)
{
	j->events = *events;
	reclaim_unused(j);
	journal_tend_spares(j);
	while (j->next == NULL || j->nspares == 0)
		if (!flusher_wait(j->config.flusher))
			return -ENOSPC;
	j->started = true;
	return journal_rotate(j, JOURNAL_STATUS);
}
