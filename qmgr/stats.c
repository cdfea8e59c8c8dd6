/* SPDX-License-Identifier: ISC */
/* stats - counters, and a ring of what they were. */
#include "stats.h"

void
stats_taken(struct stats *s, uint64_t bytes)
{
	s->now.taken++;
	s->now.bytes += bytes;
}

void
stats_outcome(struct stats *s, const struct outcome *o)
{
	switch ((enum outcome_state)o->state) {
	case OUTCOME_SENT:
		s->now.sent++;
		return;
	case OUTCOME_DEFERRED:
		s->now.deferred++;
		return;
	case OUTCOME_BOUNCED:
		s->now.bounced++;
		return;
	}
}

void
stats_removed(struct stats *s)
{
	s->now.removed++;
}

void
stats_tick(struct stats *s, int64_t now)
{
	s->samples[s->n++ % STATS_SAMPLES] =
	    (struct stats_sample){.at = now, .counts = s->now};
}

int64_t
stats_recent(const struct stats *s, int64_t now, struct stats_counts *ret)
{
	const struct stats_sample *first;

	*ret = (struct stats_counts){0};
	if (s->n == 0)
		return 0;
	first = &s->samples[s->n < STATS_SAMPLES ? 0 : s->n % STATS_SAMPLES];
	*ret = (struct stats_counts){
	    .taken = s->now.taken - first->counts.taken,
	    .bytes = s->now.bytes - first->counts.bytes,
	    .sent = s->now.sent - first->counts.sent,
	    .deferred = s->now.deferred - first->counts.deferred,
	    .bounced = s->now.bounced - first->counts.bounced,
	    .removed = s->now.removed - first->counts.removed,
	};
	return now - first->at;
}
