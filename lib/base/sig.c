/* SPDX-License-Identifier: ISC */
/*
 * sig - signals as events of the loop, through a signalfd that one task
 * reads.  Nothing of ours ever runs in a signal handler, but for overflow.c.
 */
#include "base/log.h"
#include "base/task_impl.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define SIGNALS 32 /* 1 to 31: no real-time ones */

static struct {
	sigset_t set;
	struct io io;
	bool is_watching;
	struct {
		void (*fn)(int, void *);
		void *arg;
	} of[SIGNALS];
} sig;

static void
watch_signals(void *arg)
{
	struct signalfd_siginfo info;

	(void)arg;
	while (io_read(&sig.io, &info, sizeof(info), CLOCK_NEVER) ==
	       (ssize_t)sizeof(info)) {
		unsigned n = info.ssi_signo;

		if (n < SIGNALS && sig.of[n].fn != NULL)
			sig.of[n].fn((int)n, sig.of[n].arg);
	}
}

static int
start_watching(void)
{
	int fd = signalfd(-1, &sig.set, SFD_NONBLOCK | SFD_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = io_init(&sig.io, fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	sig.is_watching = true;
	task_start(watch_signals, NULL);
	return 0;
}

int
loop_signal(int signo, void (*fn)(int signo, void *arg), void *arg)
{
	if (signo < 1 || signo >= SIGNALS)
		return -EINVAL;
	if (!sig.is_watching)
		sigemptyset(&sig.set);
	sigaddset(&sig.set, signo);
	sig.of[signo].fn = fn;
	sig.of[signo].arg = arg;
	if (sigprocmask(SIG_BLOCK, &sig.set, NULL) < 0)
		return -errno;
	if (!sig.is_watching)
		return start_watching();
	return signalfd(sig.io.fd, &sig.set, 0) < 0 ? -errno : 0;
}

void
sig_reset(void)
{
	if (!sig.is_watching)
		return;
	sigprocmask(SIG_UNBLOCK, &sig.set, NULL);
	close(sig.io.fd);
	sig.is_watching = false;
	for (int i = 0; i < SIGNALS; i++)
		sig.of[i].fn = NULL;
}
