/* SPDX-License-Identifier: ISC */
/* Mailbox files: their form, their locks, what is refused, what is undone. */
#include "jobs.h"

#include "base/clock.h"
#include "base/task.h"
#include "mbox.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <utime.h>

static struct settings settings;
static struct mbox mbox;
static struct delivery_list list;

/* ---- the system's calls ---- */

#define EXT4 0xEF53
#define NFS  0x6969

static long file_system; /* that the scratch directory seems to be on */
static size_t ndir_syncs;

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fstatfs64(int fd, struct statfs *ret);

int
__wrap_fsync(int fd)
{
	struct stat st;

	ndir_syncs += fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
	return __real_fsync(fd);
}

int
__wrap_fstatfs64(int fd, struct statfs *ret)
{
	(void)fd;
	*ret = (struct statfs){.f_type = file_system};
	return 0;
}

/* ---- deliveries ---- */

static int
setup(void **state)
{
	int r = make_scratch(state);

	file_system = EXT4;
	ndir_syncs = 0;

	settings = (struct settings){
	    .local_lock = {.fcntl = true,
		.dotlock = true,
		.attempts = 3,
		.delay = 20 * CLOCK_MS},
	    .virtual_lock = {.flock = true, .attempts = 1},
	};
	mbox = (struct mbox){scratch_fd, str_c(scratch), &settings};
	TAILQ_INIT(&list);
	return r < 0 ? r : loop_init();
}

static void
take(struct delivery *d)
{
	TAILQ_INSERT_TAIL(&list, d, next);
}

static void
write_mboxes(void *arg)
{
	(void)arg;
	while (!TAILQ_EMPTY(&list))
		mbox_deliver(&mbox, &list);
}

static void
run(void)
{
	task_start(write_mboxes, NULL);
	loop_run();
}

static const struct want plain = {
    .id = "q1",
    .action = {.kind = ACTION_MBOX,
	.path = {"box", 3},
	.user = {"joe", 3},
	.relay = {"local", 5}},
    .header = "Return-Path: <a@b>\n",
    .content = {"Subject: x\n\nbody\n", 17},
};

static void
add(const char *content)
{
	struct want w = plain;

	w.content = str_c(content);
	job_start(make_job(&w), take);
}

static void
deliver(const struct want *w)
{
	job_start(make_job(w), take);
	run();
}

/* The file without the dates of its "From " lines, which are checked. */
static void
assert_box(const char *text)
{
	char *got = read_text("box", NULL), *p = got;
	BUF_CLEANUP struct buf b = {0};
	const char from[] = "From sender@example.com ";
	struct str rest = str_c(got), line;

	buf_init(&b, 1 << 20);
	while (str_line(&rest, &line)) {
		if (str_has_prefix(line, STR("From "))) {
			assert_true(str_has_prefix(line, str_c(from)));
			/* "Tue Nov 14 22:13:20 2023" */
			assert_int_equal(line.len, strlen(from) + 24);
			line = STR("FROM");
		}
		buf_add_str(&b, line);
		buf_add_char(&b, '\n');
	}
	assert_string_equal(b.p, text);
	free(p);
}

#define HEAD "FROM\nReturn-Path: <a@b>\n"

/* ---- the form ---- */

static void
test_one(void **state)
{
	struct stat st;

	(void)state;
	deliver(&plain);
	assert_told(0, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	assert_box(HEAD "Subject: x\n\nbody\n\n");
	assert_int_equal(fstatat(scratch_fd, "box", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(count_files(".", NULL), 1); /* no lock is left */
}

static void
test_form(void **state)
{
	(void)state;
	add("no end");
	add("From me\n\nFrom you\n>From him\n From her\nx From it\nFrom");
	add("\n\n\n");
	add("");
	run();
	assert_int_equal(ntold, 4);
	for (size_t i = 0; i < 4; i++)
		assert_told(i, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	assert_box(HEAD "no end\n\n" HEAD
			">From me\n\n>From you\n>From him\n From her\n"
			"x From it\nFrom\n\n" HEAD "\n\n\n\n" HEAD "\n");
}

/* "From " at every offset around the end of what is read at a time. */
static void
test_from_at_block_end(void **state)
{
	const size_t block = 64 * 1024;

	(void)state;
	for (size_t at = block - 7; at <= block + 1; at++) {
		char *bytes = malloc(block + 100), *got;
		struct want w = plain;

		memset(bytes, 'y', block + 100);
		bytes[at - 1] = '\n';
		memcpy(bytes + at, "From x\n", 7);
		w.content = str_n(bytes, block + 100);
		w.header = "";
		deliver(&w);
		got = read_text("box", NULL);
		assert_non_null(strstr(got, "y\n>From x\ny"));
		assert_null(strstr(got, "y\nFrom x"));
		free(got);
		free(bytes);
		assert_int_equal(unlinkat(scratch_fd, "box", 0), 0);
	}
}

/* Not a line's beginning: the block is not, either. */
static void
test_from_inside_long_line(void **state)
{
	const size_t block = 64 * 1024;
	char *bytes = malloc(2 * block), *got;
	struct want w = plain;

	(void)state;
	memset(bytes, 'y', 2 * block);
	memcpy(bytes + block, "From x", 6);
	w.content = str_n(bytes, 2 * block);
	w.header = "";
	deliver(&w);
	got = read_text("box", NULL);
	assert_non_null(strstr(got, "yFrom x"));
	free(got);
	free(bytes);
}

/* A torn message at the end does not swallow the next. */
static void
test_after_torn(void **state)
{
	(void)state;
	write_text("box",
	    "From sender@example.com Tue Nov 14 22:13:20 2023\n"
	    "half a li",
	    0600);
	deliver(&plain);
	assert_box("FROM\nhalf a li\n\n" HEAD "Subject: x\n\nbody\n\n");
	write_text("box", "a line\n", 0600);
	deliver(&plain);
	assert_box("a line\n\n" HEAD "Subject: x\n\nbody\n\n");
}

#define DATE_LEN 24 /* of a "From " line, behind its sender */
#define FROM_LEN strlen("From sender@example.com ")

/* An attempt at the file's last message, which begins at `front`, was
 * interrupted at every byte in turn, at another time: the next one ends it, and
 * writes nothing a second time. */
static void
tear_at_every_byte(const struct want *w, size_t front)
{
	const size_t date = front + FROM_LEN;
	size_t size, got_size;
	char *whole = read_text("box", &size), *got;

	memcpy(whole + date, "Tue Nov 14 22:13:20 2023", DATE_LEN);
	for (size_t n = front; n <= size; n++) {
		char *torn = strndup(whole, n);

		write_text("box", torn, 0600);
		ntold = 0;
		deliver(w);
		assert_told(0, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
		got = read_text("box", &got_size);
		assert_int_equal(got_size, size);
		if (n < date + DATE_LEN)
			memcpy(got + date, whole + date, DATE_LEN);
		assert_memory_equal(got, whole, size);
		free(got);
		free(torn);
	}
	free(whole);
}

static void
test_again(void **state)
{
	struct want w = plain;
	struct stat st;

	(void)state;
	w.content = STR("Subject: x\n\nFrom me\nF\n\n\nFr\n\n>From me");
	w.is_again = true;
	deliver(&w);
	tear_at_every_byte(&w, 0);
	add("Subject: another\n\n\n");
	run();
	assert_int_equal(fstatat(scratch_fd, "box", &st, 0), 0);
	w.id = "q2";
	w.header = "Delivered-To: joe\n";
	deliver(&w);
	tear_at_every_byte(&w, (size_t)st.st_size);
}

/* The end of what is read at a time falls on every byte of its beginning. */
static void
test_large_again(void **state)
{
	const size_t block = 64 * 1024;
	char *bytes = malloc(5 * block);
	struct want w = plain;
	size_t size, again;
	char path[100];

	(void)state;
	snprintf(path, sizeof(path), "%s/box", scratch);
	memset(bytes, 'y', 5 * block);
	for (size_t i = 0; i < 5 * block; i += 64)
		bytes[i] = '\n';
	write_text("box", "From a@b Tue Nov 14 22:13:20 2023\n\nx\n\n", 0600);
	w.is_again = true;
	for (size_t cut = 0; cut < 80; cut++) {
		w.content = str_n(bytes, 4 * block + cut);
		deliver(&w);
		free(read_text("box", &size));
		deliver(&w);
		free(read_text("box", &again));
		assert_int_equal(again, size);
		/* torn where a reader's block, and a page, would end */
		assert_int_equal(truncate(path, (off_t)(size - block)), 0);
		deliver(&w);
		free(read_text("box", &again));
		assert_int_equal(again, size);
		write_text(
		    "box", "From a@b Tue Nov 14 22:13:20 2023\n\nx\n\n", 0600);
	}
	free(bytes);
}

/* A file with nothing but what an interrupted attempt wrote may be one whose
 * name is not durable. */
static void
test_again_in_new_file(void **state)
{
	struct want w = plain;
	size_t size;
	char *whole, *torn;

	(void)state;
	deliver(&w);
	assert_int_equal(ndir_syncs, 1);
	deliver(&w);
	assert_int_equal(ndir_syncs, 1);
	assert_int_equal(unlinkat(scratch_fd, "box", 0), 0);
	deliver(&w);
	whole = read_text("box", &size);
	w.is_again = true;
	for (size_t n = 0; n <= size; n++) {
		torn = strndup(whole, n);
		write_text("box", torn, 0600);
		ndir_syncs = 0;
		deliver(&w);
		assert_int_equal(ndir_syncs, 1);
		free(torn);
	}
	deliver(&w); /* the same again: it is there */
	free(whole);
	write_text("box", "another's\n\n", 0600);
	ndir_syncs = 0;
	deliver(&w);
	assert_int_equal(ndir_syncs, 0);
}

/* What is no beginning of ours stays, and ours begins behind it. */
static void
test_again_after_others(void **state)
{
	static const char *const ends[] = {
	    "From sender@example.org Tue Nov 14 22:13:20 2023\nReturn-Path",
	    "From sender@example.com Tue Nov 14 22:13:20 2023\nReturn-Path: <b",
	    "x\nFrom sender@example.com Tue Nov 14 22:13:20 2023\nReturn-Path",
	    "a line that ends in\n\nFrom\n",
	    "a line\n\n Fr",
	    "",
	    "\n",
	    "F\n",
	    "\n\n",
	    "x",
	};
	struct want w = plain;

	(void)state;
	w.is_again = true;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char *got;

		write_text("box", ends[i], 0600);
		deliver(&w);
		got = read_text("box", NULL);
		assert_int_equal(strncmp(got, ends[i], strlen(ends[i])), 0);
		assert_non_null(strstr(got, "body\n\n"));
		assert_non_null(
		    strstr(got + strlen(ends[i]), "From sender@example.com "));
		free(got);
	}
}

static void
test_file(void **state)
{
	struct want w = plain;
	char path[100], text[200];

	(void)state;
	snprintf(path, sizeof(path), "%s/box", scratch);
	w.action.kind = ACTION_FILE;
	w.action.path = str_c(path);
	deliver(&w);
	snprintf(text, sizeof(text), "delivered to file: %s", path);
	assert_told(0, OUTCOME_SENT, "2.0.0", text);
	assert_box(HEAD "Subject: x\n\nbody\n\n");
	w.action.path = STR("/dev/null");
	deliver(&w);
	assert_told(1, OUTCOME_SENT, "2.0.0", "delivered to file: /dev/null");
}

/* ---- what is refused ---- */

static void
assert_refused(const char *why)
{
	char text[300];

	snprintf(text, sizeof(text),
	    "cannot update mailbox box for user joe. %s", why);
	ntold = 0;
	deliver(&plain);
	assert_told(0, OUTCOME_DEFERRED, "4.2.0", text);
}

static void
test_hostile_boxes(void **state)
{
	(void)state;
	write_text("other", "precious\n", 0600);
	assert_int_equal(symlinkat("other", scratch_fd, "box"), 0);
	assert_refused("file is a symbolic link");
	assert_int_equal(unlinkat(scratch_fd, "box", 0), 0);

	assert_int_equal(linkat(scratch_fd, "other", scratch_fd, "box", 0), 0);
	assert_refused("file has more than one link");
	assert_int_equal(unlinkat(scratch_fd, "box", 0), 0);

	assert_int_equal(mkfifoat(scratch_fd, "box", 0600), 0);
	assert_refused("file is not a regular file");
	assert_int_equal(unlinkat(scratch_fd, "box", 0), 0);

	if (geteuid() == 0) {
		write_text("box", "", 0666);
		assert_int_equal(fchownat(scratch_fd, "box", 4711, 4711, 0), 0);
		assert_refused("destination is not owned by recipient");
	}
	assert_file("other", "precious\n");
}

static void
test_outside(void **state)
{
	struct want w = plain;

	(void)state;
	w.action.path = STR("../box");
	deliver(&w);
	assert_told(0, OUTCOME_DEFERRED, "4.2.0",
	    "cannot update mailbox ../box for user joe. it is not below the "
	    "directory that was given");
}

/* ---- what is undone ---- */

static void
test_limits(void **state)
{
	struct rlimit was, small;
	char *big = calloc(1, 300001);

	(void)state;
	memset(big, 'z', 300000);
	signal(SIGXFSZ, SIG_IGN);
	deliver(&plain);
	add("first\n");
	add(big);
	add("third\n");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = (struct rlimit){280000, was.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	run();
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(ntold, 4);
	/* It was half written; what came before and after is whole. */
	assert_told(1, OUTCOME_BOUNCED, "5.2.2",
	    "cannot update mailbox box for user joe: File too large");
	assert_told(2, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	assert_told(3, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	assert_box(
	    HEAD "Subject: x\n\nbody\n\n" HEAD "first\n\n" HEAD "third\n\n");
	free(big);
}

static void
test_mailbox_size_limit(void **state)
{
	struct want w = plain;

	(void)state;
	w.action.limit = 200;
	deliver(&w);
	deliver(&w);
	deliver(&w);
	assert_told(0, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	assert_told(1, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	assert_told(2, OUTCOME_BOUNCED, "5.2.2",
	    "cannot update mailbox box for user joe: File too large");
	assert_box(HEAD "Subject: x\n\nbody\n\n" HEAD "Subject: x\n\nbody\n\n");
}

/* A full disk, as root, who may mount one. */
static void
test_full_disk(void **state)
{
	char path[100], *big;
	struct want w = plain;

	(void)state;
	if (geteuid() != 0)
		return; /* RLIMIT_FSIZE stands for it above */
	assert_int_equal(mkdirat(scratch_fd, "full", 0700), 0);
	snprintf(path, sizeof(path), "%s/full", scratch);
	assert_int_equal(mount("none", path, "tmpfs", 0, "size=256k"), 0);
	w.action.path = STR("full/box");
	deliver(&w);
	big = calloc(1, 400001);
	memset(big, 'z', 400000);
	w.content = str_n(big, 400000);
	deliver(&w);
	w.content = plain.content;
	deliver(&w);
	assert_int_equal(umount(path), 0);
	assert_told(0, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	assert_told(1, OUTCOME_DEFERRED, "4.3.1",
	    "cannot update mailbox full/box for user joe: "
	    "No space left on device");
	assert_told(2, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	free(big);
}

/* ---- locks ---- */

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

#define MBOX_TEST(f) cmocka_unit_test_setup_teardown(f, setup, drop_scratch)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    MBOX_TEST(test_one),
	    MBOX_TEST(test_form),
	    MBOX_TEST(test_from_at_block_end),
	    MBOX_TEST(test_from_inside_long_line),
	    MBOX_TEST(test_after_torn),
	    MBOX_TEST(test_again),
	    MBOX_TEST(test_large_again),
	    MBOX_TEST(test_again_in_new_file),
	    MBOX_TEST(test_again_after_others),
	    MBOX_TEST(test_file),
	    MBOX_TEST(test_hostile_boxes),
	    MBOX_TEST(test_outside),
	    MBOX_TEST(test_limits),
	    MBOX_TEST(test_mailbox_size_limit),
	    MBOX_TEST(test_full_disk),
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
