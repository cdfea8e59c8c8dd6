/* SPDX-License-Identifier: ISC */
/*
 * children - mda's broker in the test's own process, and conversations with
 * the children it makes.  As root they are another user, else the caller.
 */
#ifndef T_MDA_CHILDREN_H
#define T_MDA_CHILDREN_H

#include "jobs.h"

#include "base/clock.h"
#include "base/task.h"
#include "mail/proto/spawn.h"
#include "spawn.h"

#include <sys/wait.h>

#define SOON clock_after(20 * CLOCK_SEC)

static struct settings settings = {
    .hostname = "mx.example",
    .delimiters = "+",
    .local_lock = {.fcntl = true,
	.dotlock = true,
	.attempts = 3,
	.delay = 20 * CLOCK_MS},
    .virtual_lock = {.fcntl = true, .attempts = 1},
    .command_time_limit = 20 * CLOCK_SEC,
};
static struct chan *broker;
static uid_t child_uid;
static gid_t child_gid;

static inline int
start_broker(void **state)
{
	bool is_root = geteuid() == 0;
	int ends[2];

	if (make_scratch(state) < 0 || loop_init() < 0 || chan_pair(ends) < 0)
		return -1;
	unsetenv("VALIJA_SANDBOX_KILL");
	child_uid = is_root ? 4711 : geteuid();
	child_gid = is_root ? 4712 : getegid();
	if (chown(scratch, child_uid, child_gid) < 0)
		return -1;
	if (spawn_init(&settings, is_root) < 0)
		return -1;
	spawn_serve(ends[0]);
	broker = chan_new(ends[1], &spawn_protocol, NULL, NULL);
	return 0;
}

/* Until all conversations have ended, on both sides: what is left is this
 * task and the watcher of signals. */
static inline void
settle(void *arg)
{
	int64_t deadline = SOON;

	(void)arg;
	while (task_count() > 2 && clock_mono() < deadline)
		task_sleep(clock_after(2 * CLOCK_MS));
	loop_stop();
}

static inline int
stop_broker(void **state)
{
	chan_close(&broker);
	task_start(settle, NULL);
	loop_run();
	if (task_count() > 1)
		return -1;
	/* Their conversations are closed: they end. */
	while (waitpid(-1, NULL, 0) > 0)
		;
	return drop_scratch(state);
}

static inline struct spawn_ask
make_ask(enum spawn_role role)
{
	return (struct spawn_ask){
	    .role = role,
	    .uid = child_uid,
	    .gid = child_gid,
	    .root = str_c(scratch),
	    .user = STR("joe"),
	};
}

/* In a task: a descriptor or -errno, as the broker said. */
static inline int
ask_child(const struct spawn_ask *ask)
{
	const struct spawn_given *given;
	struct parcel answer;
	int r;

	r = chan_call(broker, SPAWN_ASK, ask, NULL, 0, &answer, SOON);
	if (r < 0)
		return r;
	given = answer.value;
	r = given->error != 0 ? -(int)given->error : parcel_take_fd(&answer, 0);
	parcel_done(&answer);
	return r;
}

/* In a task: the outcomes into told[]; 0 or -errno. */
static inline int
give_job(struct chan *c, const struct want *w)
{
	struct content *content = make_content(w->content);
	struct parcel answer;
	struct job_deliver *d;
	struct arena a;
	const int *fds;
	size_t nfds;
	int r;

	arena_init(&a, 1 << 20);
	d = make_deliver(w, &a);
	content_wire_of(content, &d->content, &fds, &nfds);
	r = chan_call(c, JOB_DELIVER, d, fds, nfds, &answer, SOON);
	if (r == 0)
		note_done(answer.exchange, answer.value);
	if (r == 0)
		parcel_done(&answer);
	content_unref(&content);
	arena_done(&a);
	return r;
}

/* In a task: a child of the role, given one job and let go. */
static inline int
give_one(enum spawn_role role, const struct want *w)
{
	struct spawn_ask ask = make_ask(role);
	int fd = ask_child(&ask), r;
	struct chan *c;

	if (fd < 0)
		return fd;
	c = chan_new(fd, &job_protocol, NULL, NULL);
	r = give_job(c, w);
	chan_close(&c);
	return r;
}

static int run_result;

/* Run fn as a task until it ends the loop. */
static inline void
run_task(void (*fn)(void *), const void *arg)
{
	run_result = -1;
	task_start(fn, (void *)(uintptr_t)arg);
	loop_run();
}

#endif
