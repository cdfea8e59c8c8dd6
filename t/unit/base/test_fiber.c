/* SPDX-License-Identifier: ISC */
/* The switch between stacks, and what it costs: where we know how, not one
 * system call.  Built with each of the two (SWITCH_CALLS: with ucontext). */
#include "tap.h"

#include "base/fiber.h"
#include "base/task.h"

#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SWITCHES 1000

static struct fiber outside, inside;
static volatile int count;

static void
count_on(void)
{
	int mine = 0; /* on its own stack, across the switches */

	for (;;) {
		count = ++mine;
		fiber_switch(&inside, &outside);
	}
}

static void
make(void)
{
	char *low = mmap(NULL, TASK_STACK, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(low != MAP_FAILED);
	fiber_init(&inside, low + TASK_STACK, count_on);
}

static void
switch_there_and_back(void)
{
	for (int i = 0; i < SWITCHES; i++)
		fiber_switch(&outside, &inside);
}

static void
test_switch(void **state)
{
	(void)state;
	make();
	switch_there_and_back();
	assert_int_equal(count, SWITCHES);
}

/* In a process where the kernel answers nothing but read, write and exit. */
static void
test_system_calls(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	make();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) < 0)
			_exit(2);
		count = 0;
		switch_there_and_back();
		syscall(SYS_exit, count == SWITCHES ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
#ifdef SWITCH_CALLS
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
#else
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
#endif
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_switch),
    cmocka_unit_test(test_system_calls),
};

TAP_RUN(tests)
