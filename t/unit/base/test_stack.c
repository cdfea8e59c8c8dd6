/* SPDX-License-Identifier: ISC */
/* Guard pages kill with a word, and idle tasks give their pages back. */
#include "tap.h"

#include "base/clock.h"
#include "base/stack.h"
#include "base/task.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Uses `depth` KiB of stack, or all of it. */
static __attribute__((noinline)) int
dig(int depth)
{
	volatile char hole[1024];

	memset((char *)(uintptr_t)hole, depth, sizeof(hole));
	if (depth == 0)
		return hole[17];
	return dig(depth - 1) + hole[(unsigned)depth % sizeof(hole)];
}

/* ---- overflow ---- */

static void
dig_forever(void *arg)
{
	*(int *)arg = dig(1 << 20);
}

/* In a child: its stderr into `text`, its wait status returned. */
static int
run_overflow(char *text, size_t size)
{
	size_t have = 0;
	int fds[2], status, sink;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		if (loop_init() < 0)
			_exit(1);
		task_start(dig_forever, &sink);
		loop_run();
		_exit(0);
	}
	close(fds[1]);
	while (have < size - 1 &&
	       (n = read(fds[0], text + have, size - 1 - have)) > 0)
		have += (size_t)n;
	text[have] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
test_overflow(void **state)
{
	static char text[64 * 1024];
	int status;

	(void)state;
	status = run_overflow(text, sizeof(text));
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
#ifndef __SANITIZE_ADDRESS__ /* reports, and exits */
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
#endif
	assert_non_null(
	    strstr(text, "task dig_forever overflowed its stack of "));
}

/* ---- pages ---- */

#define SLEEPERS 8

static int sink;

static void
dig_and_sleep(void *arg)
{
	char **ret_top = arg;
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	/* A task lies at the top of its stack. */
	*ret_top = (char *)(((uintptr_t)task_self() / page + 1) * page);
	sink += dig(100);
	task_idle();
	task_sleep(clock_after(3 * CLOCK_SEC / 2));
}

/* Pages of the stack that are resident. */
static size_t
count_pages(char *top)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 0;
	unsigned char in[TASK_STACK / 4096];

	assert_int_equal(mincore(stack_low(top), stack_size(), in), 0);
	for (size_t i = 0; i < stack_size() / page; i++)
		n += in[i] & 1;
	return n;
}

struct counts {
	char *tops[SLEEPERS];
	size_t before[SLEEPERS], after[SLEEPERS];
};

static void
count_both(void *arg)
{
	struct counts *c = arg;

	task_yield();
	for (int i = 0; i < SLEEPERS; i++)
		c->before[i] = count_pages(c->tops[i]);
	task_sleep(clock_after(6 * CLOCK_SEC / 5));
	for (int i = 0; i < SLEEPERS; i++)
		c->after[i] = count_pages(c->tops[i]);
}

static void
test_idle_gives_pages_back(void **state)
{
	struct counts c;

	(void)state;
	assert_int_equal(loop_init(), 0);
	for (int i = 0; i < SLEEPERS; i++)
		task_start(dig_and_sleep, &c.tops[i]);
	task_start(count_both, &c);
	loop_run();
	for (int i = 0; i < SLEEPERS; i++) {
		assert_true(c.before[i] >= 25);
		assert_true(c.after[i] >= 1);
		assert_true(c.after[i] <= 2);
	}
}

/* Stacks that nobody uses keep their pages only while they are few. */
static void
test_put_trims(void **state)
{
	static char *tops[200];
	size_t pages = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		tops[i] = stack_get();
		memset(tops[i] - 8192, 1, 8192);
	}
	for (int i = 0; i < 200; i++)
		stack_put(tops[i]);
	for (int i = 0; i < 200; i++)
		pages += count_pages(tops[i]) > 0;
	assert_true(pages <= 64);
	/* One that was used is given out first. */
	assert_true(count_pages(stack_get()) > 0);
}

static void
test_guard_is_told(void **state)
{
	char *top = stack_get();

	(void)state;
	assert_null(stack_of_guard(stack_low(top)));
	assert_null(stack_of_guard(top - 1));
	assert_ptr_equal(stack_of_guard(stack_low(top) - 1), top);
	assert_null(stack_of_guard(&top));
	assert_null(stack_of_guard(NULL));
	stack_put(top);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_overflow),
    cmocka_unit_test(test_put_trims),
    cmocka_unit_test(test_guard_is_told),
    cmocka_unit_test(test_idle_gives_pages_back),
};

TAP_RUN(tests)
