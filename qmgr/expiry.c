/* SPDX-License-Identifier: ISC */
/* expiry - outcomes for those who waited too long.  Owns nothing. */
#include "expiry.h"

#include "base/log.h"
#include "qmgr.h"

#include <stdlib.h>

static bool
is_expired(const struct qmgr *q, const struct message *m)
{
	const struct store_body *b = m->active->body;
	bool is_bounce =
	    b->envelope.is_bounce || str_is_empty(b->envelope.sender);
	int64_t life = is_bounce ? q->site->bounce_lifetime : q->site->lifetime;

	return clock_age(b->envelope.arrival) > life &&
	       (m->attempts >= EXPIRE_ATTEMPTS_MIN || life == 0);
}

static bool
is_open(const struct progress_mark *mark)
{
	return !mark->done && !progress_is_unsaid(mark);
}

/* Never by trouble of our own, however long that lasts. */
static bool
may_expire(const struct progress_mark *mark)
{
	return is_open(mark) &&
	       (mark->last == NULL || !message_is_ours(mark->last));
}

static bool
has_one(const struct message *m, bool (*is)(const struct progress_mark *mark))
{
	const struct progress *p = &m->active->body->progress;

	for (size_t i = 0; i < p->n; i++)
		if (is(&p->marks[i]))
			return true;
	return false;
}

/* What was deferred comes back, with the last word about it. */
static void
expire(struct qmgr *q, struct message *m,
    bool (*is)(const struct progress_mark *mark))
{
	struct active *a = m->active;
	struct message_result *results =
	    calloc(a->body->progress.n, sizeof(*results));
	size_t n = 0;

	if (results == NULL)
		log_fatal(
		    "out of memory for %zu recipients", a->body->progress.n);
	for (size_t i = 0; i < a->body->progress.n; i++) {
		const struct progress_mark *mark = &a->body->progress.marks[i];

		if (!is(mark))
			continue;
		results[n].index = i;
		results[n].outcome =
		    mark->last != NULL
			? *mark->last
			: (struct outcome){.dsn = STR("4.4.7"),
			      .text = STR("delivery time expired"),
			      .relay = STR("none")};
		results[n].outcome.state = OUTCOME_BOUNCED;
		n++;
	}
	a->open += n;
	message_results(q, m, NULL, clock_wall(), results, n);
	free(results);
}

bool
expiry_is_due(const struct qmgr *q, const struct message *m)
{
	return is_expired(q, m) && has_one(m, may_expire);
}

void
expiry_run(struct qmgr *q, struct message *m)
{
	expire(q, m, may_expire);
}

bool
expiry_force(struct qmgr *q, struct message *m)
{
	if (!has_one(m, is_open))
		return false;
	expire(q, m, is_open);
	return true;
}
