/* SPDX-License-Identifier: ISC */
/*
 * command - runs users' commands.  The message is whole before one begins; then
 * one task reads what comes out, and one waits for the end, by a descriptor of
 * the process (pidfd); one deadline holds for all of it.  Of one recipient only
 * so many run at a time (local_destination_concurrency_limit).
 */
#include "command.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/task.h"
#include "exec.h"
#include "mail/addr.h"
#include "mail/bounds.h"
#include "status.h"
#include "text.h"
#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* As much as anybody may make a pipe hold (fs.pipe-max-size), and what it may
 * lose of that: the rest of a page at each write. */
#define PIPE_MAX  (1024 * 1024)
#define PIPE_LOSS (8 * 4096)
#define FROM_MAX  (2 * ADDR_MAX + 64)

/* How long one that was killed may take to be gone. */
#define DEATH_TIME (10 * CLOCK_SEC)

struct run {
	TAILQ_ENTRY(run) link;
	struct buf recipient; /* d's, who may be gone before this is */
	struct delivery *d;
	pid_t pid;
	struct io output, process; /* our ends */
	int64_t deadline;
	struct buf text; /* the first of what it printed */
	bool is_drained;
	struct task_queue drained; /* where that is waited for */
};

static const struct settings *settings;
static TAILQ_HEAD(, run) runs;
static struct delivery_list waiting; /* for one of its recipient to end */

/* ---- the message in, the output out ---- */

static int
put_message(int fd, const struct job *job)
{
	BUF_CLEANUP struct buf head = {0};
	struct str view = STR_NONE;
	int e;

	buf_init(&head, BOUND_HEADER + FROM_MAX);
	text_add_from_line(job, &head);
	buf_add_str(&head, job->d->header);
	e = fd_write_all(fd, head.p, head.len);
	for (size_t at = 0; e == 0; at += view.len) {
		e = content_view(job->content, at, &view);
		if (e < 0 || view.len == 0)
			break;
		e = fd_write_all(fd, view.p, view.len);
	}
	return e;
}

/* All of it in a pipe, that its writer has left; -EAGAIN: it has no room. */
static int
make_pipe(const struct job *job)
{
	size_t size = job_size(job) + FROM_MAX + PIPE_LOSS;
	int ends[2], e = 0;

	if (size > PIPE_MAX)
		return -EAGAIN;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	if (fcntl(ends[1], F_SETPIPE_SZ, (int)size) < 0)
		e = -errno;
	if (e == 0)
		e = fd_nonblock(ends[1]);
	if (e == 0)
		e = put_message(ends[1], job);
	fd_close(&ends[1]);
	if (e < 0)
		fd_close(&ends[0]);
	return e < 0 ? e : ends[0];
}

/* A file that nobody can change. */
static int
make_file(const struct job *job)
{
	const int seals =
	    F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	int fd = memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int e;

	if (fd < 0)
		return -errno;
	e = put_message(fd, job);
	if (e == 0 &&
	    (fcntl(fd, F_ADD_SEALS, seals) < 0 || lseek(fd, 0, SEEK_SET) < 0))
		e = -errno;
	if (e < 0)
		fd_close(&fd);
	return e < 0 ? e : fd;
}

/*
 * The whole message: were it written while the command reads, and we ended, it
 * would take what it had read by then for all of it.  There are programs that
 * take only a pipe for their input, those with an event loop say.
 */
static int
make_input(const struct job *job)
{
	int fd = make_pipe(job);

	return fd < 0 ? make_file(job) : fd;
}

/* As text: a NUL would end it. */
static void
keep_output(struct run *r, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n && r->text.len < r->text.max; i++)
		buf_add_char(&r->text, bytes[i] == '\0' ? ' ' : bytes[i]);
}

static void
drain(void *arg)
{
	struct run *r = arg;
	char bytes[4096];
	ssize_t n;

	while ((n = io_read(&r->output, bytes, sizeof(bytes), CLOCK_NEVER)) > 0)
		keep_output(r, bytes, (size_t)n);
	r->is_drained = true;
	task_wake_all(&r->drained);
}

/* What was printed before the end; a process left behind in the background
 * may hold the pipe for longer. */
static void
drain_rest(struct run *r)
{
	char bytes[4096];
	ssize_t n;

	while (r->text.len < r->text.max &&
	       (n = read(r->output.fd, bytes, sizeof(bytes))) > 0)
		keep_output(r, bytes, (size_t)n);
}

/* ---- the process ---- */

/* The session that it leads, with all in it; or itself, if it has not come
 * to lead one. */
static void
kill_session(pid_t pid)
{
	if (kill(-pid, SIGKILL) < 0)
		kill(pid, SIGKILL);
}

/* Waits for the end: 0, or -ETIMEDOUT after all of it was killed. */
static int
wait_for_end(struct run *r, int *ret_status)
{
	int e = io_wait_read(&r->process, r->deadline);

	if (e < 0) {
		kill_session(r->pid);
		io_wait_read(&r->process, clock_after(DEATH_TIME));
	}
	if (waitpid(r->pid, ret_status, WNOHANG) != r->pid && e == 0)
		e = -ECHILD;
	return e;
}

static void
tell(struct run *r, int e, int status)
{
	if (e == 0)
		status_tell(r->d, status, buf_str(&r->text));
	else
		delivery_failed(r->d, "4.3.0",
		    "Command time limit exceeded: \"%.*s\"%s%.*s",
		    STR_ARG(r->d->action->path),
		    r->text.len == 0 ? "" : ". Command output: ",
		    STR_ARG(str_trim(buf_str(&r->text))));
}

static void
attend(struct run *r)
{
	int status = 0, e;

	task_queue_init(&r->drained);
	task_start(drain, r);
	e = wait_for_end(r, &status);
	if (!r->is_drained)
		drain_rest(r);
	io_done(&r->output);
	while (!r->is_drained)
		task_wait(&r->drained, CLOCK_NEVER);
	tell(r, e, status);
}

/* `in` and `out[1]` are the command's, out[0] is ours: 0 or -errno. */
static int
open_ends(const struct run *r, int *in, int out[2])
{
	*in = make_input(r->d->job);
	if (*in < 0)
		return *in;
	return pipe2(out, O_CLOEXEC) < 0 ? -errno : fd_nonblock(out[0]);
}

static int
start(struct run *r, int *in, int out[2])
{
	int e = open_ends(r, in, out), fd;

	if (e < 0)
		return e;
	r->pid = fork();
	if (r->pid < 0)
		return -errno;
	if (r->pid == 0)
		exec_command(r->d, settings, *in, out[1]);
	fd = pidfd_open(r->pid, PIDFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	e = io_init(&r->process, fd);
	if (e == 0)
		e = io_init(&r->output, out[0]);
	if (e == 0)
		out[0] = -1;
	return e;
}

static void
give_up(struct run *r, int e)
{
	if (r->pid > 0) {
		kill_session(r->pid);
		waitpid(r->pid, NULL, 0);
	}
	io_done(&r->output);
	delivery_failed(
	    r->d, "4.3.0", "cannot run the command: %s", strerror(-e));
}

static void
run_command(struct run *r)
{
	uint64_t limit = r->d->action->time_limit;
	int in = -1, out[2] = {-1, -1}, e;

	clock_update();
	r->deadline = clock_after(limit > 0 ? (int64_t)limit * CLOCK_SEC
					    : settings->command_time_limit);
	e = start(r, &in, out);
	fd_close(&in);
	fd_close(&out[0]);
	fd_close(&out[1]);
	if (e == 0)
		attend(r);
	else
		give_up(r, e);
	io_done(&r->process);
}

/* ---- how many at a time ---- */

/* Whose commands are counted together: the extension does not matter. */
static struct str
recipient_of(const struct delivery *d)
{
	struct str local, user, rest;

	str_cut(d->recipient->address, '@', &local, &rest);
	addr_split_ext(local, str_c(settings->delimiters), &user, &rest);
	return user;
}

static bool
has_room(const struct delivery *d)
{
	struct str recipient = recipient_of(d);
	const struct run *r;
	size_t n = 0;

	TAILQ_FOREACH (r, &runs, link)
		n += str_eq_case(buf_str(&r->recipient), recipient);
	return settings->commands_max == 0 || n < settings->commands_max;
}

static void run_and_go_on(void *arg);

static void
begin(struct delivery *d)
{
	struct str recipient = recipient_of(d);
	struct run *r = calloc(1, sizeof(*r));

	if (r == NULL)
		log_fatal("out of memory for a command");
	r->d = d;
	r->pid = -1;
	r->output.fd = r->process.fd = -1;
	buf_init(&r->text, STATUS_OUTPUT_MAX);
	buf_init(&r->recipient, recipient.len + 1);
	buf_add_str(&r->recipient, recipient);
	TAILQ_INSERT_TAIL(&runs, r, link);
	task_start(run_and_go_on, r);
}

static void
run_and_go_on(void *arg)
{
	struct delivery *d, *next;
	struct run *r = arg;

	run_command(r);
	TAILQ_REMOVE(&runs, r, link);
	buf_done(&r->recipient);
	buf_done(&r->text);
	free(r);
	TAILQ_FOREACH_SAFE (d, &waiting, next, next) {
		if (!has_room(d))
			continue;
		TAILQ_REMOVE(&waiting, d, next);
		begin(d);
	}
}

static void
take(struct delivery *d)
{
	if (d->action->kind != ACTION_COMMAND)
		delivery_failed(d, "4.3.5", "this is no command to be run");
	else if (has_room(d))
		begin(d);
	else
		TAILQ_INSERT_TAIL(&waiting, d, next);
}

static void
leave(void)
{
	delivery_drop(&waiting);
}

void
command_run(const struct settings *s, int fd)
{
	settings = s;
	TAILQ_INIT(&runs);
	TAILQ_INIT(&waiting);
	work_run(fd, take, leave);
}
