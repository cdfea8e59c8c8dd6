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

/* What a task has for its frames, in address space. */
#if defined(__SANITIZE_ADDRESS__)
#define TASK_STACK (1024 * 1024)
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TASK_STACK (1024 * 1024)
#endif
#endif
#ifndef TASK_STACK
#define TASK_STACK (256 * 1024)
#endif

struct task;

/*
 * Once a process, before any task: 0 or -errno.  SIGPIPE is ignored from here
 * on, which execve() passes on: undo it there.
 *
 * A forked child calls it again, on the main stack: the tasks and descriptors
 * of its parent are none of its business.  One that closes or moves
 * descriptors by number calls loop_done() first, and loop_init() after.
 */
int loop_init(void);
void loop_done(void);
void loop_run(void); /* until loop_stop(), or until no task is left */
void loop_stop(void);

/*
 * fn is called in a task, which may wait, for each time the signal was seen
 * (signals of a kind that come close together are one).  Blocks the signal,
 * which fork() and execve() pass on.  0 or -errno.
 */
int loop_signal(int signo, void (*fn)(int signo, void *arg), void *arg);

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

/*
 * Runs in this turn or the next.  The handle is good until the task returns
 * from fn.  The function's name is what is said of the task when it overflows
 * its stack.
 */
#define task_start(fn, arg) task_start_as(#fn, (fn), (arg))
struct task *task_start_as(const char *name, void (*fn)(void *), void *arg);
struct task *task_self(void); /* NULL on the main stack */
void task_cancel(struct task *t);
bool task_is_cancelled(void); /* the running one */
size_t task_count(void);

int task_yield(void);             /* let all that are ready run once */
int task_sleep(int64_t deadline); /* -ETIMEDOUT never: 0 or -ECANCELED */
void task_on_main_stack(void (*fn)(void *), void *arg); /* may not wait */

/*
 * The next wait may be long: if it lasts half a second, the pages of the
 * stack that are not in use go back to the system.  Costs nothing otherwise.
 */
void task_idle(void);

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
 * io_init takes the descriptor, which is non-blocking already (SOCK_NONBLOCK,
 * fd_nonblock()); io_done closes it, and ends the waits of others on it with
 * -ECANCELED, after which they must not touch the io.
 *
 * Whoever makes the system calls himself (recvmmsg, a TLS library) clears
 * `readable` or `writable` when a call gave EAGAIN, and then waits:
 *
 *	while ((n = recvmsg(io->fd, &m, 0)) < 0 && errno == EAGAIN) {
 *		io->readable = false;
 *		r = io_wait_read(io, deadline);
 *		if (r < 0)
 *			return r;
 *	}
 *
 * A task that finds its descriptor ready time and again is made to let the
 * others run now and then, so any of these calls may wait.
 */
struct io {
	int fd;
	bool readable, writable; /* not yet seen empty / full */
	bool is_stream;  /* set it for a byte stream: a short read or write then
	                    says empty or full, without one more call for it */
	bool is_hung_up; /* the peer sends no more */
	bool is_lazy;    /* see io_init_lazy */
	uint32_t slot;
	struct task *reader, *writer;
};

int io_init(struct io *io, int fd); /* after an error it is the caller's */
/* Room to write is watched only while somebody waits for it: for a socket of
 * AF_UNIX, where every read by the peer would be told as new room. */
int io_init_lazy(struct io *io, int fd);
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
