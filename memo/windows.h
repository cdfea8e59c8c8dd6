/* SPDX-License-Identifier: ISC */
/*
 * windows - how often something happened, in a window of time that begins
 * with the first of it and ends after a period; then it is forgotten.
 *
 * Bounded: WINDOWS_MAX of each kind; then the one of the kind that was least
 * recently looked at goes.  So whoever comes from very many addresses makes
 * memo forget addresses, and nothing of what logins did.
 */
#ifndef MEMO_WINDOWS_H
#define MEMO_WINDOWS_H

#include "base/cache.h"
#include "mail/proto/memo.h"

#include <stdint.h>

#define WINDOWS_MAX       50000
#define WINDOWS_BYTES_MAX (16 * 1024 * 1024)
#define WINDOWS_TOTAL_MAX UINT32_MAX

struct windows {
	struct cache *kinds[MEMO_WHATS]; /* NULL where there is no window */
	int64_t unit; /* anvil_rate_time_unit, ns: of windows that begin */
};

void windows_init(struct windows *w, int64_t unit);
void windows_done(struct windows *w);

/* Add `n` (0: just look) and give the total.  Not for MEMO_SESSIONS. */
uint64_t windows_add(
    struct windows *w, enum memo_what what, struct str key, uint64_t n);

size_t windows_count(const struct windows *w);

#endif
