/* SPDX-License-Identifier: ISC */
/*
 * store_together - much made durable by one call, where that pays: 128 files
 * of 1 KiB in a tenth of the time that a flush of each takes.  It waits for
 * what anybody else wrote there and reports his errors too, so after one that
 * took long, or failed, each is made durable by itself for a while.  All here
 * runs on the flusher's thread.
 */
#include "base/clock.h"
#include "mail/queue/store_impl.h"

#define MANY       4 /* files or directories from which on it pays */
#define LONG_TIME  (200 * CLOCK_MS)
#define AFTER_LONG (10 * CLOCK_SEC)
#define AFTER_FAIL (60 * CLOCK_SEC)

bool
store_may_sync_all(const struct store *s, size_t n)
{
	return n >= MANY && s->has_sync_all && clock_exact() >= s->alone_until;
}

int
store_sync_all(struct store *s)
{
	const struct disk *disk = s->config.disk;
	int64_t start = clock_exact(), end;
	int r = disk->sync_all(disk->arg, s->config.dirfd);

	end = clock_exact();
	s->sync_failures += r < 0;
	if (r < 0)
		s->alone_until = end + AFTER_FAIL;
	else if (end - start > LONG_TIME)
		s->alone_until = end + AFTER_LONG;
	return r;
}
