/* SPDX-License-Identifier: ISC */
/* valija_start - `start` and `start-fg`: master, and the wait for it. */
#include "valija.h"

#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static _Noreturn void
become_master(const struct valija *v, int report)
{
	const char *dir = v->program_dir;
	char *path, number[16];
	char *argv[10];
	int n = 0;

	if (asprintf(&path, "%s/master", dir != NULL ? dir : VALIJA_LIBEXEC) <
	    0)
		log_fatal("out of memory");
	snprintf(number, sizeof(number), "%d", report);
	argv[n++] = path;
	argv[n++] = strdup("-c");
	argv[n++] = strdup(v->conf_dir);
	if (dir != NULL) {
		argv[n++] = strdup("-d");
		argv[n++] = strdup(dir);
	}
	argv[n++] = strdup(report < 0 ? "-f" : "-r");
	if (report >= 0)
		argv[n++] = number;
	argv[n] = NULL;
	execv(path, argv);
	fprintf(stderr, "valija: fatal: %s: %s\n", path, strerror(errno));
	_exit(1);
}

/* Its own session, so that no terminal's end is its end. */
static _Noreturn void
go_behind(const struct valija *v, int report)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		_exit(1);
	fcntl(report, F_SETFD, 0);
	become_master(v, report);
}

/* Until the suite takes mail: true; or master has said why not. */
static bool
wait_for(int report)
{
	char answer = '1';
	ssize_t n;

	do {
		n = read(report, &answer, 1);
	} while (n < 0 && errno == EINTR);
	return n == 1 && answer == '0';
}

/* One that was killed just now takes a moment to let go of its lock. */
static bool
is_running(const struct valija *v)
{
	static const struct timespec tick = {.tv_nsec = 20 * 1000 * 1000};

	for (int tries = 0; tries < 10; tries++) {
		if (valija_master(v) == 0)
			return false;
		nanosleep(&tick, NULL);
	}
	return true;
}

int
valija_start(struct valija *v, bool is_foreground)
{
	int ends[2];
	pid_t pid;
	bool is_up;

	if (is_running(v)) {
		valija_fatal(v, "the Postfix mail system is already running");
		return 1;
	}
	valija_say(v, "starting the Postfix mail system");
	log_flush();
	if (is_foreground)
		become_master(v, -1);
	if (pipe2(ends, O_CLOEXEC) < 0)
		log_fatal("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		log_fatal("fork: %s", strerror(errno));
	if (pid == 0)
		go_behind(v, ends[1]);
	close(ends[1]);
	is_up = wait_for(ends[0]);
	close(ends[0]);
	if (is_up)
		return 0;
	waitpid(pid, NULL, 0);
	valija_fatal(v, "mail system startup failed");
	return 1;
}
