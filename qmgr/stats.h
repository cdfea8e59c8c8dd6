/* SPDX-License-Identifier: ISC */
/*
 * stats - what happened since the start, counted where it happens, and how
 * much of it within the last minute.  Counting is an addition; a second, one
 * copy.
 */
#ifndef QMGR_STATS_H
#define QMGR_STATS_H

#include "mail/outcome.h"

#include <stddef.h>
#include <stdint.h>

#define STATS_SAMPLES 61 /* one a second: a minute between first and last */

struct stats_counts {
	uint64_t taken, bytes;            /* messages, by whomever, durable */
	uint64_t sent, deferred, bounced; /* of recipients, as logged */
	uint64_t removed;                 /* messages that are finished */
};

struct stats {
	struct stats_counts now;
	struct stats_sample {
		int64_t at; /* mono */
		struct stats_counts counts;
	} samples[STATS_SAMPLES];
	size_t n; /* samples taken, ever */
};

void stats_taken(struct stats *s, uint64_t bytes);
void stats_outcome(struct stats *s, const struct outcome *o);
void stats_removed(struct stats *s);

/* Once a second or so. */
void stats_tick(struct stats *s, int64_t now);

/* What was counted within the last minute, and over how many ns: 0 when there
 * is no sample yet. */
int64_t stats_recent(
    const struct stats *s, int64_t now, struct stats_counts *ret);

#endif
