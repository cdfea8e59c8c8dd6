/* SPDX-License-Identifier: ISC */
/*
 * task_impl - what the files of the loop share: task.c, deadline.c, io.c,
 * overflow.c, sig.c.  Nobody else includes this; what a program may use is in
 * task.h.
 */
#ifndef BASE_TASK_IMPL_H
#define BASE_TASK_IMPL_H

#include "base/fiber.h"
#include "base/task.h"

/* Lies at the top of its own stack. */
struct task {
	const char *name;
	void (*fn)(void *);
	void *arg;
	struct fiber fiber;
	void *fake_stack;       /* AddressSanitizer's */
	TAILQ_ENTRY(task) link; /* in the ready ones, or in `list` */

	/* What it waits for; all empty while it runs or is ready. */
	struct task_list *list; /* that of a queue */
	struct task **place;    /* an io's reader or writer */
	int64_t deadline;
	size_t heap_at; /* in the heap of deadlines; 0: not there */
	TAILQ_ENTRY(task) idle_link;
	int64_t idle_since; /* 0: not among the idle */
	bool is_waiting;

	int result; /* of the wait that ended */
	bool is_cancelled;
	bool wants_idle;
	unsigned greed; /* io done since it last waited */
};

/*
 * Wait, in the list (NULL: none), with *place (NULL: none) naming the task,
 * until task_ready(): its result.  At once -ECANCELED or -ETIMEDOUT when it
 * is that already.  The list and the place are left before this returns, so
 * after an error they need not be there any more.
 */
int task_suspend(struct task_list *list, struct task **place, int64_t deadline);
int task_pause(struct task **place); /* until the others have run */
bool task_is_greedy(void);           /* asked at each io: whether to pause */

/* End the wait of `t`; nothing if it does not wait. */
void task_ready(struct task *t, int result);

/* The task whose stack has this top; for the overflow handler. */
const char *task_name_by_top(char *top);

/* deadline.c: the tasks that wait for a time, the soonest first. */
void deadline_add(struct task *t);
void deadline_del(struct task *t); /* nothing if it is not there */
struct task *deadline_first(void); /* NULL: none */
void deadline_clear(void);

/* io.c: the epoll descriptor. */
int io_loop_init(void);
void io_loop_done(void);
void io_loop_poll(int64_t deadline); /* CLOCK_NEVER: as long as it takes */

/* sig.c */
void sig_reset(void); /* in a forked child: no signal is watched */

/* overflow.c: from now on a stack overflow says whose it was. */
int overflow_watch(void);

#endif
