/* SPDX-License-Identifier: ISC */
/*
 * The flusher, in a process of its own whose syncfs(2) is played, and the
 * questions that children ask of it: whose files share a flush, and what is
 * answered when there is none, or when it went wrong.
 */
#include "tap.h"

#include "base/task.h"
#include "flush.h"
#include "flusher.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN 3

/* Shared with the flusher's process. */
static struct {
	int nsyncfs, error;
	useconds_t sleeps;
	long type; /* of all file systems */
} * disk;

int __wrap_syncfs(int fd);
int __wrap_fstatfs64(int fd, struct statfs *ret);

int
__wrap_syncfs(int fd)
{
	(void)fd;
	disk->nsyncfs++;
	usleep(disk->sleeps);
	errno = disk->error;
	return disk->error == 0 ? 0 : -1;
}

int
__wrap_fstatfs64(int fd, struct statfs *ret)
{
	(void)fd;
	*ret = (struct statfs){.f_type = disk->type};
	return 0;
}

static pid_t flusher;
static struct chan *broker;
static struct flush child[CHILDREN];
static int dir = -1;
static dev_t dev;
static enum barrier_result results[16];
static size_t nresults, nwanted;

static void
add_child(struct flush *f)
{
	const struct flush_parcel client = {0};
	int ends[2];

	assert_int_equal(chan_pair(ends), 0);
	assert_int_equal(
	    chan_send(broker, FLUSH_CLIENT, 0, &client, &ends[0], 1), 0);
	close(ends[0]);
	flush_init(f, ends[1]);
}

static int
setup(void **state)
{
	struct stat st;
	int ends[2];

	(void)state;
	disk = mmap(NULL, sizeof(*disk), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (disk == MAP_FAILED)
		return -1;
	disk->type = 0xEF53;
	dir = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fstat(dir, &st) < 0 || loop_init() < 0 ||
	    chan_pair(ends) < 0)
		return -1;
	dev = st.st_dev;
	nresults = 0;
	flusher = fork();
	if (flusher == 0) {
		loop_done();
		close(ends[0]);
		if (loop_init() == 0)
			flusher_run(ends[1]);
		_exit(0);
	}
	close(ends[1]);
	broker = chan_new(ends[0], &flush_protocol, NULL, NULL);
	for (size_t i = 0; i < CHILDREN; i++)
		add_child(&child[i]);
	return 0;
}

/* With the last child the flusher leaves, though mda is still there. */
static void
end_all(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < CHILDREN; i++)
		flush_done(&child[i]);
	chan_wait_end(broker, clock_after(20 * CLOCK_SEC));
	loop_stop();
}

static int
teardown(void **state)
{
	int status = -1;

	(void)state;
	task_start(end_all, NULL);
	loop_run();
	chan_close(&broker);
	close(dir);
	munmap(disk, sizeof(*disk));
	return waitpid(flusher, &status, 0) == flusher && status == 0 ? 0 : -1;
}

/* ---- asking ---- */

struct asking {
	struct flush *f;
	size_t n, of;
};

static void
ask(void *arg)
{
	struct asking *a = arg;
	enum barrier_result r;

	flush_begin(a->f, dir, dev);
	r = flush_all(a->f, dir, dev, a->n, a->of);
	results[nresults++] = r;
	if (nresults == nwanted)
		loop_stop();
}

static void
ask_all(struct asking *list, size_t n)
{
	nresults = 0;
	nwanted = n;
	for (size_t i = 0; i < n; i++)
		task_start(ask, &list[i]);
	loop_run();
	assert_int_equal(nresults, n);
}

static void
assert_all(enum barrier_result wanted)
{
	for (size_t i = 0; i < nresults; i++)
		assert_int_equal(results[i], wanted);
}

/* The first question after a rest is answered at once. */
static void
begin(struct flush *f)
{
	ask_all(&(struct asking){f, 1, 1}, 1);
	assert_all(BARRIER_IS_NONE);
	assert_int_equal(disk->nsyncfs, 0);
}

/*
 * Few each, and enough together where the flusher had them all before its pause
 * was over: on a busy machine it may not, and then they are asked again.
 */
static void
ask_together(struct asking *list, size_t n, size_t wanted)
{
	size_t held = 0;

	for (int i = 0; i < 50 && held < wanted; i++) {
		disk->nsyncfs = 0;
		for (size_t k = 0; k < n; k++)
			begin(list[k].f);
		ask_all(list, n);
		held = 0;
		for (size_t k = 0; k < n; k++)
			held += results[k] != BARRIER_IS_NONE;
	}
	assert_int_equal(held, wanted);
	assert_int_equal(disk->nsyncfs, 1);
}

static void
test_few(void **state)
{
	struct asking few[] = {{&child[0], 1, 1}, {&child[1], 2, 2}};

	(void)state;
	begin(&child[0]);
	ask_all(few, 2);
	assert_all(BARRIER_IS_NONE);
	assert_int_equal(disk->nsyncfs, 0);
}

static void
test_shared(void **state)
{
	struct asking many[] = {{&child[0], 1, 1}, {&child[1], 2, 2},
	    {&child[2], 1, 1}, {&child[0], 1, 1}};

	(void)state;
	ask_together(many, 4, 4);
	assert_all(BARRIER_HOLDS);
}

/* Two batches of one child, the first of which brings the disk. */
static void
test_first(void **state)
{
	struct asking both[] = {{&child[0], 4, 40}, {&child[0], 4, 40}};

	(void)state;
	ask_all(both, 2);
	assert_all(BARRIER_HOLDS);
	assert_true(disk->nsyncfs > 0);
}

/* Its two are open: the third is for itself, and the two are answered. */
static void
test_too_many(void **state)
{
	struct asking three[] = {
	    {&child[0], 2, 2}, {&child[0], 2, 2}, {&child[0], 2, 2}};

	(void)state;
	ask_together(three, 3, 2);
	assert_int_equal(results[0], BARRIER_IS_NONE);
	assert_int_equal(results[1], BARRIER_HOLDS);
	assert_int_equal(results[2], BARRIER_HOLDS);
}

static void
test_error(void **state)
{
	struct asking two[] = {{&child[0], 2, 2}, {&child[1], 2, 2}};

	(void)state;
	begin(&child[2]);
	disk->error = EIO;
	ask_together(two, 2, 2);
	assert_all(BARRIER_BROKE);
	disk->error = 0;
	ask_all(two, 2);
	assert_all(BARRIER_IS_NONE); /* for a while */
	ask_all(&(struct asking){&child[2], 4, 4}, 1);
	assert_all(BARRIER_BROKE); /* it had written, perhaps */
	ask_all(&(struct asking){&child[2], 4, 4}, 1);
	assert_all(BARRIER_IS_NONE);
	assert_int_equal(disk->nsyncfs, 1);
}

/* A disk that hangs: a child goes on by itself. */
static void
test_hangs(void **state)
{
	struct asking one = {&child[0], 4, 40};

	(void)state;
	disk->sleeps = 1500 * 1000;
	ask_all(&one, 1);
	assert_all(BARRIER_IS_NONE);
	ask_all(&one, 1);
	assert_all(BARRIER_IS_NONE);
	assert_int_equal(disk->nsyncfs, 1);
}

static void
test_unknown(void **state)
{
	struct asking one = {&child[0], 4, 40};

	(void)state;
	disk->type = 0x6969; /* NFS */
	ask_all(&one, 1);
	assert_all(BARRIER_IS_NONE);
	assert_int_equal(disk->nsyncfs, 0);
}

/* Its own: the flusher has left. */
static void
test_gone(void **state)
{
	struct asking one = {&child[0], 4, 40};

	(void)state;
	begin(&child[0]);
	assert_int_equal(kill(flusher, SIGKILL), 0);
	ask_all(&one, 1);
	assert_all(BARRIER_IS_NONE);
	ask_all(&one, 1);
	assert_all(BARRIER_HOLDS);
	assert_int_equal(disk->nsyncfs, 1);
}

static int
teardown_killed(void **state)
{
	return teardown(state) == 0 ? -1 : 0;
}

/* What no child of ours hands over: it is asked for nothing. */
static void
offer(void *arg)
{
	const struct flush_parcel q = {.files = 9, .at_once = 1};
	const struct flush_parcel *done;
	int *fd = arg;
	struct parcel p;

	for (int kind = FLUSH_DISK; kind <= FLUSH_ASK; kind++) {
		assert_int_equal(chan_call(child[0].chan, (unsigned)kind, &q,
				     fd, kind == FLUSH_DISK && *fd >= 0, &p,
				     clock_after(10 * CLOCK_SEC)),
		    0);
		done = p.value;
		results[nresults++] = (enum barrier_result)done->result;
		parcel_done(&p);
	}
	loop_stop();
}

static void
test_odd_directories(void **state)
{
	int fds[] = {-1, open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC),
	    open("/dev/null", O_RDONLY | O_CLOEXEC)};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		nresults = 0;
		task_start(offer, &fds[i]);
		loop_run();
		assert_int_equal(nresults, 2);
		assert_all(BARRIER_IS_NONE);
	}
	assert_int_equal(disk->nsyncfs, 0);
	close(fds[1]);
	close(fds[2]);
}

#define FLUSHER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    FLUSHER_TEST(test_few),
	    FLUSHER_TEST(test_shared),
	    FLUSHER_TEST(test_first),
	    FLUSHER_TEST(test_too_many),
	    FLUSHER_TEST(test_error),
	    FLUSHER_TEST(test_hangs),
	    FLUSHER_TEST(test_unknown),
	    cmocka_unit_test_setup_teardown(test_gone, setup, teardown_killed),
	    FLUSHER_TEST(test_odd_directories),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
