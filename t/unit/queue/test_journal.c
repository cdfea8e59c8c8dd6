/* SPDX-License-Identifier: ISC */
/* The row of segments: what is replayed, what leaves, what never returns. */
#include "tap.h"

#include "rig.h"

#include "mail/queue/dirs.h"
#include "mail/queue/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BELOW_MAX 4000
#define FEW       5 /* batches that fit a segment */

/* Generations stand for any record: small, and each with a number. */
struct told {
	uint64_t below[BELOW_MAX];
	size_t n, bad;
};

static struct rig rig;
static struct flusher *flusher;
static struct journal *journal;

static int
take(void *arg, const struct journal_place *at, const struct record *r)
{
	ARENA_CLEANUP struct arena a = {0};
	struct told *t = arg;
	struct entry_generation e;
	const char *why;

	(void)at;
	arena_init(&a, 1 << 20);
	if (r->type != ENTRY_GENERATION)
		return 0;
	assert_int_equal(
	    entry_decode(r->type, r->payload, &a, &e, NULL, &why), 0);
	t->below[t->n++] = e.below;
	return 0;
}

static void
take_bad(void *arg, uint64_t sequence, uint32_t offset, struct str bytes,
    bool is_tail)
{
	struct told *t = arg;

	(void)sequence;
	(void)offset;
	(void)bytes;
	(void)is_tail;
	t->bad++;
}

static void
open_journal(struct told *t)
{
	struct journal_replay replay = {take, take_bad, t};
	struct journal_events events = {0};
	BUF_CLEANUP struct buf why = {0};

	buf_init(&why, 1000);
	memset(t, 0, sizeof(*t));
	flusher = flusher_new(false);
	journal = journal_open(
	    &(struct journal_config){
		.dirfd = rig.dirfd,
		.disk = &rig.disk,
		.flusher = flusher,
		.segment_size = RIG_SEGMENT,
		.size_max = RIG_JOURNAL,
	    },
	    &why);
	if (journal == NULL)
		fail_msg("%s", why.p);
	assert_int_equal(journal_replay(journal, &replay), 0);
	assert_int_equal(journal_start(journal, &events), 0);
}

static void
close_journal(void)
{
	journal_close(&journal);
	flusher_free(&flusher);
}

static int
set_up(void **state)
{
	struct told t;
	BUF_CLEANUP struct buf why = {0};

	(void)state;
	buf_init(&why, 1000);
	rig_init(&rig);
	assert_int_equal(dirs_make(&disk_real, rig.dirfd, &why), 0);
	open_journal(&t);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	if (journal != NULL)
		close_journal();
	rig_done(&rig);
	return 0;
}

static int
append(uint64_t below, struct journal_place *place)
{
	struct entry_generation e = {.below = below};

	return journal_append(journal, ENTRY_GENERATION, &e, STR_NONE,
	    JOURNAL_STATUS, NULL, place);
}

static void
turn(void)
{
	journal_submit(journal);
	while (flusher_wait(flusher))
		journal_submit(journal);
}

static void
leave_all(void)
{
	struct journal_segment *s;

	while ((s = journal_oldest(journal)) != NULL && journal_may_leave(s)) {
		journal_leave(journal, s);
		turn();
	}
}

static void
test_replay(void **state)
{
	struct told t;

	(void)state;
	for (uint64_t i = 1; i <= 20; i++) {
		assert_int_equal(append(i, NULL), 0);
		if (i % 3 == 0)
			turn();
	}
	turn();
	close_journal();
	open_journal(&t);
	assert_int_equal(t.n, 20);
	for (uint64_t i = 0; i < 20; i++)
		assert_int_equal(t.below[i], i + 1);
	assert_int_equal(t.bad, 0);
}

static void
test_reads_back(void **state)
{
	struct journal_place place, later;
	struct record r;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	assert_int_equal(append(5, &place), 0);
	assert_int_equal(journal_read(journal, &place, &b, &r), 0);
	assert_false(journal_is_durable(&place));
	turn();
	assert_true(journal_is_durable(&place));
	assert_int_equal(append(6, &later), 0);
	assert_int_equal(journal_read(journal, &place, &b, &r), 0);
	assert_int_equal(r.type, ENTRY_GENERATION);
	place.offset += 32;
	assert_int_equal(journal_read(journal, &place, &b, &r), -EBADMSG);
	buf_done(&b);
}

/* Segments go round and round; what has left never comes back. */
static void
test_reuse_never_revives(void **state)
{
	struct told t;
	uint64_t number = 0;

	(void)state;
	for (int round = 0; round < 40; round++) {
		uint64_t first;

		for (int i = 0; i < 30; i++) {
			assert_int_equal(append(++number, NULL), 0);
			turn();
			leave_all();
		}
		close_journal();
		open_journal(&t);
		/* Only the last ones, without a gap, and nothing older. */
		assert_true(t.n > 0 && t.n < 200);
		first = t.below[0];
		for (size_t i = 0; i < t.n; i++)
			assert_int_equal(t.below[i], first + i);
		assert_int_equal(t.below[t.n - 1], number);
		assert_int_equal(t.bad, 0);
		leave_all();
	}
}

/* Held: it stays, and all that came after it. */
static void
test_leaves_oldest_first(void **state)
{
	struct journal_hold hold = {0};
	struct journal_place place;
	size_t used = 0;

	(void)state;
	assert_int_equal(append(1, &place), 0);
	journal_hold(place.segment, &hold);
	while (append(2, NULL) == 0) {
		turn();
		leave_all();
		used = journal_used(journal);
	}
	assert_int_equal(used, RIG_JOURNAL / RIG_SEGMENT);
	journal_release(&hold);
	leave_all();
	assert_int_equal(journal_used(journal), 1);
	assert_int_equal(append(3, NULL), 0);
	turn();
}

/* Messages leave a segment for the others. */
static void
test_reserve(void **state)
{
	struct journal_hold hold = {0};
	struct journal_place place;
	struct recipient rcpt = {.address = STR("a@b.test")};
	struct entry_message m = {
	    .envelope = {.id = STR("X"), .recipients = {&rcpt, 1}}};
	int r;

	(void)state;
	assert_int_equal(append(1, &place), 0);
	journal_hold(place.segment, &hold);
	do {
		r = journal_append(journal, ENTRY_MESSAGE, &m, STR_NONE,
		    JOURNAL_MESSAGE, NULL, NULL);
		turn();
	} while (r == 0);
	assert_int_equal(r, -ENOSPC);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(append(2, NULL), 0);
		turn();
	}
	journal_release(&hold);
}

static void
flip(const char *path, off_t at, int bit)
{
	int fd = openat(rig.dirfd, path, O_RDWR | O_CLOEXEC);
	char byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte = (char)(byte ^ 1 << bit);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/* The whole way from disk: each flipped bit costs a record at most. */
static void
test_flipped_bits(void **state)
{
	struct journal_place places[FEW];
	struct told t;
	char path[32];

	(void)state;
	for (uint64_t i = 0; i < FEW; i++) {
		assert_int_equal(append(i + 1, &places[i]), 0);
		turn();
	}
	close_journal();
	for (uint64_t i = 0; i < FEW; i++) {
		off_t at = places[i].offset + 8 + (off_t)i * 5;
		size_t found = 0;

		snprintf(path, sizeof(path), "journal/0000");
		flip(path, at, (int)i % 8);
		open_journal(&t);
		for (size_t k = 0; k < t.n; k++) {
			assert_true(t.below[k] != i + 1);
			found += t.below[k] <= FEW;
		}
		assert_int_equal(found, FEW - 1);
		assert_int_equal(t.bad, 1);
		close_journal();
		flip(path, at, (int)i % 8);
	}
	open_journal(&t);
}

static void
test_unknown_version_is_untouched(void **state)
{
	BUF_CLEANUP struct buf why = {0};
	struct flusher *f = flusher_new(false);

	(void)state;
	buf_init(&why, 1000);
	append(1, NULL);
	turn();
	close_journal();
	/* Both copies of a version to come. */
	flip("journal/0000", 8, 1);
	flip("journal/0000", 4096 + 8, 1);
	memset(rig.calls, 0, sizeof(rig.calls));
	assert_null(journal_open(
	    &(struct journal_config){
		.dirfd = rig.dirfd,
		.disk = &rig.disk,
		.flusher = f,
		.segment_size = RIG_SEGMENT,
		.size_max = RIG_JOURNAL,
	    },
	    &why));
	assert_non_null(strstr(why.p, "journal/0000"));
	for (int i = 0; i < RIG_CALLS; i++)
		assert_int_equal(rig.calls[i], 0);
	flusher_free(&f);
}

/* A header that no copy of is whole: aside, and the others count. */
static void
test_broken_header_is_put_aside(void **state)
{
	struct told t;

	(void)state;
	append(1, NULL);
	turn();
	close_journal();
	flip("journal/0000", 20, 1);
	flip("journal/0000", 4096 + 20, 1);
	open_journal(&t);
	assert_int_equal(t.n, 0);
	{
		int fd = openat(
		    rig.dirfd, "corrupt", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		DIR *d = fdopendir(fd);
		struct dirent *e;
		int found = 0;

		while ((e = readdir(d)) != NULL)
			found += strncmp(e->d_name, "segment-0000", 12) == 0;
		closedir(d);
		assert_int_equal(found, 1);
	}
}

/* A batch whose flush failed does not count, even if it is all there. */
static void
test_refused_is_void(void **state)
{
	struct told t;

	(void)state;
	append(1, NULL);
	turn();
	rig.fail_once = true;
	rig.fail_after[RIG_FLUSH] = 0;
	append(2, NULL);
	append(3, NULL);
	turn();
	append(4, NULL);
	turn();
	close_journal();
	open_journal(&t);
	assert_int_equal(t.n, 2);
	assert_int_equal(t.below[0], 1);
	assert_int_equal(t.below[1], 4);
}

static int ndurable;

static void
note_durable(struct journal_wait *w, int error)
{
	(void)w;
	assert_int_equal(error, 0);
	ndurable++;
}

static void
append_waiting(struct journal_wait *w)
{
	struct entry_generation e = {.below = 7};

	w->done = note_durable;
	assert_int_equal(journal_append(journal, ENTRY_GENERATION, &e, STR_NONE,
			     JOURNAL_STATUS, w, NULL),
	    0);
	turn();
}

/* What can wait has the flush of what comes, or its own a little later. */
static void
test_late(void **state)
{
	struct journal_wait patient = {.can_wait = true}, urgent = {0};

	(void)state;
	ndurable = 0;
	assert_true(journal_late(journal) == CLOCK_NEVER);
	append_waiting(&patient);
	assert_int_equal(ndurable, 0);
	append_waiting(&urgent);
	assert_int_equal(ndurable, 2);

	append_waiting(&patient);
	assert_int_equal(ndurable, 2);
	assert_true(journal_late(journal) < clock_after(CLOCK_SEC));
	while (clock_mono() < journal_late(journal)) {
		usleep(1000);
		clock_update();
	}
	turn();
	assert_int_equal(ndurable, 3);

	append_waiting(&patient);
	close_journal();
	assert_int_equal(ndurable, 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    TEST(test_late),
    TEST(test_replay),
    TEST(test_reads_back),
    TEST(test_reuse_never_revives),
    TEST(test_leaves_oldest_first),
    TEST(test_reserve),
    TEST(test_flipped_bits),
    TEST(test_unknown_version_is_untouched),
    TEST(test_broken_header_is_put_aside),
    TEST(test_refused_is_void),
};

TAP_RUN(tests)
