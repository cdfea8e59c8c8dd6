/* SPDX-License-Identifier: ISC */
/* qmgr - owns the queue: commits, schedules, retries, expires, lists. */
#include "qmgr.h"

#include "base/log.h"

static const struct sandbox sandbox = {
    .calls = SANDBOX_FILES | SANDBOX_FLUSH | SANDBOX_THREAD | SANDBOX_MEMFD |
             SANDBOX_ACCEPT | SANDBOX_FORK,
    .chroot = true,
};

static struct qmgr qmgr;

static int
start(struct serve *sv)
{
	BUF_CLEANUP struct buf why = {0};
	int r;

	buf_init(&why, 8192);
	r = qmgr_start(&qmgr, sv, &why);
	if (r < 0)
		log_error("%s", why.p);
	return r;
}

static void
linked(struct serve *sv, struct str client, int fd)
{
	(void)sv;
	takers_linked(&qmgr, client, fd);
}

static void
reconfigure(struct serve *sv, struct str config)
{
	(void)sv;
	qmgr_reconfigure(&qmgr, config);
}

static void
drain(struct serve *sv)
{
	(void)sv;
	qmgr_drain(&qmgr);
}

int
main(int argc, char **argv)
{
	static const struct program program = {
	    .name = "qmgr",
	    .sandbox = &sandbox,
	    .start = start,
	    .linked = linked,
	    .reconfigure = reconfigure,
	    .drain = drain,
	};

	return serve_main(&program, argc, argv);
}
