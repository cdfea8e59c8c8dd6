/* SPDX-License-Identifier: ISC */
/*
 * task - coroutines and the loop that runs them.  The main stack runs the
 * loop; a task that waits switches back to it.  Owns the list of tasks that
 * are ready; a task that is neither running nor ready hangs on what it waits
 * for, and task_ready() takes it off all of that.
 */
#include "base/task.h"

#include "base/checkers.h"
#include "base/stack.h"
#include "base/task_impl.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

/* Tasks run in a turn before the kernel is asked again. */
#define TURN_MAX 4096

/* Reads and writes a task may do in a row while others wait. */
#define GREED_MAX 32

/* How long an idle task must wait to lose its pages.  It is done for all of
 * them at once, at most twice as long after. */
#define IDLE_AFTER (CLOCK_SEC / 2)

/* What the task takes at the top of its stack. */
#define TASK_SIZE ((sizeof(struct task) + 63) / 64 * 64)

STAILQ_HEAD(loop_call_list, loop_call);

static struct {
	struct fiber main;
	struct task *running; /* NULL: the main stack runs */
	struct task_list ready, paused, idle;
	struct loop_call_list calls;
	size_t ntasks;
	bool is_stopping;
	bool has_ended; /* the running task returned from its function */
	/* What the running task wants done on the main stack. */
	void (*call)(void *);
	void *call_arg;
	/* The bounds of the main stack, for AddressSanitizer. */
	void *main_fake;
	const void *main_low;
	size_t main_size;
} loop;

static char *
top_of(struct task *t)
{
	return (char *)t + TASK_SIZE;
}

static struct task *
task_at(char *top)
{
	return (struct task *)(void *)(top - TASK_SIZE);
}

/* Run the task until it waits, ends, or wants something of the main stack. */
static void
switch_to(struct task *t)
{
	loop.running = t;
	checkers_leave(&loop.main_fake, stack_low(top_of(t)), stack_size());
	fiber_switch(&loop.main, &t->fiber);
	checkers_arrive(loop.main_fake, NULL, NULL);
	loop.running = NULL;
}

static void
switch_to_main(struct task *t)
{
	checkers_leave(loop.has_ended ? NULL : &t->fake_stack, loop.main_low,
	    loop.main_size);
	fiber_switch(&t->fiber, &loop.main);
	checkers_arrive(t->fake_stack, &loop.main_low, &loop.main_size);
}

/* The bottom frame of every task. */
static void
enter_task(void)
{
	struct task *t = loop.running;

	checkers_arrive(NULL, &loop.main_low, &loop.main_size);
	t->fn(t->arg);
	loop.has_ended = true;
	switch_to_main(t);
	abort();
}

static void
run_task(struct task *t)
{
	switch_to(t);
	while (loop.call != NULL) {
		void (*fn)(void *) = loop.call;

		loop.call = NULL;
		fn(loop.call_arg);
		switch_to(t);
	}
	if (!loop.has_ended)
		return;
	loop.has_ended = false;
	loop.ntasks--;
	stack_put(top_of(t));
}

struct task *
task_start_as(const char *name, void (*fn)(void *), void *arg)
{
	struct task *t = task_at(stack_get());

	*t = (struct task){.name = name, .fn = fn, .arg = arg};
	fiber_init(&t->fiber, t, enter_task);
	loop.ntasks++;
	TAILQ_INSERT_TAIL(&loop.ready, t, link);
	return t;
}

struct task *
task_self(void)
{
	return loop.running;
}

size_t
task_count(void)
{
	return loop.ntasks;
}

const char *
task_name_by_top(char *top)
{
	return task_at(top)->name;
}

bool
task_is_cancelled(void)
{
	return loop.running != NULL && loop.running->is_cancelled;
}

void
task_idle(void)
{
	if (loop.running != NULL)
		loop.running->wants_idle = true;
}

void
task_on_main_stack(void (*fn)(void *), void *arg)
{
	struct task *t = loop.running;

	if (t == NULL) {
		fn(arg);
		return;
	}
	loop.call = fn;
	loop.call_arg = arg;
	switch_to_main(t);
}

int
task_suspend(struct task_list *list, struct task **place, int64_t deadline)
{
	struct task *t = loop.running;

	assert(t != NULL); /* the main stack may not wait */
	if (t->is_cancelled)
		return -ECANCELED;
	if (deadline <= clock_mono())
		return -ETIMEDOUT;
	t->is_waiting = true;
	t->greed = 0;
	if (list != NULL) {
		t->list = list;
		TAILQ_INSERT_TAIL(list, t, link);
	}
	if (place != NULL) {
		assert(*place == NULL); /* one reader, one writer */
		t->place = place;
		*place = t;
	}
	if (deadline != CLOCK_NEVER) {
		t->deadline = deadline;
		deadline_add(t);
	}
	if (t->wants_idle) {
		t->wants_idle = false;
		t->idle_since = clock_mono();
		TAILQ_INSERT_TAIL(&loop.idle, t, idle_link);
	}
	switch_to_main(t);
	return t->result;
}

static void
leave_idle(struct task *t)
{
	if (t->idle_since == 0)
		return;
	TAILQ_REMOVE(&loop.idle, t, idle_link);
	t->idle_since = 0;
}

void
task_ready(struct task *t, int result)
{
	if (!t->is_waiting)
		return;
	t->is_waiting = false;
	t->result = result;
	if (t->list != NULL)
		TAILQ_REMOVE(t->list, t, link);
	t->list = NULL;
	if (t->place != NULL)
		*t->place = NULL;
	t->place = NULL;
	deadline_del(t);
	leave_idle(t);
	TAILQ_INSERT_TAIL(&loop.ready, t, link);
}

void
task_cancel(struct task *t)
{
	t->is_cancelled = true;
	task_ready(t, -ECANCELED);
}

int
task_pause(struct task **place)
{
	return task_suspend(&loop.paused, place, CLOCK_NEVER);
}

bool
task_is_greedy(void)
{
	return loop.running != NULL && ++loop.running->greed > GREED_MAX;
}

int
task_yield(void)
{
	return task_pause(NULL);
}

int
task_sleep(int64_t deadline)
{
	int r = task_suspend(NULL, NULL, deadline);

	return r == -ETIMEDOUT ? 0 : r;
}

void
task_queue_init(struct task_queue *q)
{
	TAILQ_INIT(&q->waiting);
}

int
task_wait(struct task_queue *q, int64_t deadline)
{
	return task_suspend(&q->waiting, NULL, deadline);
}

bool
task_wake_one(struct task_queue *q)
{
	struct task *t = TAILQ_FIRST(&q->waiting);

	if (t == NULL)
		return false;
	task_ready(t, 0);
	return true;
}

void
task_wake_all(struct task_queue *q)
{
	while (task_wake_one(q))
		;
}

void
loop_done(void)
{
	assert(loop.running == NULL);
	TAILQ_INIT(&loop.ready);
	TAILQ_INIT(&loop.paused);
	TAILQ_INIT(&loop.idle);
	STAILQ_INIT(&loop.calls);
	loop.ntasks = 0;
	loop.is_stopping = false;
	loop.call = NULL;
	deadline_clear();
	stack_put_all();
	sig_reset();
	io_loop_done();
}

int
loop_init(void)
{
	int r;

	loop_done();
	clock_update();
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	r = overflow_watch();
	return r < 0 ? r : io_loop_init();
}

void
loop_stop(void)
{
	loop.is_stopping = true;
}

void
loop_at_turn_end(struct loop_call *c)
{
	if (c->is_due)
		return;
	c->is_due = true;
	STAILQ_INSERT_TAIL(&loop.calls, c, next);
}

/* Calls may ask for calls: those are of this turn too. */
static void
run_calls(void)
{
	struct loop_call *c;

	while ((c = STAILQ_FIRST(&loop.calls)) != NULL) {
		STAILQ_REMOVE_HEAD(&loop.calls, next);
		c->is_due = false;
		c->fn(c->arg);
	}
}

static void
run_turn(void)
{
	struct task *t;
	int left = TURN_MAX;

	do {
		while (left-- > 0 && (t = TAILQ_FIRST(&loop.ready)) != NULL) {
			TAILQ_REMOVE(&loop.ready, t, link);
			run_task(t);
		}
		run_calls();
	} while (left > 0 && !TAILQ_EMPTY(&loop.ready));
	while ((t = TAILQ_FIRST(&loop.paused)) != NULL)
		task_ready(t, 0);
}

/* When the loop has something to do even if nothing happens. */
static int64_t
next_deadline(void)
{
	const struct task *t = deadline_first();
	const struct task *idle = TAILQ_FIRST(&loop.idle);
	int64_t when = t == NULL ? CLOCK_NEVER : t->deadline;

	if (!TAILQ_EMPTY(&loop.ready))
		return 0;
	if (idle != NULL && idle->idle_since + 2 * IDLE_AFTER < when)
		return idle->idle_since + 2 * IDLE_AFTER;
	return when;
}

static void
end_waits(void)
{
	int64_t now = clock_mono();
	struct task *t;

	while ((t = deadline_first()) != NULL && t->deadline <= now)
		task_ready(t, -ETIMEDOUT);
	while ((t = TAILQ_FIRST(&loop.idle)) != NULL &&
	       t->idle_since + IDLE_AFTER <= now) {
		leave_idle(t);
		stack_trim(top_of(t), fiber_low(&t->fiber));
	}
}

void
loop_run(void)
{
	for (;;) {
		run_turn();
		if (loop.is_stopping || loop.ntasks == 0)
			break;
		io_loop_poll(next_deadline());
		end_waits();
	}
	loop.is_stopping = false;
}
