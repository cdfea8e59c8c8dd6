/* SPDX-License-Identifier: ISC */
/* spawn - fork and exec of one program, which then makes itself small. */
#include "master.h"

#include "base/control.h"
#include "base/file.h"
#include "base/serve_args.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARGS_MAX  (32 + 2 * (SANDBOX_GROUPS + PROGRAMS))
#define WORDS_MAX 4096
#define FDS_MAX   8 /* what goes along, from CONTROL_FD on */

struct command {
	char *argv[ARGS_MAX];
	int argc;
	char words[WORDS_MAX]; /* of the argv */
	size_t used;
	int fds[FDS_MAX];
	int nfds;
};

static void add_word(struct command *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
add_word(struct command *c, const char *fmt, ...)
{
	size_t room = sizeof(c->words) - c->used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(c->words + c->used, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room || c->argc == ARGS_MAX - 1)
		log_fatal("the arguments of a program are too long");
	c->argv[c->argc++] = c->words + c->used;
	c->used += (size_t)n + 1;
}

static void
add_option(struct command *c, const char *option, unsigned value)
{
	add_word(c, "%s", option);
	add_word(c, "%u", value);
}

/* SECURITY: what may become any user must not become one of ours. */
static void
add_refused(struct command *c)
{
	uid_t uid;
	gid_t gid;

	for (size_t i = 0; i < PROGRAMS; i++)
		if (who_find(&programs[i], &uid, &gid) == 0)
			add_option(c, "-x", uid);
}

static void
add_identity(struct command *c, const struct sandbox_identity *who)
{
	if (!who->switch_user)
		return;
	add_option(c, "-u", who->uid);
	add_option(c, "-g", who->gid);
	for (size_t i = 0; i < who->ngroups; i++)
		add_option(c, "-G", who->groups[i]);
	if (who->keep_caps == 0)
		return;
	add_option(c, "-k", who->keep_caps);
	if ((who->keep_caps & 1u << CAP_SETUID) == 0)
		return;
	add_option(c, "-m", who->min_uid);
	add_refused(c);
}

static void
add_root(struct command *c, const struct master *m, const struct service *s)
{
	static const char *const below[] = {
	    [ROOT_EMPTY] = "/empty",
	    [ROOT_QUEUE] = "",
	    [ROOT_MAILDROP] = "/maildrop",
	};

	if (!m->is_root || s->program->root == ROOT_ALL)
		return;
	add_word(c, "-r");
	add_word(
	    c, "%.*s%s", STR_ARG(m->queue_directory), below[s->program->root]);
}

static void
add_dir(struct command *c, const struct master *m, const struct service *s)
{
	if (s->program->dir == NULL)
		return;
	add_word(c, "-d");
	add_word(c, "%s", s->program->dir);
	c->fds[c->nfds++] =
	    s->program->root == ROOT_QUEUE ? m->queue_fd : m->maildrop_fd;
}

/*
 * Put fds[i] at CONTROL_FD + i.  First out of the way of each other, then in
 * place, where they survive the exec.
 */
static int
place_fds(struct command *c)
{
	for (int i = 0; i < c->nfds; i++) {
		c->fds[i] =
		    fcntl(c->fds[i], F_DUPFD_CLOEXEC, CONTROL_FD + FDS_MAX);
		if (c->fds[i] < 0)
			return -1;
	}
	for (int i = 0; i < c->nfds; i++)
		if (dup2(c->fds[i], CONTROL_FD + i) < 0)
			return -1;
	return 0;
}

static _Noreturn void
become(const struct master *m, struct command *c)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	/* A death before the log is there is seen where the log will be. */
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0 ||
	    (m->log_fd >= 0 && dup2(m->log_fd, STDERR_FILENO) < 0) ||
	    place_fds(c) < 0)
		_exit(126);
	/* A terminal's Ctrl-C is master's, who ends us in turn. */
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	umask(077);
	execv(c->argv[0], c->argv);
	_exit(127);
}

static int
make_command(struct command *c, const struct master *m, const struct service *s,
    int control)
{
	struct sandbox_identity who;
	int r = who_is(m, s, &who);

	if (r < 0)
		return r;
	*c = (struct command){.fds = {control}, .nfds = 1};
	add_word(c, "%s/%s", m->program_dir, s->program->name);
	add_identity(c, &who);
	add_root(c, m, s);
	add_dir(c, m, s);
	return 0;
}

pid_t
spawn_program(const struct master *m, const struct service *s, int *ret_control)
{
	struct command c;
	int ends[2];
	pid_t pid;
	int r = chan_pair(ends);

	if (r < 0)
		return r;
	r = make_command(&c, m, s, ends[1]);
	pid = r < 0 ? r : fork();
	if (pid == 0)
		become(m, &c);
	if (pid < 0 && r == 0)
		pid = -errno;
	close(ends[1]);
	if (pid < 0)
		close(ends[0]);
	else
		*ret_control = ends[0];
	return pid;
}
