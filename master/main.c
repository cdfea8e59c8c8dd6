/* SPDX-License-Identifier: ISC */
/*
 * master - starts the programs of the suite, gives each what it may hold, and
 * makes their conversations.  The one process that is root all the time: it
 * reads the configuration and what its own programs say, and nothing else.
 *
 *	master [-f] [-c dir] [-d dir] [-r fd]
 *	master -q fd [-c dir] [-d dir]	no suite: the queue alone, for a tool
 */
#include "master.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define DESCRIPTORS 65536

/* What it, or a program on its way to its own user, needs of root.
 * SYS_ADMIN: a filter for mda without no_new_privs; IPC_LOCK: keys keeps its
 * memory out of the swap. */
static const unsigned needed[] = {CAP_CHOWN, CAP_DAC_OVERRIDE,
    CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_KILL, CAP_SETGID, CAP_SETUID,
    CAP_SETPCAP, CAP_NET_BIND_SERVICE, CAP_IPC_LOCK, CAP_SYS_CHROOT,
    CAP_SYS_ADMIN};

static bool
is_needed(unsigned cap)
{
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (needed[i] == cap)
			return true;
	return false;
}

static void
cut_bounding_set(void)
{
	for (unsigned cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!is_needed(cap) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			log_warning(
			    "capability %u stays: %s", cap, strerror(errno));
}

static void
raise_limits(void)
{
	struct rlimit l, more;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return;
	more =
	    (struct rlimit){.rlim_cur = DESCRIPTORS, .rlim_max = DESCRIPTORS};
	if (l.rlim_max < DESCRIPTORS && setrlimit(RLIMIT_NOFILE, &more) == 0)
		return;
	l.rlim_cur = l.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &l) < 0)
		log_warning("limit of descriptors: %s", strerror(errno));
}

static void
log_remark(void *arg, const struct conf_remark *r)
{
	char line[32] = "";

	(void)arg;
	if (r->severity == CONF_NOTE)
		return; /* `valija check` shows them */
	if (r->line > 0)
		snprintf(line, sizeof(line), ", line %u", r->line);
	if (r->severity == CONF_ERROR)
		log_error(
		    "%.*s%s: %.*s", STR_ARG(r->file), line, STR_ARG(r->text));
	else
		log_warning(
		    "%.*s%s: %.*s", STR_ARG(r->file), line, STR_ARG(r->text));
}

static void
on_terminate(int signo, void *arg)
{
	struct master *m = arg;

	if (!m->is_stopping)
		log_info("terminating on signal %d", signo);
	stop_begin(m, 0);
}

static void
on_hangup(int signo, void *arg)
{
	(void)signo;
	reload_run(arg, log_remark, NULL);
}

static void
on_child(int signo, void *arg)
{
	(void)signo;
	child_reap(arg);
}

static void
await_up(void *arg)
{
	struct master *m = arg;
	int r = reload_wait_up(m);

	if (r < 0)
		stop_begin(m, 1);
	report_up(m, r == 0);
}

/* It is the same until we end, whatever plans come. */
static void
keep_queue_directory(struct master *m)
{
	struct str path = conf_str(m->plan->conf, PARAM_queue_directory);
	char *copy = strndup(path.p, path.len);

	if (copy == NULL)
		log_fatal("out of memory");
	m->queue_directory = str_n(copy, path.len);
}

/* A main.cf of Postfix may name Postfix's programs: they are none of ours. */
static void
find_programs(struct master *m)
{
	struct str dir;
	char *path;

	if (m->program_dir != NULL)
		return;
	m->program_dir = VALIJA_LIBEXEC;
	if (!conf_by_name(m->plan->conf, STR("daemon_directory"), &dir))
		return;
	if (asprintf(&path, "%.*s/mda", STR_ARG(dir)) < 0)
		log_fatal("out of memory");
	if (access(path, X_OK) == 0)
		m->program_dir = strndup(dir.p, dir.len);
	free(path);
}

static int
prepare(struct master *m)
{
	m->plan = plan_read(m->conf_dir, log_remark, NULL);
	if (m->plan == NULL)
		return -EINVAL;
	m->plan->generation = ++m->generation;
	keep_queue_directory(m);
	find_programs(m);
	return who_check(m);
}

static int
prepare_suite(struct master *m)
{
	int r = prepare(m);

	if (r == 0)
		r = target_open(m);
	if (r == 0)
		r = place_open(m);
	if (r == 0)
		r = place_lock(m);
	if (r == 0)
		r = listeners_bind(m, m->plan);
	return r;
}

/* What is wrong is said to who called the tool, until the log is there. */
static int
prepare_queue(struct master *m)
{
	int r = prepare(m);

	if (r == 0)
		r = place_open(m);
	if (r == 0)
		r = place_lock_queue(m);
	if (r == 0)
		r = target_open(m);
	if (r == 0)
		plan_keep_queue(m->plan);
	return r;
}

/* 0, or it was said what is wrong. */
static int
prepare_all(struct master *m)
{
	return m->tool_fd < 0 ? prepare_suite(m) : prepare_queue(m);
}

static int
run(struct master *m)
{
	int r = loop_init();

	if (r == 0)
		r = loop_signal(SIGCHLD, on_child, m);
	if (r == 0)
		r = loop_signal(SIGTERM, on_terminate, m);
	if (r == 0)
		r = loop_signal(SIGINT, on_terminate, m);
	if (r == 0)
		r = loop_signal(
		    SIGHUP, m->tool_fd < 0 ? on_hangup : on_terminate, m);
	if (r == 0 && m->tool_fd < 0)
		r = report_open(m);
	if (r < 0) {
		log_error("cannot start: %s", strerror(-r));
		return 1;
	}
	if (m->tool_fd < 0)
		log_info("daemon started -- version %s, configuration %s",
		    VALIJA_VERSION, m->conf_dir);
	task_start(keeper_run, m);
	task_start(await_up, m);
	loop_run();
	listeners_remove_sockets(m);
	return m->exit_code;
}

static void
parse_options(struct master *m, int argc, char **argv)
{
	uint64_t n;
	int option;

	while ((option = getopt(argc, argv, "c:d:fq:r:")) != -1) {
		if (option == 'c')
			m->conf_dir = optarg;
		else if (option == 'd')
			m->program_dir = optarg;
		else if (option == 'f')
			m->is_foreground = true;
		else if (option == 'r' &&
			 str_parse_u64(str_c(optarg), 1023, &n) == 0)
			m->report_fd = (int)n;
		else if (option == 'q' &&
			 str_parse_u64(str_c(optarg), 1023, &n) == 0)
			m->tool_fd = (int)n;
		else
			log_fatal("usage: master [-f] [-c dir] [-d dir] "
				  "[-r fd] [-q fd]");
	}
	if (optind < argc)
		log_fatal("master takes no arguments");
}

int
main(int argc, char **argv)
{
	struct master m = {
	    .conf_dir = VALIJA_CONFIG,
	    .is_root = geteuid() == 0,
	    .report_fd = -1,
	    .tool_fd = -1,
	    .queue_fd = -1,
	    .maildrop_fd = -1,
	    .lock_fd = -1,
	    .queue_lock_fd = -1,
	    .log_fd = -1,
	};
	int r;

	log_init("master");
	parse_options(&m, argc, argv);
	TAILQ_INIT(&m.children);
	TAILQ_INIT(&m.wants);
	TAILQ_INIT(&m.dials);
	task_queue_init(&m.wake);
	task_queue_init(&m.ended);
	umask(022);
	raise_limits();
	if (m.is_root)
		cut_bounding_set();
	if (m.tool_fd >= 0)
		fcntl(m.tool_fd, F_SETFD, FD_CLOEXEC);
	if (m.report_fd >= 0)
		fcntl(m.report_fd, F_SETFD, FD_CLOEXEC);
	r = prepare_all(&m) < 0 ? 1 : run(&m);
	place_unlock(&m);
	log_flush();
	return r;
}
