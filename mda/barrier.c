/* SPDX-License-Identifier: ISC */
/* barrier - syncfs(2).  Owns nothing. */
#include "barrier.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LONG_TIME (200 * CLOCK_MS)
#define ALONE     (60 * CLOCK_SEC) /* at most, and after an error */
#define PATIENCE  20               /* times what was waited */

void
barrier_shun(struct barrier *b)
{
	b->alone_until = clock_exact() + ALONE;
}

/* Somebody writes much: one flush in a while finds out whether he still does,
 * at a twentieth of the time at most. */
static void
shun_slow(struct barrier *b, int64_t took)
{
	b->alone_until =
	    clock_exact() + (took < ALONE / PATIENCE ? took * PATIENCE : ALONE);
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
	int64_t start = clock_exact(), took;
	int r;

	if (start < b->alone_until)
		return BARRIER_IS_NONE;
	r = sync_all(fd);
	took = clock_exact() - start;
	if (r < 0)
		barrier_shun(b);
	else if (took > LONG_TIME)
		shun_slow(b, took);
	if (r < 0)
		log_warning("syncfs: %s", strerror(-r));
	return r < 0 ? BARRIER_BROKE : BARRIER_HOLDS;
}
