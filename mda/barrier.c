/* SPDX-License-Identifier: ISC */
/* barrier - syncfs(2).  Owns nothing. */
#include "barrier.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONG_TIME (200 * CLOCK_MS)
#define ALONE     (60 * CLOCK_SEC)

/* All on one file system, the usual case; else it is not worth while. */
static bool
is_one(const int *fds, size_t n)
{
	struct stat first, st;

	if (n == 0 || fstat(fds[0], &first) < 0)
		return false;
	for (size_t i = 1; i < n; i++)
		if (fstat(fds[i], &st) < 0 || st.st_dev != first.st_dev)
			return false;
	return true;
}

enum barrier_result
barrier_all(struct barrier *b, const int *fds, size_t n)
{
	int64_t start = clock_exact(), took;
	int r;

	if (start < b->alone_until || !is_one(fds, n) || !fd_has_syncfs(fds[0]))
		return BARRIER_IS_NONE;
	r = syncfs(fds[0]) < 0 ? -errno : 0;
	took = clock_exact() - start;
	if (r < 0 || took > LONG_TIME)
		b->alone_until = start + took + ALONE;
	if (r < 0)
		log_warning("syncfs: %s", strerror(-r));
	return r < 0 ? BARRIER_BROKE : BARRIER_HOLDS;
}
