/* SPDX-License-Identifier: ISC */
/* The locks of mailbox files: held, released, stale, left behind. */
#include "mboxes.h"

#include <sys/file.h>
#include <sys/wait.h>

#define LOCKED                                                                 \
	"cannot update mailbox box for user joe. unable to lock for "          \
	"exclusive access: Resource temporarily unavailable"

static void
test_dotlock_held(void **state)
{
	(void)state;
	write_text("box.lock", "", 0600);
	deliver(&plain);
	assert_told(0, OUTCOME_DEFERRED, "4.2.0", LOCKED);
	/* It is not ours to remove. */
	assert_int_equal(faccessat(scratch_fd, "box.lock", F_OK, 0), 0);
}

static void
unlock_soon(void *arg)
{
	(void)arg;
	task_sleep(clock_after(10 * CLOCK_MS));
	unlinkat(scratch_fd, "box.lock", 0);
}

static void
test_dotlock_released(void **state)
{
	(void)state;
	write_text("box.lock", "", 0600);
	task_start(unlock_soon, NULL);
	deliver(&plain);
	assert_told(0, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
}

static void
test_dotlock_stale(void **state)
{
	struct timespec old[2] = {
	    {.tv_sec = 1600000000}, {.tv_sec = 1600000000}};

	(void)state;
	write_text("box.lock", "", 0600);
	assert_int_equal(utimensat(scratch_fd, "box.lock", old, 0), 0);
	deliver(&plain);
	assert_told(0, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	assert_int_equal(count_files(".", NULL), 1);
}

/* We were interrupted with the lock file there: whoever holds the other lock
 * now need not wait, unless that was of another kind. */
static void
test_dotlock_left_behind(void **state)
{
	struct want w = plain;

	(void)state;
	write_text("box.lock", "", S_ISVTX | 0400);
	deliver(&plain);
	assert_told(0, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	assert_int_equal(count_files(".", NULL), 1);
	settings.virtual_lock.dotlock = true;
	w.action.relay = STR("virtual");
	write_text("box.lock", "", S_ISVTX | 0400);
	deliver(&w);
	assert_told(1, OUTCOME_DEFERRED, "4.2.0", LOCKED);
	write_text("box.lock", "", S_ISVTX | 0600);
	deliver(&w);
	assert_told(2, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	write_text("box.lock", "", 0600);
	deliver(&plain);
	assert_told(3, OUTCOME_DEFERRED, "4.2.0", LOCKED);
}

/* Who made it may live: on another host, whose locks are not known here, or as
 * another user, who holds no lock of ours. */
static void
test_dotlock_of_others(void **state)
{
	struct stat st;

	(void)state;
	write_text("box.lock", "", S_ISVTX | 0400);
	file_system = NFS;
	deliver(&plain);
	assert_told(0, OUTCOME_DEFERRED, "4.2.0", LOCKED);
	assert_int_equal(fstatat(scratch_fd, "box.lock", &st, 0), 0);
	file_system = EXT4;
	if (geteuid() != 0)
		return;
	assert_int_equal(fchownat(scratch_fd, "box.lock", 4711, 4711, 0), 0);
	deliver(&plain);
	assert_told(1, OUTCOME_DEFERRED, "4.2.0", LOCKED);
	assert_int_equal(fstatat(scratch_fd, "box.lock", &st, 0), 0);
}

/* Another process has it locked by fcntl, or by flock, for as long as a pipe
 * of ours is open. */
static pid_t
hold(bool by_flock, int *ret_release)
{
	int ready[2], release[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(release), 0);
	pid = fork();
	if (pid == 0) {
		struct flock l = {.l_type = F_WRLCK};
		int fd = openat(scratch_fd, "box", O_RDWR);
		int r = by_flock ? flock(fd, LOCK_EX) : fcntl(fd, F_SETLK, &l);

		close(release[1]);
		if (r == 0)
			(void)!write(ready[1], "x", 1);
		(void)!read(release[0], &c, 1);
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(release[0]);
	*ret_release = release[1];
	return pid;
}

static void
test_fcntl_held(void **state)
{
	int release;
	pid_t pid;

	(void)state;
	write_text("box", "", 0600);
	pid = hold(false, &release);
	deliver(&plain);
	close(release);
	waitpid(pid, NULL, 0);
	assert_told(0, OUTCOME_DEFERRED, "4.2.0", LOCKED);
	assert_int_equal(count_files(".", NULL), 1); /* no dotlock is left */
	deliver(&plain);
	assert_told(1, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
}

/* The lists of local and virtual differ: each is obeyed. */
static void
test_flock_held(void **state)
{
	struct want w = plain;
	int release;
	pid_t pid;

	(void)state;
	write_text("box", "", 0600);
	pid = hold(true, &release);
	deliver(&plain);
	w.action.relay = STR("virtual");
	deliver(&w);
	close(release);
	waitpid(pid, NULL, 0);
	assert_told(0, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	assert_told(1, OUTCOME_DEFERRED, "4.2.0", LOCKED);
}

/* The mailbox is renamed away while we wait for its lock. */
static void
replace_soon(void *arg)
{
	(void)arg;
	task_sleep(clock_after(10 * CLOCK_MS));
	renameat(scratch_fd, "box", scratch_fd, "old");
	unlinkat(scratch_fd, "box.lock", 0);
}

static void
test_replaced_meanwhile(void **state)
{
	(void)state;
	write_text("box", "old mail\n", 0600);
	write_text("box.lock", "", 0600);
	task_start(replace_soon, NULL);
	deliver(&plain);
	assert_told(0, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	assert_file("old", "old mail\n");
	assert_box(HEAD "Subject: x\n\nbody\n\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    MBOX_TEST(test_dotlock_held),
	    MBOX_TEST(test_dotlock_released),
	    MBOX_TEST(test_dotlock_stale),
	    MBOX_TEST(test_dotlock_left_behind),
	    MBOX_TEST(test_dotlock_of_others),
	    MBOX_TEST(test_fcntl_held),
	    MBOX_TEST(test_flock_held),
	    MBOX_TEST(test_replaced_meanwhile),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
