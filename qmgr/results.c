/* SPDX-License-Identifier: ISC */
/*
 * results - what became of recipients: recorded first, then logged, then acted
 * on.  A settling is one status record on its way; what the journal has no
 * room for is tried again every second, for mail that was delivered must not
 * be forgotten.
 */
#include "results.h"

#include "base/log.h"
#include "notice.h"
#include "qmgr.h"

#include <stdlib.h>
#include <string.h>

struct settling {
	struct journal_wait wait; /* first */
	STAILQ_ENTRY(settling) link;
	struct qmgr *qmgr;
	struct message *message;
	const char *agent; /* NULL: not to be logged */
	int64_t started;
	size_t open; /* counted beside the marks */
	struct entry_status status;
	struct arena arena; /* holds it all */
};

bool
message_is_ours(const struct outcome *o)
{
	return o->state == OUTCOME_DEFERRED &&
	       str_has_prefix(o->dsn, STR("4.3.")) &&
	       str_is_empty(o->diagnostic);
}

int64_t
results_next_attempt(const struct qmgr *q, const struct message *m)
{
	const struct active *a = m->active;
	int64_t age = clock_age(a->body->envelope.arrival);
	uint32_t chance = arc4random_uniform(RETRY_CHANCES);
	int64_t now = clock_wall(), before = a->body->progress.next;
	int64_t next = now + retry_wait(&q->site->backoff, age, chance);

	if (q->is_for_tool) /* what it expired is told of at the next start */
		return now;
	/* Those that are not attempted now keep their time. */
	return a->skipped > 0 && before > now && before < next ? before : next;
}

static void
settled(struct settling *s)
{
	const struct mark *marks = s->status.about.marks.p;
	size_t n = s->status.about.marks.n;
	size_t open = n + s->open;
	struct message *m = s->message;
	struct qmgr *q = s->qmgr;

	progress_apply(&m->active->body->progress, s->status.attempts,
	    s->status.next, &s->status.about);
	for (size_t i = 0; i < n && s->agent != NULL; i++) {
		report_recipient(
		    m, s->agent, s->started, marks[i].index, &marks[i].outcome);
		stats_outcome(&q->stats, &marks[i].outcome);
	}
	arena_done(&s->arena);
	free(s);
	message_close(q, m, open);
	qmgr_poke(q);
}

static void
try_later(struct settling *s)
{
	STAILQ_INSERT_TAIL(&s->qmgr->unsettled, s, link);
}

static void
on_durable(struct journal_wait *w, int error)
{
	struct settling *s = (struct settling *)(void *)w;

	if (error < 0)
		try_later(s);
	else
		settled(s);
}

static void
record(struct settling *s)
{
	int r = store_status(
	    s->qmgr->store, &s->message->item, &s->status, &s->wait);

	if (r == 0)
		settled(s);
	else if (r < 0)
		try_later(s);
}

void
results_retry(struct qmgr *q)
{
	struct settling_list mine = STAILQ_HEAD_INITIALIZER(mine);
	struct settling *s;

	STAILQ_CONCAT(&mine, &q->unsettled);
	while ((s = STAILQ_FIRST(&mine)) != NULL) {
		STAILQ_REMOVE_HEAD(&mine, link);
		record(s);
	}
}

static struct settling *
new_settling(struct qmgr *q, struct message *m)
{
	struct settling *s = calloc(1, sizeof(*s));

	if (s == NULL)
		log_fatal("out of memory for a status");
	arena_init(&s->arena, SIZE_MAX / 2); /* outcomes have their bounds */
	s->wait.done = on_durable;
	s->qmgr = q;
	s->message = m;
	s->status = (struct entry_status){
	    .attempts = m->active->attempt,
	    .about = {.id = message_id(m)},
	};
	return s;
}

static void
settle(struct qmgr *q, struct message *m, const char *agent, int64_t started,
    const struct message_result *results, size_t n)
{
	struct settling *s = new_settling(q, m);
	bool is_final = true;
	struct mark *marks;

	marks = arena_array(&s->arena, n, sizeof(*marks));
	s->wait.can_wait = true;
	for (size_t i = 0; i < n; i++) {
		const struct outcome *o = &results[i].outcome;

		if (!results[i].is_repeatable)
			s->wait.can_wait = false;
		marks[i] = (struct mark){
		    .index = results[i].index,
		    .done = o->state != OUTCOME_DEFERRED &&
		            !notice_is_wanted(q, m, results[i].index, o),
		};
		shape_copy(&outcome_shape, &results[i].outcome, &s->arena,
		    &marks[i].outcome);
		is_final = is_final && marks[i].done;
	}
	s->agent = agent;
	s->started = started;
	s->status.about.marks = (struct rows){marks, n};
	s->status.next = is_final ? m->active->body->progress.next
	                          : results_next_attempt(q, m);
	record(s);
}

void
message_settle_told(struct qmgr *q, struct message *m, struct str done)
{
	struct settling *s = new_settling(q, m);

	s->status.about.done = arena_str(&s->arena, done);
	s->status.next = results_next_attempt(q, m);
	m->active->open++;
	s->open = 1;
	record(s);
}

void
message_results(struct qmgr *q, struct message *m, const char *agent,
    int64_t started, const struct message_result *results, size_t n)
{
	while (n > 0) {
		size_t part = n < STORE_MARKS_MAX ? n : STORE_MARKS_MAX;

		n -= part;
		settle(q, m, agent, started, results, part);
		results += part;
	}
	qmgr_poke(q);
}

void
message_result(struct qmgr *q, struct message *m, const char *agent,
    int64_t started, uint64_t index, const struct outcome *o)
{
	struct message_result one = {index, *o};

	message_results(q, m, agent, started, &one, 1);
}
