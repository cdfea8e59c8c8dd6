/* SPDX-License-Identifier: ISC */
/* Tasks, deadlines, queues, and what a forked child makes of them.  What a
 * task sees is written down and looked at on the main stack. */
#include "tap.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/task.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct buf trace; /* one letter for each thing that happened */

static int
setup(void **state)
{
	(void)state;
	buf_init(&trace, 4096);
	return loop_init();
}

static int
teardown(void **state)
{
	(void)state;
	buf_done(&trace);
	return 0;
}

static void
note(char c)
{
	buf_add_char(&trace, c);
}

/* ---- many ---- */

#define MANY 3000

static int sum, now_alive, most_alive;

static void
add_up(void *arg)
{
	int mine = *(int *)arg; /* on the stack, across the switches */

	if (++now_alive > most_alive)
		most_alive = now_alive;
	task_yield();
	sum += mine;
	task_sleep(clock_after(CLOCK_MS));
	sum += mine;
	now_alive--;
}

static void
test_many(void **state)
{
	static int values[MANY];

	(void)state;
	sum = now_alive = most_alive = 0;
	for (int i = 0; i < MANY; i++) {
		values[i] = i;
		task_start(add_up, &values[i]);
	}
	assert_int_equal(task_count(), MANY);
	loop_run();
	assert_int_equal(task_count(), 0);
	assert_int_equal(most_alive, MANY);
	assert_int_equal(sum, MANY * (MANY - 1));
}

/* ---- yield ---- */

static void
yield_twice(void *arg)
{
	for (int i = 0; i < 3; i++) {
		note(*(char *)arg);
		task_yield();
	}
}

static void
test_yield(void **state)
{
	char a = 'a', b = 'b', c = 'c';

	(void)state;
	assert_null(task_self());
	task_start(yield_twice, &a);
	task_start(yield_twice, &b);
	task_start(yield_twice, &c);
	loop_run();
	assert_string_equal(trace.p, "abcabcabc");
}

/* ---- deadlines ---- */

struct sleeper {
	char name;
	int64_t wake; /* wanted */
	int64_t woke;
	int result;
};

static void
sleep_until(void *arg)
{
	struct sleeper *s = arg;

	s->result = task_sleep(s->wake);
	s->woke = clock_mono();
	note(s->name);
}

static void
test_sleep_order(void **state)
{
	struct sleeper s[] = {
	    {'c', clock_after(30 * CLOCK_MS), 0, 1},
	    {'a', clock_after(10 * CLOCK_MS), 0, 1},
	    {'d', clock_after(40 * CLOCK_MS), 0, 1},
	    {'b', clock_after(20 * CLOCK_MS), 0, 1},
	    {'0', 0, 0, 1}, /* past: does not wait */
	};

	(void)state;
	for (int i = 0; i < 5; i++)
		task_start(sleep_until, &s[i]);
	loop_run();
	assert_string_equal(trace.p, "0abcd");
	for (int i = 0; i < 5; i++) {
		assert_int_equal(s[i].result, 0);
		assert_true(s[i].woke >= s[i].wake);
	}
}

/* Deadlines in any order, most of which are taken back before they come. */
#define HEAP 500

static struct task_queue heap_queue;
static int heap_results[HEAP];
static int64_t heap_last;
static bool heap_out_of_order;

static void
wait_at_random(void *arg)
{
	int i = (int)(intptr_t)arg;
	int64_t deadline = clock_after((200 + (i * 7919) % 50) * CLOCK_MS);

	heap_results[i] = task_wait(&heap_queue, deadline);
	if (heap_results[i] != -ETIMEDOUT)
		return;
	if (deadline < heap_last)
		heap_out_of_order = true;
	heap_last = deadline;
}

static void
wake_half(void *arg)
{
	(void)arg;
	task_yield();
	for (int i = 0; i < HEAP / 2; i++)
		task_wake_one(&heap_queue);
}

static void
test_heap(void **state)
{
	int timed_out = 0;

	(void)state;
	task_queue_init(&heap_queue);
	heap_last = 0;
	heap_out_of_order = false;
	for (int i = 0; i < HEAP; i++)
		task_start(wait_at_random, (void *)(intptr_t)i);
	task_start(wake_half, NULL);
	loop_run();
	for (int i = 0; i < HEAP; i++) {
		assert_int_equal(
		    heap_results[i], i < HEAP / 2 ? 0 : -ETIMEDOUT);
		timed_out += heap_results[i] == -ETIMEDOUT;
	}
	assert_int_equal(timed_out, HEAP / 2);
	assert_false(heap_out_of_order);
}

/* ---- queues ---- */

static struct task_queue queue = TASK_QUEUE_INIT(queue);

static void
wait_in_line(void *arg)
{
	if (task_wait(&queue, CLOCK_NEVER) == 0)
		note(*(char *)arg);
}

static void
wake_in_line(void *arg)
{
	(void)arg;
	note(task_wake_one(&queue) ? '1' : '0');
	task_yield();
	note('|');
	task_wake_all(&queue);
	task_yield();
	note(task_wake_one(&queue) ? '1' : '0');
}

static void
test_wake_order(void **state)
{
	char names[] = "abc";

	(void)state;
	for (int i = 0; i < 3; i++)
		task_start(wait_in_line, &names[i]);
	task_start(wake_in_line, NULL);
	loop_run();
	assert_string_equal(trace.p, "1a|bc0");
}

/* ---- cancel ---- */

static int waits[4];

static void
be_cancelled(void *arg)
{
	(void)arg;
	waits[0] = task_wait(&queue, CLOCK_NEVER);
	waits[1] = task_sleep(clock_after(CLOCK_SEC));
	waits[2] = task_yield();
	waits[3] = task_is_cancelled();
}

static void
cancel_other(void *arg)
{
	task_cancel(arg);
	/* It has left the queue: nobody is there to be woken. */
	note(task_wake_one(&queue) ? '1' : '0');
}

static void
test_cancel(void **state)
{
	struct task *t = task_start(be_cancelled, NULL);

	(void)state;
	task_start(cancel_other, t);
	loop_run();
	assert_int_equal(waits[0], -ECANCELED);
	assert_int_equal(waits[1], -ECANCELED);
	assert_int_equal(waits[2], -ECANCELED);
	assert_int_equal(waits[3], 1);
	assert_string_equal(trace.p, "0");
}

/* A wake is not lost when the woken one is cancelled before it runs. */
static void
wake_and_cancel(void *arg)
{
	task_wake_one(&queue);
	task_cancel(arg);
}

static void
test_cancel_after_wake(void **state)
{
	struct task *t = task_start(be_cancelled, NULL);

	(void)state;
	task_start(wake_and_cancel, t);
	loop_run();
	assert_int_equal(waits[0], 0);
	assert_int_equal(waits[1], -ECANCELED);
}

/* ---- the main stack ---- */

static const char *main_frame;
static bool ran_on_main, was_in_task;

static void
look_at_stack(void *arg)
{
	char here;
	ptrdiff_t d = main_frame - (const char *)&here;

	(void)arg;
	ran_on_main = d > -(64 * 1024) && d < 64 * 1024;
	was_in_task = task_self() != NULL;
}

static void
call_main(void *arg)
{
	int keep = 42;

	task_on_main_stack(look_at_stack, arg);
	note(keep == 42 && task_self() != NULL ? 'y' : 'n');
}

static void
test_main_stack(void **state)
{
	char here = 0;

	(void)state;
	main_frame = &here;
	ran_on_main = false;
	task_on_main_stack(look_at_stack, NULL);
	assert_true(ran_on_main);
	ran_on_main = false;
	was_in_task = true;
	task_start(call_main, NULL);
	loop_run();
#ifndef __SANITIZE_ADDRESS__ /* locals are elsewhere there */
	assert_true(ran_on_main);
#endif
	assert_false(was_in_task);
	assert_string_equal(trace.p, "y");
}

/* ---- the end of the turn ---- */

static struct loop_call call_a, call_b;

static void
at_end(void *arg)
{
	note(*(char *)arg);
	if (*(char *)arg == 'A')
		task_wake_all(&queue);
}

static void
ask_for_calls(void *arg)
{
	note('1');
	loop_at_turn_end(&call_a);
	loop_at_turn_end(&call_b);
	loop_at_turn_end(&call_a);
	wait_in_line(arg);
	note('3');
	loop_at_turn_end(&call_b);
	loop_stop();
}

static void
note_two(void *arg)
{
	(void)arg;
	note('2');
}

static void
test_turn_end(void **state)
{
	char a = 'A', b = 'B', w = 'w';

	(void)state;
	call_a = (struct loop_call){.fn = at_end, .arg = &a};
	call_b = (struct loop_call){.fn = at_end, .arg = &b};
	task_start(ask_for_calls, &w);
	task_start(note_two, NULL);
	loop_run();
	assert_string_equal(trace.p, "12ABw3B");
}

/* ---- stop, and going on ---- */

static void
stop_and_go_on(void *arg)
{
	(void)arg;
	note('a');
	loop_stop();
	task_yield();
	note('b');
}

static void
test_stop(void **state)
{
	(void)state;
	task_start(stop_and_go_on, NULL);
	loop_run();
	assert_string_equal(trace.p, "a");
	assert_int_equal(task_count(), 1);
	loop_run();
	assert_string_equal(trace.p, "ab");
}

/* ---- a forked child starts afresh ---- */

static void
exit_seven(void *arg)
{
	(void)arg;
	task_sleep(clock_after(CLOCK_MS));
	_exit(task_count() == 1 ? 7 : 8);
}

static void
fork_child(void *arg)
{
	pid_t *pid = arg;

	*pid = fork();
	if (*pid != 0)
		return;
	if (loop_init() < 0)
		_exit(9);
	task_start(exit_seven, NULL);
	loop_run();
	_exit(10);
}

static void
fork_in_task(void *arg)
{
	task_on_main_stack(fork_child, arg);
}

static void
test_fork(void **state)
{
	char names[] = "ab";
	pid_t pid = -1;
	int status;

	(void)state;
	task_start(wait_in_line, &names[0]);
	task_start(wait_in_line, &names[1]);
	task_start(fork_in_task, &pid);
	task_start(wake_in_line, NULL);
	loop_run();
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_string_equal(trace.p, "1a|b0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_many, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_yield, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_sleep_order, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_heap, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_wake_order, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_cancel_after_wake, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_main_stack, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_turn_end, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_fork, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
