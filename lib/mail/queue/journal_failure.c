/* SPDX-License-Identifier: ISC */
/*
 * journal_failure - what a failed flush leaves: a segment that is closed for
 * ever, a refusal of what of it does not count, those who wait for that, and
 * the alarm.  Everything here runs on the loop.
 */
#include "base/clock.h"
#include "base/log.h"
#include "mail/queue/journal_impl.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define REFUSE_WAIT (10 * CLOCK_SEC)

static void
end_refusals(struct journal_wait *w, int error)
{
	struct journal *j =
	    (struct journal *)((char *)w -
			       offsetof(struct journal, refusal_wait));
	struct refusal *r;

	j->refusal_flying = false;
	while (error == 0 && (r = STAILQ_FIRST(&j->refusals)) != NULL) {
		STAILQ_REMOVE_HEAD(&j->refusals, link);
		free(r);
	}
	journal_tell(&j->refused, -EIO);
}

/*
 * Say in the journal what does not count, and only then tell those who wait.
 * Where that cannot be written either they are told after a while.
 */
void
journal_write_refusals(struct journal *j)
{
	struct refusal *r;
	int error = 0;

	if (j->refusal_flying ||
	    (STAILQ_EMPTY(&j->refused) && STAILQ_EMPTY(&j->refusals)))
		return;
	STAILQ_FOREACH (r, &j->refusals, link) {
		bool is_last = STAILQ_NEXT(r, link) == NULL;

		error = journal_append(j, ENTRY_REFUSED, &r->entry, STR_NONE,
		    JOURNAL_STATUS, is_last ? &j->refusal_wait : NULL, NULL);
		if (error < 0)
			break;
	}
	if (error == 0 && !STAILQ_EMPTY(&j->refusals)) {
		j->refusal_flying = true;
		return;
	}
	if (error == 0 || clock_mono() - j->refused_since > REFUSE_WAIT)
		journal_tell(&j->refused, -EIO);
}

void
journal_give_up(struct journal *j)
{
	journal_tell(&j->refused, -EIO);
}

void
journal_count_failure(struct journal *j)
{
	int64_t now = clock_mono();
	int64_t oldest;

	memmove(j->failures, j->failures + 1,
	    (JOURNAL_FAILURES - 1) * sizeof(*j->failures));
	j->failures[JOURNAL_FAILURES - 1] = now;
	oldest = j->failures[0];
	if (j->alarm || oldest == 0 ||
	    now - oldest > JOURNAL_FAILURES_TIME * CLOCK_SEC)
		return;
	j->alarm = true;
	if (j->events.alarm != NULL)
		j->events.alarm(j->events.arg, true);
}

static void
add_refusal(struct journal *j, const struct journal_segment *s, uint32_t from)
{
	struct refusal *r = calloc(1, sizeof(*r));

	if (r == NULL)
		log_fatal("out of memory for a refusal of the journal");
	r->entry = (struct entry_refused){
	    .sequence = s->header.sequence, .from = from};
	STAILQ_INSERT_TAIL(&j->refusals, r, link);
}

/* What was queued behind a failed batch, for the same segment, fails too. */
static void
drop_queued(struct journal *j, const struct journal_segment *s)
{
	struct batch *b, *next;

	if (j->open != NULL && j->open->segment == s)
		journal_close_batch(j);
	TAILQ_FOREACH_SAFE (b, &j->queued, link, next) {
		if (b->segment != s)
			continue;
		TAILQ_REMOVE(&j->queued, b, link);
		STAILQ_CONCAT(&j->refused, &b->waits);
		journal_retire_batch(b);
	}
}

/* The refusals that were on their way were in what failed: once more. */
static void
take_back_refusals(struct journal *j)
{
	struct journal_wait *w;

	STAILQ_FOREACH (w, &j->refused, link) {
		if (w != &j->refusal_wait)
			continue;
		STAILQ_REMOVE(&j->refused, w, journal_wait, link);
		j->refusal_flying = false;
		return;
	}
}

void
journal_fail_batch(struct journal *j, struct batch *b)
{
	struct journal_segment *s = b->segment;
	uint32_t from = b->at;

	if (STAILQ_EMPTY(&j->refused))
		j->refused_since = clock_mono();
	STAILQ_CONCAT(&j->refused, &b->waits);
	add_refusal(j, s, from);
	s->state = SEGMENT_FAILED;
	journal_retire_batch(b);
	drop_queued(j, s);
	take_back_refusals(j);
	j->closed++;
	if (s == j->current)
		j->current = NULL;
	journal_count_failure(j);
	journal_write_refusals(j);
	if (j->events.closed != NULL)
		j->events.closed(j->events.arg, s, from);
}

static void
end_probe(struct journal_wait *w, int error)
{
	struct journal *j =
	    (struct journal *)((char *)w -
			       offsetof(struct journal, probe_wait));

	j->probe_flying = false;
	if (error < 0 || !j->alarm)
		return;
	j->alarm = false;
	memset(j->failures, 0, sizeof(j->failures));
	if (j->events.alarm != NULL)
		j->events.alarm(j->events.arg, false);
}

/* Now and then: is the disk good again? */
static void
probe(struct journal *j, int64_t now)
{
	struct entry_generation e = {.below = j->generation};

	if (!j->alarm || j->probe_flying ||
	    now - j->failures[JOURNAL_FAILURES - 1] <
		JOURNAL_FAILURES_TIME * CLOCK_SEC)
		return;
	j->probe_flying = journal_append(j, ENTRY_GENERATION, &e, STR_NONE,
			      JOURNAL_STATUS, &j->probe_wait, NULL) == 0;
}

void
journal_tend_failures(struct journal *j, int64_t now)
{
	journal_write_refusals(j);
	probe(j, now);
}

uint64_t
journal_failures(const struct journal *j)
{
	return j->closed;
}

void
journal_init_waits(struct journal *j)
{
	j->refusal_wait.done = end_refusals;
	j->probe_wait.done = end_probe;
}
