/* SPDX-License-Identifier: ISC */
/* counters - one client's conversation: parcel by parcel, nothing waits. */
#include "counters.h"

#include "base/log.h"

#include <stdlib.h>

struct asker {
	struct counters *counters;
	struct chan *chan;
	struct sessions_share share;
};

void
counters_init(struct counters *c, int64_t unit)
{
	*c = (struct counters){0};
	windows_init(&c->windows, unit);
	sessions_init(&c->sessions);
}

void
counters_done(struct counters *c)
{
	windows_done(&c->windows);
	sessions_done(&c->sessions);
}

static void
end(struct asker *a)
{
	sessions_leave(&a->share);
	chan_close(&a->chan);
	free(a);
}

static void
closed(struct chan *chan, const char *why, void *arg)
{
	(void)chan;
	if (*why != '\0')
		log_warning("a client's conversation ended: %s", why);
	end(arg);
}

/* False: more than a client may have. */
static bool
count(struct asker *a, const struct memo_count *c, uint64_t *ret)
{
	enum memo_what what = (enum memo_what)c->what; /* its shape says so */

	if (what != MEMO_SESSIONS)
		*ret = windows_add(&a->counters->windows, what, c->key, c->n);
	else if (!sessions_set(&a->share, c->key, c->n, ret))
		return false;
	statistics_note(&a->counters->statistics, what, c->key, *ret);
	return true;
}

static void
take_parcel(struct chan *chan, struct parcel *p, void *arg)
{
	struct asker *a = arg;
	const struct memo_ask *ask = p->value;
	const struct memo_count *counts = ask->counts.p;
	struct memo_total totals[MEMO_COUNTS_MAX];
	struct memo_answer answer = {{totals, ask->counts.n}};

	if (p->kind != MEMO_ASK && p->kind != MEMO_TELL)
		return;
	for (size_t i = 0; i < ask->counts.n; i++) {
		if (count(a, &counts[i], &totals[i].n))
			continue;
		log_warning("a client's conversation ended: more than %d "
			    "clients of its own",
		    SESSIONS_SHARE_MAX);
		end(a);
		return;
	}
	statistics_note_cache(
	    &a->counters->statistics, windows_count(&a->counters->windows));
	if (p->kind == MEMO_ASK)
		chan_send(chan, MEMO_ANSWER, p->exchange, &answer, NULL, 0);
}

void
counters_serve(struct counters *c, int fd)
{
	static const struct chan_events events = {take_parcel, closed};
	struct asker *a = calloc(1, sizeof(*a));

	if (a == NULL)
		log_fatal("out of memory for a conversation");
	a->counters = c;
	sessions_join(&a->share, &c->sessions);
	a->chan = chan_new(fd, &memo_protocol, &events, a);
}
