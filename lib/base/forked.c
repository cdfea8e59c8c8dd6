/* SPDX-License-Identifier: ISC */
/* forked - a child, a pipe, a byte. */
#include "base/forked.h"

#include "base/file.h"
#include "base/task.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct job {
	uint8_t (*fn)(void *arg);
	void *arg;
	int fd; /* to say it on */
	pid_t pid;
};

static void
start(void *arg)
{
	struct job *j = arg;
	uint8_t byte;

	j->pid = fork();
	if (j->pid < 0)
		j->pid = -errno;
	if (j->pid != 0)
		return;
	byte = j->fn(j->arg);
	_exit(write(j->fd, &byte, 1) == 1 ? 0 : 1);
}

/* It has closed its pipe, or is killed: there is nothing to wait for. */
static void
reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int
forked_run(uint8_t (*fn)(void *arg), void *arg, int64_t deadline)
{
	struct job j = {.fn = fn, .arg = arg};
	int ends[2], r;
	uint8_t byte;
	struct io io;
	ssize_t n;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	r = io_init(&io, ends[0]);
	if (r < 0) {
		close(ends[0]);
		close(ends[1]);
		return r;
	}
	j.fd = ends[1];
	task_on_main_stack(start, &j);
	close(ends[1]);
	n = j.pid < 0 ? j.pid : io_read(&io, &byte, 1, deadline);
	io_done(&io);
	if (j.pid < 0)
		return (int)n;
	/* One that has answered has nothing left to do. */
	kill(j.pid, SIGKILL);
	reap(j.pid);
	return n == 1 ? byte : n == 0 ? -EPIPE : (int)n;
}
