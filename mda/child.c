/* SPDX-License-Identifier: ISC */
/*
 * child - becoming the user.  The order matters: first everything of the
 * parent's is let go, then the identity is taken for good, then, for the
 * roles that run our own code only, the walls go up; only then is a byte
 * read.  A step that fails ends the process: the asker sees the conversation
 * end, and tries again later.
 */
#include "child.h"

#include "base/file.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "base/task.h"
#include "command.h"
#include "deliver.h"
#include "flusher.h"
#include "path.h"
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONVERSATION_FD 3
#define FLUSHER_FD      4
#define GROUPS_MAX      65
#define DELIVER_NICE    10

static const struct sandbox deliver_sandbox = {
    .calls = SANDBOX_FILES | SANDBOX_FLUSH,
    .chroot = true,
    .limits = {.address_space = (size_t)1 << 30},
};

static const struct sandbox reader_sandbox = {
    .calls = SANDBOX_FILES,
    .chroot = true,
    .limits = {.address_space = (size_t)128 << 20,
	.descriptors = 32,
	.file_size = 1},
};

static const struct sandbox flusher_sandbox = {
    .calls = SANDBOX_FLUSH,
    .chroot = true,
    .limits = {.address_space = (size_t)128 << 20, .file_size = 1},
};

static struct sandbox_filter *deliver_filter, *reader_filter, *flusher_filter;

int
child_init(void)
{
	int r;

	if (flusher_filter != NULL)
		return 0;
	r = sandbox_compile(&deliver_sandbox, &deliver_filter);
	if (r == 0)
		r = sandbox_compile(&reader_sandbox, &reader_filter);
	return r < 0 ? r : sandbox_compile(&flusher_sandbox, &flusher_filter);
}

static int
move_fd(int fd, int to)
{
	if (fd == to)
		return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
	return dup3(fd, to, O_CLOEXEC) < 0 ? -errno : 0;
}

/* All others are closed. */
static int
keep_fds(int fd, int flusher_fd)
{
	int above = -1, last = CONVERSATION_FD, r;

	if (flusher_fd >= 0) {
		last = FLUSHER_FD;
		above = fcntl(flusher_fd, F_DUPFD_CLOEXEC, FLUSHER_FD + 1);
		if (above < 0)
			return -errno;
	}
	r = move_fd(fd, CONVERSATION_FD);
	if (r == 0 && above >= 0)
		r = move_fd(above, FLUSHER_FD);
	if (r < 0)
		return r;
	return close_range((unsigned)last + 1, ~0u, 0) < 0 ? -errno : 0;
}

/* Of the parent's: its loop, terminal, log, descriptors, environment. */
static int
let_go(int fd, int flusher_fd)
{
	int r;

	loop_done();
	setsid();
	log_open(LOG_TARGET_STDERR, STDERR_FILENO);
	r = keep_fds(fd, flusher_fd);
	if (r < 0)
		return r;
	if (clearenv() != 0 || chdir("/") < 0)
		return -EINVAL;
	umask(077);
	return loop_init();
}

/*
 * What is to be delivered is safe, and a client who hands mail over waits: he
 * comes first, and what waits meanwhile is delivered in larger batches.
 */
static int
step_back(void)
{
	/* From where we stand: a suite that was started with a higher value
	 * may not go back to a lower one. */
	errno = 0;
	(void)!nice(DELIVER_NICE);
	return -errno;
}

static int
limit(bool forks)
{
	struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	/* Those shut in cannot fork anyway; this does not hang on seccomp. */
	return forks || setrlimit(RLIMIT_NPROC, &none) == 0 ? 0 : -errno;
}

/*
 * SECURITY: the group of /var/mail goes to the writer of mailboxes, never to
 * a process that runs a user's command: it may unlink everyone's mailbox.
 */
static int
set_groups(const struct spawn_ask *ask)
{
	const struct spawn_group *g = ask->groups.p;
	gid_t groups[GROUPS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < ask->groups.n && n < GROUPS_MAX - 1; i++)
		if (g[i].gid != 0)
			groups[n++] = (gid_t)g[i].gid;
	if (ask->mail_gid != 0 && ask->role == SPAWN_DELIVER)
		groups[n++] = (gid_t)ask->mail_gid;
	return setgroups(n, groups) < 0 ? -errno : 0;
}

/* SECURITY: there is no way back, whatever is run from here on. */
static int
check_no_return(const struct spawn_ask *ask)
{
	uid_t uid = (uid_t)ask->uid, r, e, s;
	gid_t rg, eg, sg;

	if (getresuid(&r, &e, &s) < 0 || getresgid(&rg, &eg, &sg) < 0)
		return -errno;
	if (r != uid || e != uid || s != uid)
		return -EPERM;
	if (rg != ask->gid || eg != ask->gid || sg != ask->gid)
		return -EPERM;
	if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0)
		return -EPERM;
	/* Nor to any other: a capability that was left would allow it. */
	if (setresuid(uid, uid + 1, uid) == 0)
		return -EPERM;
	return 0;
}

static int
become_user(const struct child *c)
{
	const struct spawn_ask *ask = c->ask;
	int r;

	if (!c->is_root_suite)
		return 0;
	r = set_groups(ask);
	if (r < 0)
		return r;
	if (setresgid((gid_t)ask->gid, (gid_t)ask->gid, (gid_t)ask->gid) < 0)
		return -errno;
	if (setresuid((uid_t)ask->uid, (uid_t)ask->uid, (uid_t)ask->uid) < 0)
		return -errno;
	r = sandbox_drop_caps();
	return r < 0 ? r : check_no_return(ask);
}

/* The root may be missing, or not ours to enter: a delivery that asks for
 * it tells so.  A descriptor or -errno. */
static int
open_root(const struct spawn_ask *ask)
{
	BUF_CLEANUP struct buf path = {0};

	buf_init(&path, PATH_MAX_BYTES);
	if (buf_add_str(&path, ask->root) < 0)
		return -ENAMETOOLONG;
	return path_open(AT_FDCWD, path.p, O_PATH | O_DIRECTORY, 0);
}

static int
shut_in(const struct child *c, int root_fd, const char **ret_step)
{
	bool reads = c->ask->role == SPAWN_READER;

	return sandbox_confine(reads ? &reader_sandbox : &deliver_sandbox,
	    reads ? reader_filter : deliver_filter, &root_fd,
	    root_fd < 0 ? 0 : 1, ret_step);
}

int
child_become(const struct child *c, int *ret_root_fd, const char **ret_step)
{
	int r;

	*ret_step = "start";
	r = let_go(c->fd, c->flusher_fd);
	if (r < 0)
		return r;
	*ret_step = "priority";
	r = c->ask->role == SPAWN_DELIVER ? step_back() : 0;
	if (r < 0)
		return r;
	*ret_step = "limits";
	r = limit(c->ask->role == SPAWN_COMMAND);
	if (r < 0)
		return r;
	*ret_step = "identity";
	r = become_user(c);
	*ret_root_fd = -EBADF;
	if (r < 0 || c->ask->role == SPAWN_COMMAND)
		return r;
	*ret_root_fd = open_root(c->ask);
	return shut_in(c, *ret_root_fd, ret_step);
}

static void
run_role(const struct child *c, int root_fd)
{
	switch ((enum spawn_role)c->ask->role) {
	case SPAWN_DELIVER:
		deliver_run(c->settings, root_fd, c->ask->root, CONVERSATION_FD,
		    c->flusher_fd < 0 ? -1 : FLUSHER_FD);
		return;
	case SPAWN_COMMAND:
		command_run(c->settings, CONVERSATION_FD);
		return;
	case SPAWN_READER:
		reader_run(root_fd, c->ask->root, CONVERSATION_FD);
		return;
	}
}

_Noreturn void
child_run(const struct child *c)
{
	const char *step;
	int root_fd;
	int r = child_become(c, &root_fd, &step);

	if (r < 0)
		log_fatal("child: %s: %s", step, strerror(-r));
	run_role(c, root_fd);
	log_flush();
	_exit(0);
}

static int
become_flusher(int fd, bool is_root_suite, const char **ret_step)
{
	int r;

	*ret_step = "start";
	r = let_go(fd, -1);
	if (r == 0)
		r = step_back();
	if (r == 0)
		r = limit(false);
	*ret_step = "capabilities";
	if (r == 0 && is_root_suite)
		r = sandbox_drop_caps();
	return r < 0 ? r
	             : sandbox_confine(
			   &flusher_sandbox, flusher_filter, NULL, 0, ret_step);
}

_Noreturn void
child_run_flusher(int fd, bool is_root_suite)
{
	const char *step;
	int r = become_flusher(fd, is_root_suite, &step);

	if (r < 0)
		log_fatal("flusher: %s: %s", step, strerror(-r));
	flusher_run(CONVERSATION_FD);
	log_flush();
	_exit(0);
}
