/* SPDX-License-Identifier: ISC */
/*
 * line - messages that wait for room at a destination, first come first
 * served.  All that is in memory of one is its ticket.
 *
 * No destination gets more of the memory than is left for others: the first
 * that is slow takes half, the second half of what it left.  In the last
 * quarter each gets what keeps its jobs going, and in the last eighth only
 * those get something that have nothing.
 */
#include "destination.h"

#include <stdlib.h>

#define LOOK_AT   64 /* lines, for one that moves */
#define LEAST_MAX 50
#define SPARE     8 /* the last eighth */

static struct ticket *
find_ticket(const struct destination *d, const struct schedule_message *m)
{
	struct ticket *ticket;

	SLIST_FOREACH (ticket, &m->tickets, other)
		if (ticket->destination == d)
			return ticket;
	return NULL;
}

bool
line_has(const struct destination *d, const struct schedule_message *m)
{
	return find_ticket(d, m) != NULL;
}

static void
step_out(struct schedule *s, struct ticket *ticket)
{
	struct destination *d = ticket->destination;

	TAILQ_REMOVE(&d->line, ticket, link);
	if (--d->tickets == 0)
		TAILQ_REMOVE(&s->lines, d, link);
}

static void
drop_ticket(struct schedule *s, struct ticket *ticket)
{
	SLIST_REMOVE(&ticket->message->tickets, ticket, ticket, other);
	if (ticket->is_called)
		ticket->destination->called--;
	else
		step_out(s, ticket);
	free(ticket);
}

void
line_leave(
    struct schedule *s, struct destination *d, struct schedule_message *m)
{
	struct ticket *ticket = find_ticket(d, m);

	if (ticket != NULL)
		drop_ticket(s, ticket);
}

static void
give_ticket(
    struct schedule *s, struct destination *d, struct schedule_message *m)
{
	struct ticket *ticket = schedule_allocate(sizeof(*ticket));

	ticket->destination = d;
	ticket->message = m;
	SLIST_INSERT_HEAD(&m->tickets, ticket, other);
	TAILQ_INSERT_TAIL(&d->line, ticket, link);
	if (d->tickets++ == 0)
		TAILQ_INSERT_TAIL(&s->lines, d, link);
}

static size_t
left_of(size_t max, size_t used)
{
	return max > used ? max - used : 0;
}

/* Enough for two rounds of jobs. */
static size_t
least(const struct destination *d)
{
	return d->pace.window < LEAST_MAX / 2 ? 2 * d->pace.window : LEAST_MAX;
}

static size_t
find_share(const struct schedule_room *room, const struct destination *d)
{
	size_t spare = room->messages_max / SPARE;
	size_t left = left_of(room->messages_max, room->messages);
	size_t share = left_of(left, 2 * spare);

	if (left <= spare)
		return 0;
	return share < least(d) ? least(d) : share;
}

static bool
has_room(const struct schedule *s, const struct destination *d)
{
	const struct schedule_room *room = s->room;
	const struct transport *t = d->transport;
	size_t mailings = d->nmailings + d->called;

	if (mailings == 0)
		return true;
	return mailings < find_share(room, d) &&
	       d->errands < left_of(room->recipients_max, room->recipients) &&
	       (t->limits.errands == 0 || t->errands < t->limits.errands);
}

bool
line_admits(
    struct schedule *s, struct destination *d, struct schedule_message *m)
{
	struct ticket *ticket = find_ticket(d, m);

	if (ticket != NULL && !ticket->is_called)
		return false;
	if (ticket == NULL && (d->tickets > 0 || !has_room(s, d))) {
		give_ticket(s, d, m);
		return false;
	}
	if (ticket != NULL)
		drop_ticket(s, ticket);
	return true;
}

struct schedule_message *
schedule_call(struct schedule *s)
{
	struct destination *d;
	struct ticket *ticket;

	for (int i = 0; i < LOOK_AT; i++) {
		d = TAILQ_FIRST(&s->lines);
		if (d == NULL)
			return NULL;
		TAILQ_REMOVE(&s->lines, d, link);
		TAILQ_INSERT_TAIL(&s->lines, d, link);
		if (!has_room(s, d))
			continue;
		ticket = TAILQ_FIRST(&d->line);
		step_out(s, ticket);
		ticket->is_called = true;
		d->called++;
		return ticket->message;
	}
	return NULL;
}

static void
drop_tickets(
    struct schedule *s, struct schedule_message *m, bool are_all, int64_t now)
{
	struct ticket *ticket, *next;
	struct destination *d;

	SLIST_FOREACH_SAFE(ticket, &m->tickets, other, next)
	{
		if (!are_all && !ticket->is_called)
			continue;
		d = ticket->destination;
		drop_ticket(s, ticket);
		destination_place(s, d, now);
	}
}

void
schedule_served(struct schedule *s, struct schedule_message *m, int64_t now)
{
	drop_tickets(s, m, false, now);
}

void
schedule_forget(struct schedule *s, struct schedule_message *m, int64_t now)
{
	drop_tickets(s, m, true, now);
}
