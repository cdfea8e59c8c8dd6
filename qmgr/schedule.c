/* SPDX-License-Identifier: ISC */
/*
 * schedule - errands come in and go out as jobs, and what becomes of the jobs
 * says how many more their destination gets.
 */
#include "schedule.h"

#include "base/clock.h"
#include "destination.h"

#include <assert.h>
#include <stdlib.h>

/* So many of a transport's processes are kept for destinations that have
 * none: one in SPARE. */
#define SPARE 8

struct schedule *
schedule_new(
    const struct schedule_events *events, const struct schedule_room *room)
{
	struct schedule *s = schedule_allocate(sizeof(*s));

	s->events = *events;
	s->room = room;
	TAILQ_INIT(&s->transports);
	TAILQ_INIT(&s->lines);
	map_init(&s->destinations);
	map_init(&s->mailings);
	return s;
}

/* ---- coming in ---- */

static struct str
key_of(const struct mailing_key *key)
{
	return str_n((const char *)key, sizeof(*key));
}

static struct mailing *
find_mailing(
    struct schedule *s, struct destination *d, struct schedule_message *m)
{
	struct mailing_key key = {d, m};

	return m->mailings == 0 ? NULL : map_get(&s->mailings, key_of(&key));
}

/* The more a message has in the schedule, the later the next comes. */
static struct mailing *
new_mailing(
    struct schedule *s, struct destination *d, struct schedule_message *m)
{
	struct mailing *mailing = schedule_allocate(sizeof(*mailing));

	if (m->mailings++ == 0)
		m->rank = 0;
	mailing->key = (struct mailing_key){d, m};
	TAILQ_INIT(&mailing->errands);
	turns_put(&d->mailings, &mailing->turn, d->transport->turn + ++m->rank);
	d->nmailings++;
	map_put(&s->mailings, key_of(&mailing->key), mailing);
	return mailing;
}

static void
free_mailing(struct schedule *s, struct mailing *mailing)
{
	struct destination *d = mailing->key.destination;

	turns_take(&d->mailings, &mailing->turn);
	d->nmailings--;
	mailing->key.message->mailings--;
	map_del(&s->mailings, key_of(&mailing->key));
	free(mailing);
}

static void
put_errand(struct schedule *s, struct mailing *mailing, struct errand *e)
{
	struct destination *d = mailing->key.destination;

	e->mailing = mailing;
	TAILQ_INSERT_TAIL(&mailing->errands, e, link);
	d->errands++;
	d->transport->errands++;
	s->errands++;
}

static void
take_errand(struct schedule *s, struct errand *e)
{
	struct mailing *mailing = e->mailing;
	struct destination *d = mailing->key.destination;

	TAILQ_REMOVE(&mailing->errands, e, link);
	e->mailing = NULL;
	d->errands--;
	d->transport->errands--;
	s->errands--;
	if (TAILQ_EMPTY(&mailing->errands))
		free_mailing(s, mailing);
}

static enum schedule_answer
add(struct schedule *s, struct errand *e, struct schedule_message *m,
    struct destination *d, int64_t now, struct str *ret_why)
{
	struct mailing *mailing;

	assert(e->mailing == NULL);
	if (destination_is_shut(d, now)) {
		*ret_why = buf_str(&d->why);
		return SCHEDULE_DEAD;
	}
	mailing = find_mailing(s, d, m);
	if (mailing == NULL && !e->is_passed && !line_admits(s, d, m))
		return SCHEDULE_FULL;
	if (mailing == NULL)
		mailing = new_mailing(s, d, m);
	put_errand(s, mailing, e);
	destination_place(s, d, now);
	return SCHEDULE_TAKEN;
}

enum schedule_answer
schedule_add(struct schedule *s, struct errand *e, struct schedule_message *m,
    const struct schedule_goal *to, int64_t now, struct str *ret_why)
{
	struct destination *d = destination_get(s, to, now);
	enum schedule_answer answer = add(s, e, m, d, now, ret_why);

	if (answer == SCHEDULE_DEAD)
		line_leave(s, d, m); /* it comes again in its own time */
	return answer;
}

enum schedule_answer
schedule_add_called(struct schedule *s, struct errand *e,
    struct schedule_message *m, const struct schedule_goal *to, int64_t now,
    struct str *ret_why)
{
	struct destination *d = destination_get(s, to, now);

	if (line_has(d, m) || find_mailing(s, d, m) != NULL)
		return add(s, e, m, d, now, ret_why);
	destination_place(s, d, now); /* it may be new, for nothing */
	return SCHEDULE_SKIPPED;
}

void
schedule_remove(struct schedule *s, struct errand *e, int64_t now)
{
	struct destination *d;

	if (e->mailing == NULL)
		return;
	d = e->mailing->key.destination;
	take_errand(s, e);
	destination_place(s, d, now);
}

/* ---- going out ---- */

static void
fill_job(struct schedule *s, struct destination *d, struct schedule_job *ret)
{
	struct turn *first = turns_first(&d->mailings);
	struct mailing *mailing = (struct mailing *)first;
	const struct transport *t = d->transport;
	unsigned max = t->limits.recipients;
	uint64_t key = first->key < t->turn ? t->turn : first->key;
	size_t n = d->nmailings;
	struct errand *e;

	*ret = (struct schedule_job){
	    .destination = d,
	    .transport = t->name,
	    .nexthop = d->nexthop,
	    .message = mailing->key.message,
	};
	TAILQ_INIT(&ret->errands);
	while ((max == 0 || ret->count < max) && d->nmailings == n) {
		e = TAILQ_FIRST(&mailing->errands);
		take_errand(s, e);
		TAILQ_INSERT_TAIL(&ret->errands, e, link);
		ret->count++;
	}
	if (d->nmailings < n)
		return; /* it was the last of them */
	turns_take(&d->mailings, &mailing->turn);
	turns_put(&d->mailings, &mailing->turn, key + 1);
}

static void
give_out(struct schedule *s, struct destination *d, int64_t now,
    struct schedule_job *ret)
{
	struct transport *t = d->transport;

	if (t->turn < d->turn.key)
		t->turn = d->turn.key;
	d->paid = d->turn.key + 1;
	d->is_probing = d->is_dead;
	fill_job(s, d, ret);
	d->busy++;
	t->busy++;
	s->busy++;
	destination_place(s, d, now);
}

/* One at a time where the transport pauses between jobs. */
static unsigned
processes_left(const struct transport *t)
{
	unsigned max = t->limits.pause > 0 ? 1 : t->limits.processes;

	if (max == 0)
		return UINT32_MAX;
	return t->busy < max ? max - t->busy : 0;
}

/* The destination whose turn it is, or NULL. */
static struct destination *
find_next(const struct transport *t)
{
	struct turn *idle = turns_first(&t->idle);
	struct turn *working = turns_first(&t->working);
	unsigned left = processes_left(t);

	if (left == 0)
		return NULL;
	if (left <= t->limits.processes / SPARE || working == NULL ||
	    (idle != NULL && idle->key <= working->key))
		return (struct destination *)idle;
	return (struct destination *)working;
}

/* Its pause is not over; it is to be asked again then. */
static bool
is_pausing(const struct transport *t, int64_t now, int64_t *ret_when)
{
	if (t->next_at <= now)
		return false;
	if (t->next_at < *ret_when)
		*ret_when = t->next_at;
	return true;
}

bool
schedule_next(struct schedule *s, int64_t now, struct schedule_job *ret,
    int64_t *ret_when)
{
	struct transport *t;
	struct destination *d;

	*ret_when = CLOCK_NEVER;
	TAILQ_FOREACH (t, &s->transports, link) {
		destination_wake(s, t, now, ret_when);
		d = find_next(t);
		if (d == NULL || is_pausing(t, now, ret_when))
			continue;
		give_out(s, d, now, ret);
		TAILQ_REMOVE(&s->transports, t, link);
		TAILQ_INSERT_TAIL(&s->transports, t, link);
		return true;
	}
	return false;
}

/* ---- what jobs tell about their destination ---- */

static void
reward(struct destination *d)
{
	const struct pace_limits *l = &d->transport->limits.pace;

	if (d->is_dead) {
		d->is_dead = false;
		d->is_probing = false;
		d->next_at = 0;
		pace_init(&d->pace, l);
	}
	d->known_until = 0;
	pace_reached(&d->pace, l, d->busy);
}

/* Give all its errands back: each is deferred with what the host said. */
static void
suspend(struct schedule *s, struct destination *d)
{
	struct schedule_message *message;
	struct mailing *mailing;
	struct errand *e;

	while (!turns_is_empty(&d->mailings)) {
		mailing = (struct mailing *)turns_first(&d->mailings);
		message = mailing->key.message;
		e = TAILQ_FIRST(&mailing->errands);
		take_errand(s, e);
		s->events.suspended(
		    s->events.arg, message, e, buf_str(&d->why));
	}
}

static void
punish(struct schedule *s, struct destination *d, struct str why, int64_t now)
{
	const struct schedule_limits *l = &d->transport->limits;

	buf_reset(&d->why);
	buf_add_str(&d->why, str_sub(why, 0, d->why.max));
	d->known_until = now + l->probe_after;
	if (!pace_failed(&d->pace, &l->pace) && !d->is_dead)
		return;
	d->is_dead = true;
	d->is_probing = false;
	d->next_at = now + l->probe_after;
	d->known_until += l->probe_after;
	suspend(s, d);
}

/* Rates are pauses between the end of a job and the next one. */
static void
pause_after_job(struct destination *d, int64_t now)
{
	const struct schedule_limits *l = &d->transport->limits;

	if (l->rate_delay > 0 && !d->is_dead)
		d->next_at = now + l->rate_delay;
	if (l->pause > 0)
		d->transport->next_at = now + l->pause;
}

void
schedule_done(struct schedule *s, struct destination *d,
    enum schedule_result result, struct str why, int64_t now)
{
	assert(d->busy > 0 && d->transport->busy > 0);
	switch (result) {
	case SCHEDULE_REACHED:
		reward(d);
		break;
	case SCHEDULE_FAILED:
		punish(s, d, why, now);
		break;
	case SCHEDULE_UNKNOWN:
		d->is_probing = false;
		break;
	}
	d->busy--;
	d->transport->busy--;
	s->busy--;
	pause_after_job(d, now);
	destination_place(s, d, now);
}

void
schedule_revive(struct schedule *s)
{
	MAP_FOREACH (slot, &s->destinations) {
		struct destination *d = slot->value;

		if (d->is_dead)
			d->next_at = 0;
	}
}

void
schedule_reconfigure(struct schedule *s)
{
	struct transport *t;

	TAILQ_FOREACH (t, &s->transports, link)
		destination_ask_limits(s, t);
	MAP_FOREACH (slot, &s->destinations) {
		struct destination *d = slot->value;

		pace_fit(&d->pace, &d->transport->limits.pace);
	}
}

/* ---- to be seen ---- */

size_t
schedule_destinations(const struct schedule *s)
{
	return s->destinations.count;
}

size_t
schedule_busy(const struct schedule *s)
{
	return s->busy;
}

size_t
schedule_errands(const struct schedule *s)
{
	return s->errands;
}

bool
schedule_see(const struct schedule *s, size_t *at, struct schedule_view *ret)
{
	const struct destination *d;

	while (*at < s->destinations.cap) {
		d = s->destinations.slots[(*at)++].value;
		if (d == NULL)
			continue;
		*ret = (struct schedule_view){
		    .transport = d->transport->name,
		    .nexthop = d->nexthop,
		    .errands = d->errands,
		    .tickets = d->tickets,
		    .busy = d->busy,
		    .window = d->is_dead ? 1 : d->pace.window,
		    .is_dead = d->is_dead,
		    .next_at = d->next_at,
		    .why = buf_str(&d->why),
		};
		return true;
	}
	return false;
}

void
schedule_free(struct schedule **sp)
{
	struct schedule *s = *sp;
	struct transport *t;

	*sp = NULL;
	if (s == NULL)
		return;
	assert(s->errands == 0 && s->busy == 0 && TAILQ_EMPTY(&s->lines));
	MAP_FOREACH (slot, &s->destinations) {
		struct destination *d = slot->value;

		buf_done(&d->why);
		free(d);
	}
	while ((t = TAILQ_FIRST(&s->transports)) != NULL) {
		TAILQ_REMOVE(&s->transports, t, link);
		free(t);
	}
	map_done(&s->destinations);
	map_done(&s->mailings);
	free(s);
}
