/* SPDX-License-Identifier: ISC */
/*
 * schedule - destinations that may be given a job stand in a ring and take
 * turns; so do the mailings of a destination.  A destination lives while it
 * has errands or jobs, or while there is something to remember about it: that
 * it is dead, or when its next job may start.
 */
#include "schedule.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define WHY_MAX 1024

TAILQ_HEAD(destination_list, destination);

struct transport {
	TAILQ_ENTRY(transport) link;
	struct str name;
	struct schedule_limits limits;
	unsigned busy;
	int64_t next_at;                 /* no job before */
	struct destination_list ring;    /* may be given a job now */
	struct destination_list delayed; /* later, in this order */
};

struct mailing {
	TAILQ_ENTRY(mailing) link;
	/* What the map of mailings knows it by. */
	struct mailing_key {
		struct destination *destination;
		void *message;
	} key;
	struct errand_list errands;
};

struct destination {
	TAILQ_ENTRY(destination) link; /* in `list`, unless that is NULL */
	struct destination_list *list;
	struct transport *transport;
	struct str key;     /* transport, NUL, next hop */
	struct str nexthop; /* into key */
	TAILQ_HEAD(, mailing) mailings;
	size_t errands;
	unsigned busy;
	double window;   /* jobs at a time, at least 1 */
	double failures; /* in a row, a whole window being 1 */
	bool is_dead;
	int64_t next_at; /* no job before: the next probe, or the rate */
	struct buf why;  /* what the last failure said */
};

struct schedule {
	struct schedule_events events;
	TAILQ_HEAD(, transport) transports; /* whose turn it is first */
	struct map destinations;
	struct map mailings;
	struct destination_list dead; /* without errands, oldest first */
	size_t busy;
	size_t errands;
};

static void *
allocate(size_t n)
{
	void *p = calloc(1, n);

	if (p == NULL)
		log_fatal("out of memory for the schedule");
	return p;
}

struct schedule *
schedule_new(const struct schedule_events *events)
{
	struct schedule *s = allocate(sizeof(*s));

	s->events = *events;
	TAILQ_INIT(&s->transports);
	TAILQ_INIT(&s->dead);
	map_init(&s->destinations);
	map_init(&s->mailings);
	return s;
}

static void
ask_limits(struct schedule *s, struct transport *t)
{
	t->limits = (struct schedule_limits){.initial = 1, .concurrency = 1};
	s->events.limits(s->events.arg, t->name, &t->limits);
	if (t->limits.concurrency == 0 || t->limits.rate_delay > 0)
		t->limits.concurrency = 1; /* or there is no rate */
	if (t->limits.initial == 0)
		t->limits.initial = 1;
	if (t->limits.initial > t->limits.concurrency)
		t->limits.initial = t->limits.concurrency;
}

static struct transport *
get_transport(struct schedule *s, struct str name)
{
	struct transport *t;
	char *text;

	TAILQ_FOREACH (t, &s->transports, link)
		if (str_eq(t->name, name))
			return t;
	t = allocate(sizeof(*t) + name.len + 1);
	text = (char *)(t + 1);
	memcpy(text, name.p, name.len);
	t->name = str_n(text, name.len);
	TAILQ_INIT(&t->ring);
	TAILQ_INIT(&t->delayed);
	ask_limits(s, t);
	TAILQ_INSERT_TAIL(&s->transports, t, link);
	return t;
}

/* Destinations: into and out of the lists. */

static void
unlist(struct destination *d)
{
	if (d->list != NULL)
		TAILQ_REMOVE(d->list, d, link);
	d->list = NULL;
}

static void
list(struct destination *d, struct destination_list *where)
{
	d->list = where;
	TAILQ_INSERT_TAIL(where, d, link);
}

static void
free_destination(struct schedule *s, struct destination *d)
{
	assert(d->busy == 0 && TAILQ_EMPTY(&d->mailings));
	unlist(d);
	map_del(&s->destinations, d->key);
	buf_done(&d->why);
	free(d);
}

/* A dead host is known to be dead until its probe is long overdue. */
static void
forget_dead(struct schedule *s, int64_t now)
{
	struct destination *d;

	while ((d = TAILQ_FIRST(&s->dead)) != NULL &&
	       now - d->next_at > d->transport->limits.probe_after)
		free_destination(s, d);
}

static bool
has_slot(const struct destination *d)
{
	return d->busy < (d->is_dead ? 1 : (unsigned)d->window);
}

/* Put the destination where it belongs now; it may be gone afterwards. */
static void
place(struct schedule *s, struct destination *d, int64_t now)
{
	bool is_early = d->next_at > now;

	if (!TAILQ_EMPTY(&d->mailings)) {
		if (!has_slot(d) || d->list == &d->transport->ring)
			return;
		unlist(d);
		list(d, is_early && !d->is_dead ? &d->transport->delayed
						: &d->transport->ring);
		return;
	}
	unlist(d);
	if (d->busy > 0)
		return;
	if (d->is_dead)
		list(d, &s->dead);
	else if (is_early) /* what its rate is must not be forgotten */
		list(d, &d->transport->delayed);
	else
		free_destination(s, d);
}

static struct destination *
get_destination(
    struct schedule *s, struct str transport, struct str nexthop, int64_t now)
{
	BUF_CLEANUP struct buf key = {0};
	struct destination *d;
	char *text;

	buf_init(&key, transport.len + 1 + nexthop.len);
	buf_add_str(&key, transport);
	buf_add_char(&key, '\0');
	buf_add_str(&key, nexthop);
	d = map_get(&s->destinations, buf_str(&key));
	if (d != NULL)
		return d;
	forget_dead(s, now);
	d = allocate(sizeof(*d) + key.len + 1);
	text = (char *)(d + 1);
	memcpy(text, key.p, key.len);
	d->key = str_n(text, key.len);
	d->nexthop = str_from(d->key, transport.len + 1);
	d->transport = get_transport(s, transport);
	d->window = d->transport->limits.initial;
	TAILQ_INIT(&d->mailings);
	buf_init(&d->why, WHY_MAX);
	map_put(&s->destinations, d->key, d);
	return d;
}

/* Mailings. */

static struct str
key_of(const struct mailing_key *key)
{
	return str_n((const char *)key, sizeof(*key));
}

static struct mailing *
get_mailing(struct schedule *s, struct destination *d, void *message)
{
	struct mailing_key key = {d, message};
	struct mailing *m = map_get(&s->mailings, key_of(&key));

	if (m != NULL)
		return m;
	m = allocate(sizeof(*m));
	m->key = key;
	TAILQ_INIT(&m->errands);
	TAILQ_INSERT_TAIL(&d->mailings, m, link);
	map_put(&s->mailings, key_of(&m->key), m);
	return m;
}

static void
take_errand(struct schedule *s, struct errand *e)
{
	TAILQ_REMOVE(&e->mailing->errands, e, link);
	e->mailing->key.destination->errands--;
	e->mailing = NULL;
	s->errands--;
}

static void
free_mailing(struct schedule *s, struct mailing *m)
{
	TAILQ_REMOVE(&m->key.destination->mailings, m, link);
	map_del(&s->mailings, key_of(&m->key));
	free(m);
}

bool
schedule_add(struct schedule *s, struct errand *e, void *message,
    struct str transport, struct str nexthop, int64_t now, struct str *ret_why)
{
	struct destination *d = get_destination(s, transport, nexthop, now);

	assert(e->mailing == NULL);
	if (d->is_dead && (d->busy > 0 || d->next_at > now)) {
		*ret_why = buf_str(&d->why);
		return false;
	}
	e->mailing = get_mailing(s, d, message);
	TAILQ_INSERT_TAIL(&e->mailing->errands, e, link);
	d->errands++;
	s->errands++;
	place(s, d, now);
	return true;
}

void
schedule_remove(struct schedule *s, struct errand *e)
{
	struct mailing *m = e->mailing;
	struct destination *d;

	if (m == NULL)
		return;
	d = m->key.destination;
	take_errand(s, e);
	if (!TAILQ_EMPTY(&m->errands))
		return;
	free_mailing(s, m);
	if (TAILQ_EMPTY(&d->mailings))
		place(s, d, clock_mono());
}

/* Giving out. */

static void
wake_delayed(
    struct schedule *s, struct transport *t, int64_t now, int64_t *ret_when)
{
	struct destination *d;

	while ((d = TAILQ_FIRST(&t->delayed)) != NULL) {
		if (d->next_at > now) {
			if (d->next_at < *ret_when)
				*ret_when = d->next_at;
			return;
		}
		unlist(d);
		place(s, d, now);
	}
}

static void
fill_job(struct schedule *s, struct destination *d, struct schedule_job *ret)
{
	struct mailing *m = TAILQ_FIRST(&d->mailings);
	unsigned max = d->transport->limits.recipients;
	struct errand *e;

	*ret = (struct schedule_job){
	    .destination = d,
	    .transport = d->transport->name,
	    .nexthop = d->nexthop,
	    .message = m->key.message,
	};
	TAILQ_INIT(&ret->errands);
	while ((max == 0 || ret->count < max) &&
	       (e = TAILQ_FIRST(&m->errands)) != NULL) {
		take_errand(s, e);
		TAILQ_INSERT_TAIL(&ret->errands, e, link);
		ret->count++;
	}
	if (TAILQ_EMPTY(&m->errands)) {
		free_mailing(s, m);
		return;
	}
	TAILQ_REMOVE(&d->mailings, m, link);
	TAILQ_INSERT_TAIL(&d->mailings, m, link);
}

static bool
is_full(const struct transport *t)
{
	unsigned max = t->limits.pause > 0 ? 1 : t->limits.processes;

	return max > 0 && t->busy >= max;
}

/* Its pause is not over; it is to be asked again then. */
static bool
is_pausing(const struct transport *t, int64_t now, int64_t *ret_when)
{
	if (t->next_at <= now)
		return false;
	if (!TAILQ_EMPTY(&t->ring) && t->next_at < *ret_when)
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
		wake_delayed(s, t, now, ret_when);
		d = TAILQ_FIRST(&t->ring);
		if (d == NULL || is_full(t) || is_pausing(t, now, ret_when))
			continue;
		unlist(d);
		fill_job(s, d, ret);
		d->busy++;
		t->busy++;
		s->busy++;
		place(s, d, now);
		TAILQ_REMOVE(&s->transports, t, link);
		TAILQ_INSERT_TAIL(&s->transports, t, link);
		return true;
	}
	return false;
}

/* What jobs tell about their destination. */

static void
reward(struct destination *d)
{
	unsigned max = d->transport->limits.concurrency;

	if (d->is_dead) {
		d->is_dead = false;
		d->next_at = 0;
		d->window = d->transport->limits.initial;
	}
	d->failures = 0;
	d->window += 1 / d->window;
	if (d->window > max)
		d->window = max;
}

/* Give all its errands back: each is deferred with what the host said. */
static void
suspend(struct schedule *s, struct destination *d)
{
	struct mailing *m;
	struct errand *e;
	void *message;

	while ((m = TAILQ_FIRST(&d->mailings)) != NULL) {
		message = m->key.message;
		e = TAILQ_FIRST(&m->errands);
		take_errand(s, e);
		if (TAILQ_EMPTY(&m->errands))
			free_mailing(s, m);
		s->events.suspended(
		    s->events.arg, message, e, buf_str(&d->why));
	}
}

static void
punish(struct schedule *s, struct destination *d, struct str why, int64_t now)
{
	const struct schedule_limits *l = &d->transport->limits;

	buf_reset(&d->why);
	buf_add_str(&d->why, str_sub(why, 0, WHY_MAX));
	d->failures += 1 / d->window;
	d->window = d->window > 2 ? d->window - 1 : 1;
	if (!d->is_dead && (l->cohort == 0 || d->failures < l->cohort))
		return;
	d->is_dead = true;
	d->next_at = now + l->probe_after;
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
		break;
	}
	d->busy--;
	d->transport->busy--;
	s->busy--;
	pause_after_job(d, now);
	place(s, d, now);
}

void
schedule_revive(struct schedule *s)
{
	struct destination *d;

	MAP_FOREACH (slot, &s->destinations) {
		d = slot->value;
		if (d->is_dead)
			d->next_at = 0;
	}
}

void
schedule_reconfigure(struct schedule *s)
{
	struct transport *t;

	TAILQ_FOREACH (t, &s->transports, link)
		ask_limits(s, t);
	MAP_FOREACH (slot, &s->destinations) {
		struct destination *d = slot->value;

		if (d->window > d->transport->limits.concurrency)
			d->window = d->transport->limits.concurrency;
	}
}

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
		    .busy = d->busy,
		    .window = d->is_dead ? 1 : (unsigned)d->window,
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
	assert(s->errands == 0 && s->busy == 0);
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
