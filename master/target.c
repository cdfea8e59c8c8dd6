/* SPDX-License-Identifier: ISC */
/* target - the log's descriptor: ours, and the copy that programs get. */
#include "master.h"

#include "base/file.h"
#include "mail/log_target.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Nobody listens to syslog: in the foreground, whoever started us does. */
static int
open_other(const struct master *m)
{
	int fd;

	if (m->is_foreground)
		return log_target_of(STDERR_FILENO);
	fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void
target_take_stderr(const struct master *m)
{
	(void)dup2(m->log_fd, STDERR_FILENO);
}

int
target_open(struct master *m)
{
	BUF_CLEANUP struct buf why = {0};
	enum log_target target;
	int fd, own;

	buf_init(&why, LOG_LINE_MAX);
	fd = log_target_open(m->plan->conf, &target, &why);
	if (fd < 0)
		log_warning("log: %s", why.p);
	if (fd == -ENOENT && target == LOG_TARGET_SYSLOG) {
		target = LOG_TARGET_FILE;
		fd = open_other(m);
	}
	if (fd < 0)
		return fd;
	own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (own < 0) {
		close(fd);
		return -errno;
	}
	fd_close(&m->log_fd);
	m->log_fd = fd;
	m->log_target = target;
	if (m->is_behind)
		target_take_stderr(m);
	log_target_names(m->plan->conf);
	log_open(target, own);
	return 0;
}

int
target_reopen(struct master *m)
{
	struct child *c;
	int r = target_open(m);

	if (r < 0)
		return r;
	TAILQ_FOREACH (c, &m->children, next)
		broker_send_log(c);
	return 0;
}
