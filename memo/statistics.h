/* SPDX-License-Identifier: ISC */
/*
 * statistics - the most there was of everything since it was logged last, who
 * had it and when: the lines of Postfix's anvil.
 */
#ifndef MEMO_STATISTICS_H
#define MEMO_STATISTICS_H

#include "mail/proto/memo.h"

#include <stddef.h>
#include <stdint.h>

struct statistics {
	struct {
		uint64_t n; /* 0: none */
		int64_t when;
		size_t len;
		char key[MEMO_KEY_MAX];
	} most[MEMO_WHATS];
	size_t cache; /* counters, at most ... */
	int64_t cache_when;
};

/* There is so much of it now. */
void statistics_note(
    struct statistics *s, enum memo_what what, struct str key, uint64_t total);
void statistics_note_cache(struct statistics *s, size_t n);

/* A line for each kind of which there was any; then all begins anew.  Of
 * what logins do there is none: that is not for everyone's eyes. */
void statistics_log(struct statistics *s, int64_t unit);

#endif
