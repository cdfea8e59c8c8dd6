/* SPDX-License-Identifier: ISC */
/* Batches into Maildirs: what is there after, what is told, and what a
 * delivery finds of itself. */
#include "jobs.h"

#include "base/clock.h"
#include "maildir.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <time.h>

static struct maildir maildir;
static struct delivery_list batch;

static int
setup(void **state)
{
	int r = make_scratch(state);

	maildir = (struct maildir){.root_fd = scratch_fd,
	    .root = str_c(scratch),
	    .hostname = "mx.example"};
	TAILQ_INIT(&batch);
	return r;
}

static int
teardown(void **state)
{
	maildir_done(&maildir);
	return drop_scratch(state);
}

static void
take(struct delivery *d)
{
	TAILQ_INSERT_TAIL(&batch, d, next);
}

static void
deliver(const struct want *w)
{
	job_start(make_job(w), take);
	maildir_deliver(&maildir, &batch);
}

static const struct want plain = {
    .id = "4bXyZq1Ww9z1",
    .action = {.kind = ACTION_MAILDIR, .path = {"home/Maildir/", 13}},
    .header = "Return-Path: <a@b>\n",
    .content = {"Subject: x\n\nbody\n", 17},
    .arrival = 1700000000 * CLOCK_SEC,
};
#define PLAIN_NAME "1700000000.4bXyZq1Ww9z1R0.mx.example"
#define PLAIN_TEXT "Return-Path: <a@b>\nSubject: x\n\nbody\n"
#define NEW        "home/Maildir/new/"
#define CUR        "home/Maildir/cur/"
#define TMP        "home/Maildir/tmp/"

static void
test_one(void **state)
{
	char name[256] = "";
	struct stat st;

	(void)state;
	deliver(&plain);
	assert_int_equal(ntold, 1);
	assert_told(0, OUTCOME_SENT, "2.0.0", "delivered to maildir");
	assert_int_equal(count_files(NEW, name), 1);
	assert_string_equal(name, PLAIN_NAME);
	assert_int_equal(count_files(TMP, NULL), 0);
	assert_file(NEW PLAIN_NAME, PLAIN_TEXT);
	assert_int_equal(fstatat(scratch_fd, NEW PLAIN_NAME, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(fstatat(scratch_fd, "home/Maildir", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(count_files("home/Maildir", NULL), 3);
}

/* Larger than a chunk: several memfds, byte for byte. */
static void
test_large(void **state)
{
	struct want w = plain;
	size_t n = 3 * CONTENT_CHUNK + 17, got;
	char *bytes = malloc(n), *back;

	(void)state;
	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)(i * 31 + i / 977);
	w.content = str_n(bytes, n);
	w.header = "";
	deliver(&w);
	assert_told(0, OUTCOME_SENT, "2.0.0", "delivered to maildir");
	back = read_text(NEW PLAIN_NAME, &got);
	assert_int_equal(got, n);
	assert_memory_equal(back, bytes, n);
	free(back);
	free(bytes);
}

static void
test_empty_message(void **state)
{
	struct want w = plain;

	(void)state;
	w.content = STR_NONE;
	w.header = "";
	deliver(&w);
	assert_told(0, OUTCOME_SENT, "2.0.0", "delivered to maildir");
	assert_file(NEW PLAIN_NAME, "");
}

/* More than a batch holds, into several boxes, one of which is no path. */
static void
test_batch(void **state)
{
	static const char *const paths[] = {
	    "a/", "b/c/d", "b/c/e/", "../out", "/etc/x", "a"};
	size_t sent = 0;
	char id[16];

	(void)state;
	for (int i = 0; i < 300; i++) {
		struct want w = plain;

		w.action.path = str_c(paths[i % 6]);
		snprintf(id, sizeof(id), "q%d", i);
		w.id = id;
		job_start(make_job(&w), take);
	}
	maildir_deliver(&maildir, &batch);
	assert_true(TAILQ_EMPTY(&batch));
	assert_int_equal(ntold, 300);
	for (size_t i = 0; i < ntold; i++)
		sent += told[i].state == OUTCOME_SENT;
	assert_int_equal(sent, 200);
	assert_int_equal(count_files("a/new", NULL), 100);
	assert_int_equal(count_files("b/c/d/new", NULL), 50);
	assert_int_equal(count_files("b/c/e/new", NULL), 50);
	for (size_t i = 0; i < ntold; i++)
		if (told[i].state != OUTCOME_SENT)
			assert_string_equal(told[i].dsn, "4.3.5");
}

/* Recipients of one message each have a file of their own. */
static void
test_recipients(void **state)
{
	struct want w = plain;

	(void)state;
	w.recipients = 3;
	deliver(&w);
	assert_int_equal(ntold, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(told[i].index, i);
		assert_int_equal(told[i].state, OUTCOME_SENT);
	}
	assert_int_equal(count_files(NEW, NULL), 3);
}

/* ---- replay ---- */

static void
test_again_in_new(void **state)
{
	(void)state;
	deliver(&plain);
	deliver(&plain);
	assert_told(1, OUTCOME_SENT, "2.0.0", "delivered to maildir");
	assert_int_equal(count_files(NEW, NULL), 1);
	assert_int_equal(count_files(TMP, NULL), 0);
}

static void
move_to_cur(void)
{
	assert_int_equal(renameat(scratch_fd, NEW PLAIN_NAME, scratch_fd,
			     CUR PLAIN_NAME ":2,S"),
	    0);
}

static void
test_again_in_cur(void **state)
{
	(void)state;
	deliver(&plain);
	move_to_cur();
	deliver(&plain);
	assert_told(1, OUTCOME_SENT, "2.0.0", "delivered to maildir");
	assert_int_equal(count_files(NEW, NULL), 0);
	assert_int_equal(count_files(CUR, NULL), 1);
}

/* Its name, but not its size: not this message. */
static void
test_name_of_another(void **state)
{
	(void)state;
	deliver(&plain);
	write_text(NEW PLAIN_NAME, "", 0600);
	deliver(&plain);
	assert_told(1, OUTCOME_SENT, "2.0.0", "delivered to maildir");
	assert_int_equal(count_files(NEW, NULL), 2);
	assert_file(NEW "1700000000.4bXyZq1Ww9z1R0_1.mx.example", PLAIN_TEXT);
	/* Nor is one in cur/; but what was delivered just now is found. */
	write_text(CUR PLAIN_NAME ":2,", "short", 0600);
	deliver(&plain);
	assert_told(2, OUTCOME_SENT, "2.0.0", "delivered to maildir");
	assert_int_equal(count_files(NEW, NULL), 2);
}

/* What a crash left in tmp/ is written anew. */
static void
test_rest_in_tmp(void **state)
{
	(void)state;
	deliver(&plain);
	assert_int_equal(unlinkat(scratch_fd, NEW PLAIN_NAME, 0), 0);
	write_text(TMP PLAIN_NAME, "torn", 0600);
	deliver(&plain);
	assert_told(1, OUTCOME_SENT, "2.0.0", "delivered to maildir");
	assert_file(NEW PLAIN_NAME, PLAIN_TEXT);
	assert_int_equal(count_files(TMP, NULL), 0);
}

/* cur/ is not read for a message that came after its last change: here one
 * of the name would be found. */
static void
test_new_message_does_not_scan(void **state)
{
	struct timespec old[2] = {
	    {.tv_sec = 1600000000}, {.tv_sec = 1600000000}};

	(void)state;
	deliver(&plain);
	move_to_cur();
	assert_int_equal(utimensat(scratch_fd, "home/Maildir/cur", old, 0), 0);
	deliver(&plain);
	assert_told(1, OUTCOME_SENT, "2.0.0", "delivered to maildir");
	assert_int_equal(count_files(NEW, NULL), 1);
}

/* ---- what goes wrong ---- */

static void
test_limit(void **state)
{
	struct want w = plain;

	(void)state;
	w.action.limit = w.content.len + strlen(w.header) - 1;
	deliver(&w);
	assert_told(0, OUTCOME_BOUNCED, "5.2.2",
	    "maildir delivery failed: error writing message " PLAIN_NAME
	    ": File too large");
	assert_int_equal(count_files(NEW, NULL), 0);
	w.action.limit++;
	deliver(&w);
	assert_told(1, OUTCOME_SENT, "2.0.0", "delivered to maildir");
}

/* One too large for the process's own limit fails alone, half written. */
static void
test_one_of_a_batch_fails(void **state)
{
	struct rlimit was, small;
	struct want w = plain, big = plain;
	char *bytes = calloc(1, 100000);

	(void)state;
	big.content = str_n(bytes, 100000);
	big.id = "big";
	signal(SIGXFSZ, SIG_IGN);
	job_start(make_job(&w), take);
	job_start(make_job(&big), take);
	w.id = "third";
	job_start(make_job(&w), take);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = (struct rlimit){50000, was.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	maildir_deliver(&maildir, &batch);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(ntold, 3);
	assert_told(0, OUTCOME_BOUNCED, "5.2.2",
	    "maildir delivery failed: error writing message "
	    "1700000000.bigR0.mx.example: File too large");
	assert_told(1, OUTCOME_SENT, "2.0.0", "delivered to maildir");
	assert_told(2, OUTCOME_SENT, "2.0.0", "delivered to maildir");
	assert_int_equal(count_files(NEW, NULL), 2);
	assert_int_equal(count_files(TMP, NULL), 0);
	free(bytes);
}

/* ---- many at once ---- */

static int nsyncfs, syncfs_error, syncfs_first_bad;
static useconds_t syncfs_sleeps;
int __wrap_syncfs(int fd);
int __real_syncfs(int fd);
int __wrap_fstatfs64(int fd, struct statfs *ret);

/* Wherever the scratch directory is: an ext4. */
int
__wrap_fstatfs64(int fd, struct statfs *ret)
{
	(void)fd;
	*ret = (struct statfs){.f_type = 0xEF53};
	return 0;
}

int
__wrap_syncfs(int fd)
{
	usleep(syncfs_sleeps);
	if (++nsyncfs < syncfs_first_bad || syncfs_error == 0)
		return __real_syncfs(fd);
	errno = syncfs_error;
	return -1;
}

static void
deliver_many(size_t n)
{
	struct want w = plain;
	char id[16];

	for (size_t i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "id%zu", i);
		w.id = id;
		job_start(make_job(&w), take);
	}
	nsyncfs = 0;
	maildir_deliver(&maildir, &batch);
}

static void
test_many_by_one_call(void **state)
{
	(void)state;
	syncfs_error = 0;
	deliver_many(BARRIER_MANY - 1);
	assert_int_equal(nsyncfs, 0);
	deliver_many(BARRIER_MANY);
	assert_int_equal(nsyncfs, 1);
	assert_int_equal(ntold, 2 * BARRIER_MANY - 1);
	assert_int_equal(count_files(NEW, NULL), BARRIER_MANY);
	assert_int_equal(count_files(TMP, NULL), 0);
}

/* As many as make 16 MiB are mapped at a time. */
static void
test_many_large(void **state)
{
	struct want w = plain;
	char *bytes = calloc(1, 5 << 20), id[16];

	(void)state;
	syncfs_error = 0;
	w.content = str_n(bytes, 5 << 20);
	for (size_t i = 0; i < 2 * BARRIER_MANY; i++) {
		snprintf(id, sizeof(id), "large%zu", i);
		w.id = id;
		job_start(make_job(&w), take);
	}
	nsyncfs = 0;
	maildir_deliver(&maildir, &batch);
	assert_int_equal(nsyncfs, 2);
	assert_int_equal(ntold, 2 * BARRIER_MANY);
	assert_int_equal(count_files(NEW, NULL), 2 * BARRIER_MANY);
	free(bytes);
}

/* All of it is written anew, and nobody asks for all of the disk for a while:
 * the error may have been another's. */
static void
test_many_and_an_error(void **state)
{
	(void)state;
	syncfs_error = EIO;
	deliver_many(BARRIER_MANY);
	assert_int_equal(nsyncfs, 1);
	for (size_t i = 0; i < BARRIER_MANY; i++)
		assert_told(i, OUTCOME_SENT, "2.0.0", "delivered to maildir");
	assert_int_equal(count_files(NEW, NULL), BARRIER_MANY);
	assert_int_equal(count_files(TMP, NULL), 0);
	assert_file(NEW "1700000000.id0R0.mx.example", PLAIN_TEXT);
	syncfs_error = 0;
	deliver_many(BARRIER_MANY);
	assert_int_equal(nsyncfs, 0);
}

/* Somebody else has much to write: we do not wait for him again. */
static void
test_many_and_a_busy_disk(void **state)
{
	(void)state;
	syncfs_error = 0;
	syncfs_sleeps = 250 * 1000;
	deliver_many(BARRIER_MANY);
	syncfs_sleeps = 0;
	assert_int_equal(nsyncfs, 1);
	deliver_many(BARRIER_MANY);
	assert_int_equal(nsyncfs, 0);
}

/* One message to many boxes. */
static void
deliver_to_boxes(size_t n)
{
	static char paths[BARRIER_MANY][16];
	struct want w = plain;

	for (size_t i = 0; i < n; i++) {
		snprintf(paths[i], sizeof(paths[i]), "box%zu/", i);
		w.action.path = str_c(paths[i]);
		job_start(make_job(&w), take);
	}
	nsyncfs = 0;
	maildir_deliver(&maildir, &batch);
}

static void
test_many_boxes_by_one_call(void **state)
{
	(void)state;
	deliver_to_boxes(BARRIER_MANY);
	assert_int_equal(nsyncfs, 2); /* contents, names */
	assert_int_equal(ntold, BARRIER_MANY);
	for (size_t i = 0; i < ntold; i++)
		assert_told(i, OUTCOME_SENT, "2.0.0", "delivered to maildir");
	assert_int_equal(count_files("box0/new", NULL), 1);
}

/* Their names may be there and may not: later again, and then found. */
static void
test_many_boxes_and_an_error(void **state)
{
	(void)state;
	syncfs_error = EIO;
	syncfs_first_bad = 2;
	deliver_to_boxes(BARRIER_MANY);
	assert_int_equal(nsyncfs, 2);
	assert_int_equal(ntold, BARRIER_MANY);
	for (size_t i = 0; i < ntold; i++)
		assert_int_equal(told[i].state, OUTCOME_DEFERRED);
	syncfs_error = syncfs_first_bad = 0;
	deliver_to_boxes(BARRIER_MANY);
	assert_int_equal(nsyncfs, 0);
	for (size_t i = BARRIER_MANY; i < ntold; i++)
		assert_int_equal(told[i].state, OUTCOME_SENT);
	assert_int_equal(count_files("box0/new", NULL), 1);
	assert_int_equal(count_files("box0/tmp", NULL), 0);
}

/* Another child of the user has come as far as tmp/. */
static void
test_half_made(void **state)
{
	(void)state;
	assert_int_equal(mkdirat(scratch_fd, "home", 0700), 0);
	assert_int_equal(mkdirat(scratch_fd, "home/Maildir", 0700), 0);
	assert_int_equal(mkdirat(scratch_fd, "home/Maildir/tmp", 0700), 0);
	deliver(&plain);
	assert_told(0, OUTCOME_SENT, "2.0.0", "delivered to maildir");
	assert_file(NEW PLAIN_NAME, PLAIN_TEXT);
}

static void
test_no_directory(void **state)
{
	(void)state;
	write_text("home", "a file where a directory should be", 0600);
	deliver(&plain);
	assert_told(0, OUTCOME_DEFERRED, "4.2.0",
	    "maildir delivery failed: create maildir file " PLAIN_NAME
	    ": Not a directory");
}

/* A link to where /proc leads is no way out. */
static void
test_magic_link(void **state)
{
	char target[64];

	(void)state;
	snprintf(target, sizeof(target), "/proc/self/fd/%d", scratch_fd);
	assert_int_equal(mkdirat(scratch_fd, "home", 0700), 0);
	assert_int_equal(symlinkat(target, scratch_fd, "home/Maildir"), 0);
	deliver(&plain);
	assert_int_equal(told[0].state, OUTCOME_DEFERRED);
	assert_int_equal(count_files("new", NULL), 0);
}

/* The host's name is in the file's, whatever it has in it. */
static void
test_odd_host(void **state)
{
	char name[256];

	(void)state;
	maildir.hostname = "a/b:c d";
	deliver(&plain);
	assert_told(0, OUTCOME_SENT, "2.0.0", "delivered to maildir");
	count_files(NEW, name);
	assert_string_equal(name, "1700000000.4bXyZq1Ww9z1R0.a_b_c_d");
}

#define MAILDIR_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    MAILDIR_TEST(test_one),
	    MAILDIR_TEST(test_large),
	    MAILDIR_TEST(test_empty_message),
	    MAILDIR_TEST(test_batch),
	    MAILDIR_TEST(test_recipients),
	    MAILDIR_TEST(test_again_in_new),
	    MAILDIR_TEST(test_again_in_cur),
	    MAILDIR_TEST(test_name_of_another),
	    MAILDIR_TEST(test_rest_in_tmp),
	    MAILDIR_TEST(test_new_message_does_not_scan),
	    MAILDIR_TEST(test_limit),
	    MAILDIR_TEST(test_one_of_a_batch_fails),
	    MAILDIR_TEST(test_many_by_one_call),
	    MAILDIR_TEST(test_many_large),
	    MAILDIR_TEST(test_many_and_an_error),
	    MAILDIR_TEST(test_many_and_a_busy_disk),
	    MAILDIR_TEST(test_many_boxes_by_one_call),
	    MAILDIR_TEST(test_many_boxes_and_an_error),
	    MAILDIR_TEST(test_half_made),
	    MAILDIR_TEST(test_no_directory),
	    MAILDIR_TEST(test_magic_link),
	    MAILDIR_TEST(test_odd_host),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
