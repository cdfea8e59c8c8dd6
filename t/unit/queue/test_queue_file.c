/* SPDX-License-Identifier: ISC */
/* A message as a file: what was written comes back, or it is refused. */
#include "tap.h"

#include "rig.h"

#include "mail/queue/queue_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define CONTENT "Subject: x\n\nhello\n"

static struct rig rig;

static int
set_up(void **state)
{
	(void)state;
	rig_init(&rig);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	rig_done(&rig);
	return 0;
}

static struct recipient rcpts[] = {
    {.address = {"a@b.test", 8}, .original = {"A@b.test", 8}},
    {.address = {"c@d.test", 8}, .original = {"c@d.test", 8}},
};

static struct envelope
sample(void)
{
	return (struct envelope){
	    .id = STR("ID1"),
	    .sender = STR("s@s.test"),
	    .arrival = 1234567890,
	    .size = sizeof(CONTENT) - 1,
	    .recipients = {rcpts, 2},
	};
}

static void
mark_one(struct progress *p, uint64_t attempt, enum outcome_state state,
    struct str text)
{
	struct mark mark = {
	    .index = 1,
	    .done = state == OUTCOME_SENT,
	    .outcome = {.state = state, .dsn = STR("4.2.0"), .text = text},
	};
	struct entry_marks about = {.marks = {&mark, 1}};

	progress_apply(p, attempt, 1000, &about);
}

/* Write "file"; an open descriptor of it. */
static int
write_file(struct arena *a)
{
	struct envelope e = sample();
	struct queue_file_draft d;
	struct content *c = content_from_str(STR(CONTENT));
	struct progress p;
	int fd;

	progress_init(&p, 2, a);
	mark_one(&p, 1, OUTCOME_DEFERRED, STR("try later"));
	assert_int_equal(queue_file_draft(&e, &p, &d), 0);
	assert_int_equal(
	    queue_file_write(&rig.disk, rig.dirfd, "file", &d, c, true), 0);
	queue_file_draft_done(&d);
	content_unref(&c);
	fd = openat(rig.dirfd, "file", O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* 0 when all is as it was written; an error; never anything else. */
static int
read_file(int fd, struct queue_file *ret)
{
	struct arena a;
	struct envelope e;
	struct progress p;
	struct content *c = NULL;
	const char *why;
	char text[64];
	int r;

	arena_init(&a, 0);
	r = queue_file_read(fd, &a, ret, &e, &p, &why);
	if (r == 0)
		r = queue_file_content(fd, ret, &c);
	if (r == 0) {
		assert_str(e.id, "ID1");
		assert_str(e.sender, "s@s.test");
		assert_int_equal(e.arrival, 1234567890);
		assert_int_equal(p.n, 2);
		assert_null(p.marks[0].last);
		assert_false(p.marks[1].done);
		assert_str(p.marks[1].last->text, "try later");
		assert_int_equal(content_read(c, 0, text, sizeof(text)),
		    sizeof(CONTENT) - 1);
		assert_memory_equal(text, CONTENT, sizeof(CONTENT) - 1);
	}
	content_unref(&c);
	arena_done(&a);
	return r;
}

static void
test_round_trip(void **state)
{
	struct arena a;
	struct queue_file f;
	int fd;

	(void)state;
	arena_init(&a, 1 << 24);
	fd = write_file(&a);
	assert_int_equal(read_file(fd, &f), 0);
	close(fd);
	arena_done(&a);
}

static void
test_every_bit(void **state)
{
	struct arena a;
	struct queue_file f;
	off_t size;
	size_t refused = 0;
	int fd;

	(void)state;
	arena_init(&a, 1 << 24);
	fd = write_file(&a);
	size = lseek(fd, 0, SEEK_END);
	for (off_t at = 0; at < size; at++) {
		char byte, flipped;

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		for (int bit = 0; bit < 8; bit++) {
			int r;

			flipped = (char)(byte ^ 1 << bit);
			assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
			r = read_file(fd, &f);
			assert_true(r == 0 || r == -EBADMSG);
			refused += r < 0;
		}
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	assert_true(refused > 1000);
	close(fd);
	arena_done(&a);
}

static void
test_every_length(void **state)
{
	struct arena a;
	struct queue_file f;
	off_t size;
	int fd;

	(void)state;
	arena_init(&a, 1 << 24);
	fd = write_file(&a);
	size = lseek(fd, 0, SEEK_END);
	while (size-- > 0) {
		assert_int_equal(ftruncate(fd, size), 0);
		assert_int_equal(read_file(fd, &f), -EBADMSG);
	}
	close(fd);
	arena_done(&a);
}

static void
test_unknown_version(void **state)
{
	struct arena a;
	struct queue_file f;
	unsigned char head[44];
	uint32_t crc;
	int fd;

	(void)state;
	arena_init(&a, 1 << 24);
	fd = write_file(&a);
	assert_int_equal(pread(fd, head, sizeof(head), 0), sizeof(head));
	head[8] = QUEUE_FILE_VERSION + 1;
	crc = (uint32_t)crc32_z(0, head, 40);
	memcpy(head + 40, &crc, 4);
	assert_int_equal(pwrite(fd, head, sizeof(head), 0), sizeof(head));
	assert_int_equal(read_file(fd, &f), -EPROTONOSUPPORT);
	close(fd);
	arena_done(&a);
}

static struct progress
progress_of(int fd, struct arena *a, struct queue_file *f)
{
	struct envelope e;
	struct progress p;
	const char *why;

	assert_int_equal(queue_file_read(fd, a, f, &e, &p, &why), 0);
	return p;
}

/* Notes and saves take turns with the slots: at any moment one of them is
 * whole on disk, whatever becomes of the other. */
static void
test_a_slot_is_always_durable(void **state)
{
	struct arena a;
	struct queue_file f;
	struct progress p;
	char rubbish[512];
	int fd;

	(void)state;
	arena_init(&a, 1 << 28);
	memset(rubbish, 'r', sizeof(rubbish));
	fd = write_file(&a);
	p = progress_of(fd, &a, &f);
	mark_one(&p, 2, OUTCOME_DEFERRED, STR("noted"));
	assert_int_equal(queue_file_note(&rig.disk, fd, &f, &p), 0);
	mark_one(&p, 3, OUTCOME_DEFERRED, STR("noted again"));
	assert_int_equal(queue_file_note(&rig.disk, fd, &f, &p), 0);
	p = progress_of(fd, &a, &f);
	assert_str(p.marks[1].last->text, "noted again");
	/* The note is torn: the saved one counts. */
	assert_int_equal(
	    pwrite(fd, rubbish, 100, 512 + (off_t)f.slot_size), 100);
	p = progress_of(fd, &a, &f);
	assert_str(p.marks[1].last->text, "try later");
	mark_one(&p, 4, OUTCOME_SENT, STR("saved"));
	assert_int_equal(queue_file_save(&rig.disk, fd, &f, &p), 0);
	p = progress_of(fd, &a, &f);
	assert_true(p.marks[1].done);
	/* A note after that, torn as well. */
	assert_int_equal(queue_file_note(&rig.disk, fd, &f, &p), 0);
	assert_int_equal(
	    pwrite(fd, rubbish, 100, 512 + (off_t)f.slot_size), 100);
	p = progress_of(fd, &a, &f);
	assert_true(p.marks[1].done);
	close(fd);
	arena_done(&a);
}

static void
test_failures_leave_nothing(void **state)
{
	static const enum rig_call calls[] = {RIG_OPEN, RIG_WRITE, RIG_FLUSH};
	struct envelope e = sample();
	struct content *c = content_from_str(STR(CONTENT));
	struct arena a;
	struct progress p;

	(void)state;
	arena_init(&a, 1 << 24);
	progress_init(&p, 2, &a);
	for (size_t i = 0; i < 3; i++) {
		struct queue_file_draft d;

		assert_int_equal(queue_file_draft(&e, &p, &d), 0);
		rig.fail_after[calls[i]] = 0;
		assert_int_equal(
		    queue_file_write(&rig.disk, rig.dirfd, "new", &d, c, true),
		    -EIO);
		rig.fail_after[calls[i]] = -1;
		assert_int_equal(faccessat(rig.dirfd, "new", F_OK, 0), -1);
		queue_file_draft_done(&d);
	}
	content_unref(&c);
	arena_done(&a);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_every_bit, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_every_length, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_unknown_version, set_up, tear_down),
    cmocka_unit_test_setup_teardown(
	test_a_slot_is_always_durable, set_up, tear_down),
    cmocka_unit_test_setup_teardown(
	test_failures_leave_nothing, set_up, tear_down),
};

TAP_RUN(tests)
