/* SPDX-License-Identifier: ISC */
/* spawn - the broker of children.  Owns the count of those that live, and the
 * conversation with the flusher, which is one. */
#include "spawn.h"

#include "base/file.h"
#include "base/log.h"
#include "base/task.h"
#include "child.h"
#include "flusher.h"
#include "mail/proto/spawn.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
	const struct settings *settings;
	bool is_root_suite;
	unsigned children;
	struct chan *flusher; /* NULL: none */
} broker;

static void
reap(int signo, void *arg)
{
	(void)signo;
	(void)arg;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		broker.children--;
}

int
spawn_init(const struct settings *settings, bool is_root_suite)
{
	int r = child_init();

	if (r < 0)
		return r;
	broker.settings = settings;
	broker.is_root_suite = is_root_suite;
	broker.children = 0;
	broker.flusher = NULL;
	return loop_signal(SIGCHLD, reap, NULL);
}

/*
 * SECURITY: never root, nor a path that is not one.  That no uid below the
 * site's lowest is taken is checked by the kernel (seccomp); this says so
 * before a process is made.
 */
static int
check_ask(const struct spawn_ask *ask)
{
	bool wants_root = ask->role != SPAWN_COMMAND;

	if (ask->role < SPAWN_DELIVER || ask->role > SPAWN_READER)
		return -EINVAL;
	if (wants_root && !str_has_prefix(ask->root, STR("/")))
		return -EINVAL;
	if (broker.is_root_suite)
		return ask->uid == 0 || ask->gid == 0 ? -EPERM : 0;
	/* SECURITY: without root there is one user, whoever is asked for. */
	return ask->uid != geteuid() ? -EPERM : 0;
}

struct forking {
	struct child child;
	pid_t pid; /* or -errno */
};

/* On the main stack, where the child then runs a loop of its own. */
static void
fork_child(void *arg)
{
	struct forking *f = arg;

	f->pid = fork();
	if (f->pid == 0)
		child_run(&f->child);
	if (f->pid < 0)
		f->pid = -errno;
}

/* ---- the flusher ---- */

struct forking_flusher {
	int fd;
	pid_t pid;
};

static void
fork_flusher(void *arg)
{
	struct forking_flusher *f = arg;

	f->pid = fork();
	if (f->pid == 0)
		child_run_flusher(f->fd, broker.is_root_suite);
}

/* With the last child: the next one has another made. */
static void
flusher_left(struct chan *c, const char *why, void *arg)
{
	(void)c;
	(void)why;
	(void)arg;
	chan_close(&broker.flusher);
}

static void
start_flusher(void)
{
	static const struct chan_events events = {.on_close = flusher_left};
	struct forking_flusher f;
	int ends[2];

	if (chan_pair(ends) < 0)
		return;
	f.fd = ends[1];
	task_on_main_stack(fork_flusher, &f);
	close(ends[1]);
	if (f.pid < 0) {
		log_warning("no process to flush: %s", strerror(errno));
		close(ends[0]);
		return;
	}
	broker.children++;
	broker.flusher = chan_new(ends[0], &flush_protocol, &events, NULL);
}

/* A child's end of a conversation with the flusher; -1: it flushes by itself.
 */
static int
link_flusher(void)
{
	const struct flush_parcel client = {0};
	int ends[2], r;

	if (broker.flusher == NULL)
		start_flusher();
	if (broker.flusher == NULL || chan_pair(ends) < 0)
		return -1;
	r = chan_send(broker.flusher, FLUSH_CLIENT, 0, &client, &ends[0], 1);
	close(ends[0]);
	if (r == 0)
		return ends[1];
	close(ends[1]);
	return -1;
}

/* The other end, or -errno. */
static int
start_child(const struct spawn_ask *ask)
{
	struct forking f = {
	    .child = {.settings = broker.settings,
		.ask = ask,
		.is_root_suite = broker.is_root_suite},
	};
	int ends[2], r = check_ask(ask);

	if (r < 0)
		return r;
	if (broker.children >= SPAWN_MAX)
		return -EAGAIN;
	r = chan_pair(ends);
	if (r < 0)
		return r;
	f.child.fd = ends[1];
	f.child.flusher_fd = ask->role == SPAWN_DELIVER ? link_flusher() : -1;
	task_on_main_stack(fork_child, &f);
	close(ends[1]);
	fd_close(&f.child.flusher_fd);
	if (f.pid < 0) {
		close(ends[0]);
		return (int)f.pid;
	}
	broker.children++;
	return ends[0];
}

static void
take_parcel(struct chan *c, struct parcel *p, void *arg)
{
	struct spawn_given given = {0};
	int fd;

	(void)arg;
	if (p->kind != SPAWN_ASK)
		return;
	fd = start_child(p->value);
	given.error = fd < 0 ? (uint64_t)-fd : 0;
	if (fd < 0 && fd != -EAGAIN)
		log_warning("no child for user %llu: %s",
		    (unsigned long long)((const struct spawn_ask *)p->value)
			->uid,
		    strerror(-fd));
	chan_send(c, SPAWN_GIVEN, p->exchange, &given, &fd, fd < 0 ? 0 : 1);
	if (fd >= 0)
		close(fd);
}

static void
close_chan(struct chan *c, const char *why, void *arg)
{
	(void)arg;
	if (*why != '\0')
		log_warning("a client's conversation ended: %s", why);
	chan_close(&c);
}

void
spawn_serve(int fd)
{
	static const struct chan_events events = {take_parcel, close_chan};

	chan_new(fd, &spawn_protocol, &events, NULL);
}
