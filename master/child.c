/* SPDX-License-Identifier: ISC */
/*
 * child - a process of the suite, from its start to its end.
 *
 * A service has at most one process that is coming and one that is ready;
 * those that are leaving belong to no service any more.  A process that ends
 * before its time is started again: at once when it had lived a while, or was
 * ready and the one before it had; else after a delay that doubles up to a
 * minute.
 */
#include "master.h"

#include "base/control.h"
#include "base/file.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define START_TIME  (30 * CLOCK_SEC) /* to be ready */
#define LEAVE_TIME  (10 * CLOCK_SEC) /* when it is urgent */
#define KILL_TIME   (5 * CLOCK_SEC)  /* after its channel was closed */
#define LONG_LIFE   (1 * CLOCK_SEC)  /* ready, and not at once gone */
#define DELAY_FIRST (1 * CLOCK_SEC)
#define DELAY_MAX   (60 * CLOCK_SEC)

static void
delay_next(struct service *s, bool was_ready, int64_t lived)
{
	bool is_first = was_ready && !s->is_shaky;

	s->is_shaky = lived < LONG_LIFE;
	if (!s->is_shaky || is_first) {
		s->delay = 0;
	} else {
		s->delay = s->delay == 0 ? DELAY_FIRST : 2 * s->delay;
		if (s->delay > DELAY_MAX)
			s->delay = DELAY_MAX;
		log_warning(
		    "%s: bad command startup -- throttling", s->program->name);
	}
	s->start_at = clock_after(s->delay);
}

int
child_start(struct master *m, struct service *s)
{
	struct child *c = calloc(1, sizeof(*c));
	int control;

	if (c == NULL)
		log_fatal("out of memory for a process");
	c->pid = spawn_program(m, s, &control);
	if (c->pid < 0) {
		int r = c->pid;

		log_warning(
		    "cannot start %s: %s", s->program->name, strerror(-r));
		free(c);
		delay_next(s, false, 0);
		return r;
	}
	c->master = m;
	c->service = s;
	c->plan = plan_ref(s->plan);
	c->started = clock_mono();
	c->deadline = clock_after(START_TIME);
	c->control = chan_new(control, &control_protocol, &broker_events, c);
	s->coming = c;
	TAILQ_INSERT_TAIL(&m->children, c, next);
	broker_send_start(c);
	keeper_wake(m);
	return 0;
}

static void
leave_service(struct child *c)
{
	if (c->service->current == c)
		c->service->current = NULL;
	if (c->service->coming == c)
		c->service->coming = NULL;
}

void
child_leave(struct child *c, bool is_urgent)
{
	struct control_drain drain = {.reason = is_urgent};

	if (c->state == CHILD_LEAVING && (c->is_urgent || !is_urgent))
		return;
	leave_service(c);
	c->state = CHILD_LEAVING;
	c->is_urgent = is_urgent;
	c->deadline = is_urgent ? clock_after(LEAVE_TIME) : CLOCK_NEVER;
	if (c->control != NULL) {
		chan_send(c->control, CONTROL_DRAIN, 0, &drain, NULL, 0);
		c->asked++;
	}
	keeper_wake(c->master);
}

void
child_done(struct child *c)
{
	if (c->asked > 0 && --c->asked == 0)
		task_wake_all(&c->master->ended);
}

void
child_close(struct child *c)
{
	leave_service(c);
	broker_forget(c);
	c->state = CHILD_LEAVING;
	c->is_urgent = true;
	c->deadline = clock_after(KILL_TIME);
	chan_close(&c->control);
	keeper_wake(c->master);
}

void
child_kill(struct child *c)
{
	kill(c->pid, SIGKILL);
	child_close(c);
}

void
child_reconfigure(struct child *c, struct service *s)
{
	struct plan *old = c->plan;

	leave_service(c);
	c->plan = plan_ref(s->plan);
	plan_unref(&old);
	c->service = s;
	s->current = c;
	broker_send_config(c);
}

static void
log_end(const struct child *c, int status)
{
	const struct master *m = c->master;

	if (WIFSIGNALED(status))
		log_warning("process %s/%s pid %d killed by signal %d",
		    m->program_dir, c->service->program->name, (int)c->pid,
		    WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		log_warning("process %s/%s pid %d exit status %d",
		    m->program_dir, c->service->program->name, (int)c->pid,
		    WEXITSTATUS(status));
}

static void
end(struct child *c, int status)
{
	struct master *m = c->master;
	bool was_leaving = c->state == CHILD_LEAVING;
	bool was_ready = c->state == CHILD_READY;

	log_end(c, status);
	/* A tool has gone, or what it had to do with the queue. */
	if (m->tool_fd >= 0 && c->service->program->turn == TURN_QUEUE)
		stop_begin(m, status == 0 ? 0 : 1);
	if (!was_leaving && !m->is_stopping)
		delay_next(c->service, was_ready,
		    was_ready ? clock_mono() - c->started : 0);
	leave_service(c);
	broker_forget(c);
	chan_close(&c->control);
	TAILQ_REMOVE(&m->children, c, next);
	plan_unref(&c->plan);
	free(c);
	task_wake_all(&m->ended);
	keeper_wake(m);
}

static struct child *
find_child(struct master *m, pid_t pid)
{
	struct child *c;

	TAILQ_FOREACH (c, &m->children, next)
		if (c->pid == pid)
			return c;
	return NULL;
}

void
child_reap(struct master *m)
{
	int status;
	pid_t pid;

	/* As process 1 we get others' orphans as well. */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *c = find_child(m, pid);

		if (c != NULL)
			end(c, status);
	}
}
