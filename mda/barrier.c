/* SPDX-License-Identifier: ISC */
/* barrier - syncfs(2).  Owns nothing. */
#include "barrier.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LONG_TIME (200 * CLOCK_MS)
#define ALONE     (60 * CLOCK_SEC)

void
barrier_shun(struct barrier *b)
{
	b->alone_until = clock_exact() + ALONE;
}

/* An ext4 without a journal writes its own tables behind the flush of
 * syncfs(2); the fsync has one after them. */
static int
sync_all(int fd)
{
	return syncfs(fd) < 0 || fsync(fd) < 0 ? -errno : 0;
}

enum barrier_result
barrier_all(struct barrier *b, int fd)
{
	int64_t start = clock_exact();
	int r;

	if (start < b->alone_until)
		return BARRIER_IS_NONE;
	r = sync_all(fd);
	if (r < 0 || clock_exact() - start > LONG_TIME)
		barrier_shun(b);
	if (r < 0)
		log_warning("syncfs: %s", strerror(-r));
	return r < 0 ? BARRIER_BROKE : BARRIER_HOLDS;
}
