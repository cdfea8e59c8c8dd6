/* SPDX-License-Identifier: ISC */
/*
 * task - straight-line code that waits while thousands of others wait.
 *
 * A task is a coroutine on its process's one event loop (epoll).  It runs
 * until it waits for a descriptor, a time, or another task; then the next
 * one runs.  Nothing pre-empts it, so between two waits it has the process
 * to itself: no locks.  What may wait says so here; everything else does not.
 *
 * Deadlines are absolute, of clock_mono(), CLOCK_NEVER for none.  A wait
 * ends with 0, -ETIMEDOUT at its deadline, or -ECANCELED once task_cancel()
 * was called for the task (then every further wait ends so at once, so that
 * the task runs to its end through its ordinary error paths).
 *
 * Stacks are TASK_STACK bytes of address space in slabs, a guard page below
 * each; only what was touched is resident, and a task that waits for long
 * (task_idle) gives its pages back.  What is deep (regular expressions,
 * password hashes) runs on the main stack by task_on_main_stack().
 *
 *	static void
 *	serve_one(void *arg)
 *	{
 *		struct session *s = arg;
 *		while (io_read(&s->io, ...) > 0)
 *			...
 *		session_free(&s);
 *	}
 *	...
 *	task_start(serve_one, session);
 *	loop_run();
 */
#ifndef BASE_TASK_H
#define BASE_TASK_H

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/types.h>

#define TASK_STACK (256 * 1024) /* 1 MiB under a sanitizer */

struct task;

int loop_init(void); /* once a process, before any task; 0 or -errno */
void loop_run(void); /* until loop_stop(); returns on the main stack */
void loop_stop(void);

/*
 * A call at the end of the turn: on the main stack, after all tasks that are
 * ready (those woken by others in the turn included) have run, before the
 * kernel is asked for more, and before loop_run returns.  May start and wake
 * tasks, may not wait.  Asking again while one is due changes nothing.
 */
struct loop_call {
	void (*fn)(void *);
	void *arg;
	bool is_due;
	STAILQ_ENTRY(loop_call) next;
};
void loop_at_turn_end(struct loop_call *c);

struct task *task_start(void (*fn)(void *), void *arg); /* runs next turn */
struct task *task_self(void); /* NULL on the main stack */
void task_cancel(struct task *t);
bool task_is_cancelled(void); /* the running one */
size_t task_count(void);

int task_yield(void);		  /* let all that are ready run once */
int task_sleep(int64_t deadline); /* -ETIMEDOUT never: 0 or -ECANCELED */
void task_on_main_stack(void (*fn)(void *), void *arg); /* may not wait */
void task_idle(void); /* the next wait may be long: give stack pages back */

/*
 * A place where tasks wait for something that another task brings about.
 * Woken in the order they came; a woken task runs in the same or the next
 * turn, so it looks again at what it waited for.
 */
TAILQ_HEAD(task_list, task);
struct task_queue {
	struct task_list waiting;
};
#define TASK_QUEUE_INIT(q)                                                     \
	{                                                                      \
		TAILQ_HEAD_INITIALIZER((q).waiting)                            \
	}

void task_queue_init(struct task_queue *q);
int task_wait(struct task_queue *q, int64_t deadline);
bool task_wake_one(struct task_queue *q); /* false: nobody was waiting */
void task_wake_all(struct task_queue *q);

/*
 * io - a descriptor that tasks wait on: non-blocking, registered once, edge
 * triggered, so that a wait costs no system call of its own and the kernel
 * is asked for readiness only when a read or write came back empty.  At most
 * one task reads and one writes at a time.
 *
 * io_init takes the descriptor; io_done closes it, and ends the waits of
 * others on it with -ECANCELED.
 */
struct io {
	int fd;
	bool readable, writable; /* not yet seen empty / full */
	struct task *reader, *writer;
};

int io_init(struct io *io, int fd);
void io_done(struct io *io); /* safe on fd -1 */

int io_wait_read(struct io *io, int64_t deadline);
int io_wait_write(struct io *io, int64_t deadline);

/* As read(2) and write(2), waiting: bytes, 0 at the end, or -errno. */
ssize_t io_read(struct io *io, void *bytes, size_t n, int64_t deadline);
ssize_t io_write(struct io *io, const void *bytes, size_t n, int64_t deadline);
int io_write_all(struct io *io, const void *bytes, size_t n, int64_t deadline);

/* A connected descriptor (non-blocking, close-on-exec) or -errno. */
int io_accept(
    struct io *io, struct sockaddr_storage *ret_peer, int64_t deadline);
int io_connect(
    struct io *io, const struct sockaddr *to, socklen_t len, int64_t deadline);

#endif
