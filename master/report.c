/* SPDX-License-Identifier: ISC */
/* report - what `valija` asks of master: status, reload, stop. */
#include "master.h"

#include "base/file.h"
#include "mail/proto/report.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VISITORS_MAX 20

/* One conversation; it stays while a task of it runs. */
struct visitor {
	struct master *master;
	struct chan *chan; /* NULL: gone */
	uint32_t exchange;
	unsigned refs;
};

static size_t visitors;

static void
release(struct visitor *v)
{
	if (--v->refs > 0)
		return;
	visitors--;
	free(v);
}

static void
answer(struct visitor *v, enum report_kind kind, const void *value)
{
	if (v->chan != NULL)
		chan_send(v->chan, kind, v->exchange, value, NULL, 0);
}

static void
answer_done(struct visitor *v, int error)
{
	struct report_done done = {.error = (uint64_t)-error};

	answer(v, REPORT_DONE, &done);
}

static void
answer_note(struct visitor *v, const char *text)
{
	struct report_note note = {str_c(text)};

	answer(v, REPORT_NOTE, &note);
}

static uid_t
uid_of(const struct child *c)
{
	uid_t uid;
	gid_t gid;

	if (c->master->is_root &&
	    who_find(c->service->program, &uid, &gid) == 0)
		return uid;
	return geteuid();
}

static void
answer_process(struct visitor *v, const struct child *c)
{
	static const enum report_state states[] = {
	    [CHILD_STARTING] = REPORT_STARTING,
	    [CHILD_READY] = REPORT_READY,
	    [CHILD_LEAVING] = REPORT_LEAVING,
	};
	struct report_process p = {
	    .program = str_c(c->service->program->name),
	    .service = c->service->name,
	    .pid = (uint64_t)c->pid,
	    .uid = uid_of(c),
	    .generation = c->plan->generation,
	    .state = states[c->state],
	    .seconds = (uint64_t)((clock_mono() - c->started) / CLOCK_SEC),
	    .text = str_c(c->text),
	};

	answer(v, REPORT_PROCESS, &p);
}

static void
answer_status(struct visitor *v)
{
	const struct master *m = v->master;
	int abi = sandbox_landlock_abi();
	const struct child *c;

	TAILQ_FOREACH (c, &m->children, next)
		answer_process(v, c);
	if (!m->is_root)
		answer_note(v,
		    "all programs run as one user: that each owns its own "
		    "things alone rests on Landlock, not on users");
	if (abi == 0)
		answer_note(v,
		    "this kernel has no Landlock: files are held by users, "
		    "modes and chroot alone");
	else if (abi < SANDBOX_LANDLOCK_HOPED)
		answer_note(
		    v, "this kernel's Landlock is older than hoped for");
	answer_done(v, 0);
}

static void
answer_remark(void *arg, const struct conf_remark *r)
{
	struct report_remark remark = {
	    .severity = r->severity,
	    .file = r->file,
	    .line = r->line,
	    .text = r->text,
	};

	answer(arg, REPORT_REMARK, &remark);
}

static void
reload_for(void *arg)
{
	struct visitor *v = arg;

	answer_done(v, reload_run(v->master, answer_remark, v));
	release(v);
}

static void
tell_for(void *arg)
{
	struct visitor *v = arg;

	answer_done(v, tables_tell(v->master));
	release(v);
}

static void
take_parcel(struct chan *c, struct parcel *p, void *arg)
{
	struct visitor *v = arg;

	(void)c;
	v->exchange = p->exchange;
	switch (p->kind) {
	case REPORT_STATUS:
		answer_status(v);
		return;
	case REPORT_RELOAD:
		v->refs++;
		task_start(reload_for, v);
		return;
	case REPORT_TABLES:
		v->refs++;
		task_start(tell_for, v);
		return;
	case REPORT_STOP:
		/* What log readers know a stop by. */
		log_info("terminating on signal %d", SIGTERM);
		stop_begin(v->master, 0);
		return;
	}
}

static void
leave(struct chan *c, const char *why, void *arg)
{
	struct visitor *v = arg;

	(void)c;
	(void)why;
	chan_close(&v->chan);
	release(v);
}

static void
welcome(struct master *m, int fd)
{
	static const struct chan_events events = {take_parcel, leave};
	struct visitor *v;
	uid_t uid = (uid_t)-1;
	gid_t gid;

	if (visitors >= VISITORS_MAX) {
		close(fd);
		return;
	}
	v = calloc(1, sizeof(*v));
	if (v == NULL)
		log_fatal("out of memory for a visitor");
	*v = (struct visitor){.master = m, .refs = 1};
	visitors++;
	v->chan = chan_new(fd, &report_protocol, &events, v);
	/* SECURITY: the directory's mode keeps others out; so do we. */
	if (chan_peer_uid(v->chan, &uid, &gid) == 0 &&
	    (uid == 0 || uid == geteuid()))
		return;
	chan_close(&v->chan);
	release(v);
}

static void
accept_visitors(void *arg)
{
	struct master *m = arg;
	struct sockaddr_storage peer;
	struct io io;
	int fd = fcntl(listeners_socket("master"), F_DUPFD_CLOEXEC, 0);
	int r = fd < 0 ? -errno : io_init(&io, fd);

	while (r >= 0) {
		r = io_accept(&io, &peer, CLOCK_NEVER);
		if (r >= 0)
			welcome(m, r);
		else if (r != -ECANCELED)
			r = task_sleep(clock_after(CLOCK_SEC));
	}
}

int
report_open(struct master *m)
{
	int r = listeners_open_sockets(m);

	if (r == 0)
		task_start(accept_visitors, m);
	return r;
}

/* The terminal of who started us is none of ours. */
static void
leave_terminal(struct master *m)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
	}
	fd_close(&null);
	m->is_behind = true;
	target_take_stderr(m);
}

void
report_up(struct master *m, bool ok)
{
	char answer_byte = ok ? '0' : '1';

	if (!m->is_foreground)
		leave_terminal(m);
	if (m->report_fd < 0)
		return;
	if (write(m->report_fd, &answer_byte, 1) != 1)
		log_warning("who started us is gone");
	fd_close(&m->report_fd);
}
