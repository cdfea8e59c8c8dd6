/* SPDX-License-Identifier: ISC */
/* Signals arrive in a task, and a forked child has them to itself. */
#include "tap.h"

#include "base/clock.h"
#include "base/task.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static int got[32];
static bool was_in_task;

static void
on_signal(int signo, void *arg)
{
	was_in_task = task_self() != NULL;
	got[signo]++;
	if (--*(int *)arg == 0)
		loop_stop();
}

static void
send_signals(void *arg)
{
	(void)arg;
	raise(SIGHUP);
	task_sleep(clock_after(5 * CLOCK_MS));
	raise(SIGTERM);
}

/* In the child the signal is not blocked any more: it ends it. */
static void
die_in_child(void *arg)
{
	pid_t *pid = arg;

	*pid = fork();
	if (*pid != 0)
		return;
	if (loop_init() < 0)
		_exit(1);
	raise(SIGTERM);
	_exit(2);
}

static void
test_signals(void **state)
{
	int left = 2, status;
	pid_t pid;

	(void)state;
	assert_int_equal(loop_init(), 0);
	assert_int_equal(loop_signal(0, on_signal, &left), -EINVAL);
	assert_int_equal(loop_signal(SIGHUP, on_signal, &left), 0);
	assert_int_equal(loop_signal(SIGTERM, on_signal, &left), 0);
	task_start(send_signals, NULL);
	loop_run();
	assert_int_equal(got[SIGHUP], 1);
	assert_int_equal(got[SIGTERM], 1);
	assert_true(was_in_task);
	die_in_child(&pid);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_signals),
};

TAP_RUN(tests)
