/* SPDX-License-Identifier: ISC */
/*
 * The role that delivers, in the test's own process: what it does not begin
 * when who asked has left, since another child is asked for it.
 */
#include "jobs.h"

#include "base/clock.h"
#include "base/task.h"
#include "deliver.h"

#define SOON clock_after(20 * CLOCK_SEC)

static const struct settings settings = {
    .hostname = "mx.example",
    .local_lock = {.dotlock = true, .attempts = 3, .delay = CLOCK_SEC},
};
static struct chan *asker;
static int fds[2];
static bool leaves_at_fsync; /* of the next file written */

int __wrap_fsync(int fd);
int __real_fsync(int fd);

int
__wrap_fsync(int fd)
{
	if (leaves_at_fsync)
		chan_close(&asker);
	leaves_at_fsync = false;
	return __real_fsync(fd);
}

static int
setup(void **state)
{
	int r = make_scratch(state);

	if (r == 0)
		r = loop_init();
	return r < 0 ? r : chan_pair(fds);
}

static int
teardown(void **state)
{
	loop_done();
	return drop_scratch(state);
}

static void
send_job(const char *path)
{
	const struct want w = {
	    .id = "q1",
	    .action = {.kind = ACTION_MBOX,
		.path = str_c(path),
		.user = STR("joe"),
		.relay = STR("local")},
	    .header = "Return-Path: <a@b>\n",
	};
	struct content *content = make_content(STR("Subject: x\n\nbody\n"));
	struct job_deliver *d;
	ARENA_CLEANUP struct arena a = {0};
	const int *content_fds;
	size_t n;

	arena_init(&a, 1 << 20);
	d = make_deliver(&w, &a);
	content_wire_of(content, &d->content, &content_fds, &n);
	assert_int_equal(
	    chan_send(asker, JOB_DELIVER, 1, d, content_fds, n), 0);
	content_unref(&content);
}

static bool
is_there(const char *path)
{
	return faccessat(scratch_fd, path, F_OK, 0) == 0;
}

/* The first waits for its lock, the second for the first. */
static void
leave_locked(void *arg)
{
	int64_t deadline = SOON;

	(void)arg;
	asker = chan_new(fds[1], &job_protocol, NULL, NULL);
	send_job("box");
	send_job("other");
	while (!is_there("box") && clock_mono() < deadline)
		task_sleep(clock_after(CLOCK_MS));
	chan_close(&asker);
	unlinkat(scratch_fd, "box.lock", 0);
}

static void
test_locked(void **state)
{
	(void)state;
	write_text("box.lock", "", 0600);
	task_start(leave_locked, NULL);
	deliver_run(&settings, scratch_fd, str_c(scratch), fds[0], -1);
	assert_file("box", "");
	assert_false(is_there("box.lock"));
	assert_false(is_there("other"));
}

static void
ask_for_two(void *arg)
{
	(void)arg;
	asker = chan_new(fds[1], &job_protocol, NULL, NULL);
	send_job("box");
	send_job("other");
	leaves_at_fsync = true;
}

/* The first is written, the second has its turn after it. */
static void
test_in_turn(void **state)
{
	char *got;

	(void)state;
	task_start(ask_for_two, NULL);
	deliver_run(&settings, scratch_fd, str_c(scratch), fds[0], -1);
	assert_false(leaves_at_fsync);
	got = read_text("box", NULL);
	assert_non_null(strstr(got, "\nbody\n"));
	free(got);
	assert_false(is_there("other"));
}

#define DELIVER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static const struct CMUnitTest tests[] = {
    DELIVER_TEST(test_locked),
    DELIVER_TEST(test_in_turn),
};

TAP_RUN(tests)
