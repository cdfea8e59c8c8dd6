/* SPDX-License-Identifier: ISC */
/*
 * destination - where mail goes, and where each of them stands: in one of its
 * transport's turns, among the dead, or nowhere for the moment.  The inside
 * of the schedule: schedule.c, destination.c, line.c.
 */
#ifndef QMGR_DESTINATION_H
#define QMGR_DESTINATION_H

#include "schedule.h"
#include "turns.h"

#include "base/buf.h"
#include "base/map.h"

TAILQ_HEAD(destination_list, destination);
TAILQ_HEAD(ticket_line, ticket);

struct transport {
	TAILQ_ENTRY(transport) link;
	struct str name;
	struct schedule_limits limits;
	unsigned busy;
	size_t errands;
	int64_t next_at; /* no job before */
	uint64_t turn;   /* the key of the job that was given out last */
	/* Destinations that may be given a job now: those that have none, and
	 * those that have some; and those that may later, by the time. */
	struct turns idle, working, delayed;
};

struct mailing {
	struct turn turn; /* first; in its destination's */
	/* What the map of mailings knows it by. */
	struct mailing_key {
		struct destination *destination;
		struct schedule_message *message;
	} key;
	struct errand_list errands;
};

/* A message waits for room at a destination. */
struct ticket {
	TAILQ_ENTRY(ticket) link;  /* in the line, unless it was called */
	SLIST_ENTRY(ticket) other; /* of the same message */
	struct destination *destination;
	struct schedule_message *message;
	bool is_called;
};

struct destination {
	struct turn turn; /* first; in `in`, unless that is NULL */
	struct turns *in;
	struct transport *transport;
	struct str key;     /* transport, NUL, next hop (, NUL, recipient) */
	struct str nexthop; /* into key */
	struct turns mailings;
	size_t nmailings;
	size_t errands;
	unsigned busy;
	uint64_t paid; /* the key of its next job is at least this */
	struct pace pace;
	bool is_dead, is_probing;
	int64_t next_at;     /* no job before: the next probe, or the rate */
	int64_t known_until; /* that it is dead, or failed */
	struct buf why;      /* what the last failure said */
	TAILQ_ENTRY(destination) link; /* in the schedule's lines ... */
	struct ticket_line line;       /* ... while somebody stands here */
	size_t tickets, called;        /* in the line; called out of it */
};

struct schedule {
	struct schedule_events events;
	const struct schedule_room *room;
	TAILQ_HEAD(, transport) transports; /* whose turn it is first */
	struct map destinations;
	struct map mailings;
	struct turns remembered; /* that have nothing, by known_until */
	struct destination_list lines;
	size_t busy;
	size_t errands;
};

void *schedule_allocate(size_t n);
void destination_ask_limits(struct schedule *s, struct transport *t);

struct destination *destination_get(
    struct schedule *s, const struct schedule_goal *to, int64_t now);
/* Put it where it belongs now; it may be gone afterwards. */
void destination_place(struct schedule *s, struct destination *d, int64_t now);
/* It is dead and nobody tries: mail for it is to be deferred. */
bool destination_is_shut(const struct destination *d, int64_t now);
/* Those whose time has come may be given jobs; when is it the next one's? */
void destination_wake(
    struct schedule *s, struct transport *t, int64_t now, int64_t *ret_when);

/* line.c: may a mailing of `m` begin?  If not it has a ticket then. */
bool line_admits(
    struct schedule *s, struct destination *d, struct schedule_message *m);
bool line_has(const struct destination *d, const struct schedule_message *m);
void line_leave(
    struct schedule *s, struct destination *d, struct schedule_message *m);

#endif
