/* SPDX-License-Identifier: ISC */
/*
 * destination - a destination lives while it has errands, jobs or tickets, or
 * while there is something to remember about it: that it failed or is dead,
 * or when its next job may start.
 */
#include "destination.h"

#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define WHY_MAX 1024

void *
schedule_allocate(size_t n)
{
	void *p = calloc(1, n);

	if (p == NULL)
		log_fatal("out of memory for the schedule");
	return p;
}

void
destination_ask_limits(struct schedule *s, struct transport *t)
{
	struct pace_limits *pace = &t->limits.pace;

	t->limits = (struct schedule_limits){.pace = {.initial = 1, .most = 1}};
	s->events.limits(s->events.arg, t->name, &t->limits);
	if (pace->most == 0 || t->limits.rate_delay > 0)
		pace->most = 1; /* or there is no rate */
	if (pace->initial == 0)
		pace->initial = 1;
}

static struct transport *
get_transport(struct schedule *s, struct str name)
{
	struct transport *t;
	char *text;

	TAILQ_FOREACH (t, &s->transports, link)
		if (str_eq(t->name, name))
			return t;
	t = schedule_allocate(sizeof(*t) + name.len + 1);
	text = (char *)(t + 1);
	memcpy(text, name.p, name.len);
	t->name = str_n(text, name.len);
	destination_ask_limits(s, t);
	TAILQ_INSERT_TAIL(&s->transports, t, link);
	return t;
}

/* ---- where it stands ---- */

static bool
has_slot(const struct destination *d)
{
	return d->busy < (d->is_dead ? 1 : d->pace.window);
}

bool
destination_is_shut(const struct destination *d, int64_t now)
{
	return d->is_dead && !d->is_probing && d->next_at > now;
}

static struct turns *
find_turns(struct schedule *s, struct destination *d, int64_t now)
{
	struct transport *t = d->transport;
	bool is_early = d->next_at > now;

	if (turns_is_empty(&d->mailings)) {
		if (d->busy > 0)
			return NULL;
		if (d->known_until > now)
			return &s->remembered;
		return is_early ? &t->delayed : NULL;
	}
	if (!has_slot(d))
		return NULL;
	if (is_early && !d->is_dead)
		return &t->delayed;
	return d->busy == 0 ? &t->idle : &t->working;
}

/*
 * Its next job comes behind what it had already, and behind what its message
 * had.  Who was away has no claim on the turns that went by.
 */
static uint64_t
find_key(struct destination *d, const struct turns *in)
{
	const struct transport *t = d->transport;
	uint64_t key;

	if (in == &t->delayed)
		return (uint64_t)d->next_at;
	if (in != &t->idle && in != &t->working)
		return (uint64_t)d->known_until;
	if (d->in != &t->idle && d->in != &t->working && d->paid < t->turn)
		d->paid = t->turn;
	key = turns_first(&d->mailings)->key;
	return key < d->paid ? d->paid : key;
}

static bool
is_needed(const struct destination *d)
{
	return d->in != NULL || d->busy > 0 || d->tickets + d->called > 0 ||
	       !turns_is_empty(&d->mailings);
}

static void
free_destination(struct schedule *s, struct destination *d)
{
	if (d->in != NULL)
		turns_take(d->in, &d->turn);
	map_del(&s->destinations, d->key);
	buf_done(&d->why);
	free(d);
}

void
destination_place(struct schedule *s, struct destination *d, int64_t now)
{
	struct turns *in = find_turns(s, d, now);
	uint64_t key = in == NULL ? 0 : find_key(d, in);

	if (in != d->in || (in != NULL && key != d->turn.key)) {
		if (d->in != NULL)
			turns_take(d->in, &d->turn);
		d->in = in;
		if (in != NULL)
			turns_put(in, &d->turn, key);
	}
	if (!is_needed(d))
		free_destination(s, d);
}

void
destination_wake(
    struct schedule *s, struct transport *t, int64_t now, int64_t *ret_when)
{
	struct destination *d;

	while ((d = (struct destination *)turns_first(&t->delayed)) != NULL) {
		if (d->next_at > now) {
			if (d->next_at < *ret_when)
				*ret_when = d->next_at;
			return;
		}
		destination_place(s, d, now);
	}
}

/* ---- those that are known ---- */

/* That a host failed, or is dead, is known for a while. */
static void
forget_some(struct schedule *s, int64_t now)
{
	struct destination *d;

	while (
	    (d = (struct destination *)turns_first(&s->remembered)) != NULL &&
	    d->known_until <= now) {
		d->is_dead = false;
		d->next_at = 0;
		pace_init(&d->pace, &d->transport->limits.pace);
		destination_place(s, d, now);
	}
}

static void
add_key(
    struct buf *key, const struct transport *t, const struct schedule_goal *to)
{
	buf_init(key, t->name.len + to->nexthop.len + to->recipient.len + 2);
	buf_add_str(key, t->name);
	buf_add_char(key, '\0');
	buf_add_str(key, to->nexthop);
	if (t->limits.recipients == 1) {
		buf_add_char(key, '\0');
		buf_add_str(key, to->recipient);
	}
}

struct destination *
destination_get(struct schedule *s, const struct schedule_goal *to, int64_t now)
{
	struct transport *t = get_transport(s, to->transport);
	BUF_CLEANUP struct buf key = {0};
	struct destination *d;
	char *text;

	add_key(&key, t, to);
	d = map_get(&s->destinations, buf_str(&key));
	if (d != NULL)
		return d;
	forget_some(s, now);
	d = schedule_allocate(sizeof(*d) + key.len + 1);
	text = (char *)(d + 1);
	memcpy(text, key.p, key.len);
	d->key = str_n(text, key.len);
	d->nexthop = str_sub(d->key, t->name.len + 1, to->nexthop.len);
	d->transport = t;
	pace_init(&d->pace, &t->limits.pace);
	TAILQ_INIT(&d->line);
	buf_init(&d->why, WHY_MAX);
	map_put(&s->destinations, d->key, d);
	return d;
}
