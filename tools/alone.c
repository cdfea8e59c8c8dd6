/* SPDX-License-Identifier: ISC */
/* alone - a master of our own, by its end of a pair of sockets. */
#include "alone.h"

#include "inquiry.h"

#include "mail/proto/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

bool
alone_is_down(int error)
{
	return error == -ENOENT || error == -ECONNREFUSED;
}

bool
alone_is_allowed(const struct conf *c)
{
	struct str queue = conf_str(c, PARAM_queue_directory);
	char *path = strndup(queue.p, queue.len);
	struct stat st;
	bool is_owner =
	    path != NULL && stat(path, &st) == 0 && st.st_uid == geteuid();

	free(path);
	return geteuid() == 0 || is_owner;
}

static _Noreturn void
become_master(const struct conf *c, int fd)
{
	static const char path[] = VALIJA_LIBEXEC "/master";
	char number[16];

	snprintf(number, sizeof(number), "%d", fd);
	/* A terminal's signals are for the tool, whose end ends it. */
	setsid();
	if (fcntl(fd, F_SETFD, 0) == 0)
		execl(path, path, "-c", conf_dir(c), "-q", number, NULL);
	fprintf(stderr, "cannot start %s: %s\n", path, strerror(errno));
	_exit(1);
}

int
alone_start(struct alone *a, const struct conf *c, struct chan **ret)
{
	int ends[2];
	pid_t pid;
	int r = chan_pair(ends);

	if (r < 0)
		return r;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become_master(c, ends[1]);
	r = pid < 0 ? -errno : 0;
	close(ends[1]);
	if (r < 0) {
		close(ends[0]);
		return r;
	}
	a->pid = pid;
	*ret = chan_new(ends[0], &admin_protocol, NULL, NULL);
	return 0;
}

int
alone_open(struct alone *a, const struct conf *c, struct chan **ret)
{
	int r = inquiry_open(c, ret);

	if (!alone_is_down(r))
		return r;
	return alone_is_allowed(c) ? alone_start(a, c, ret) : -EACCES;
}

void
alone_end(struct alone *a, struct chan **c)
{
	chan_close(c);
	while (a->pid > 0 && waitpid(a->pid, NULL, 0) < 0 && errno == EINTR)
		;
	a->pid = 0;
}
