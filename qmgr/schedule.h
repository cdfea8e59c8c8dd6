/* SPDX-License-Identifier: ISC */
/*
 * schedule - who goes next.
 *
 * An errand is one recipient of one message that is to go to a destination: a
 * transport and a next hop, and the recipient where a delivery is to have one
 * alone (X_destination_recipient_limit = 1).  Errands of one message to one
 * destination form a mailing; a job takes up to the destination's recipient
 * limit of them.  The schedule holds errands, mailings and destinations, and
 * answers two questions: which job may be given out now, and which message
 * that waits for room may come?  It knows nothing of sockets, disks or time
 * but what it is told, so that it is tested by simulation.  How it decides:
 * doc/schedule.md.
 *
 * The owner embeds struct errand and struct schedule_message in his own;
 * nothing is allocated for an errand.  Calls may come from within `suspended`.
 */
#ifndef QMGR_SCHEDULE_H
#define QMGR_SCHEDULE_H

#include "base/str.h"
#include "pace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct schedule;
struct destination;
struct mailing;
struct ticket;

struct errand {
	TAILQ_ENTRY(errand) link;
	struct mailing *mailing; /* NULL: not in the schedule */
	uint64_t index;          /* of the recipient: the owner's */
	bool is_passed;          /* an agent sent it on to another transport:
	                            it stands in no line */
};
TAILQ_HEAD(errand_list, errand);

/* What the schedule keeps of a message; zeroed at first. */
struct schedule_message {
	SLIST_HEAD(ticket_list, ticket) tickets; /* it waits for room there */
	uint32_t mailings;                       /* in the schedule */
	uint32_t rank; /* how many were put there since there were none */
};

/* What a transport's parameters say. */
struct schedule_limits {
	struct pace_limits pace;
	unsigned recipients; /* X_destination_recipient_limit; 0: no limit */
	unsigned processes;  /* jobs of the transport at a time; 0: any */
	size_t errands;      /* X_recipient_limit; 0: any */
	int64_t probe_after; /* ns between probes of a dead destination */
	int64_t rate_delay;  /* ns between jobs of a destination, which then
	                        has one at a time; 0: none */
	int64_t pause;       /* the same, of the whole transport */
};

/* What its owner has in memory, and may have.  It may change at any time. */
struct schedule_room {
	size_t messages, messages_max;
	size_t recipients, recipients_max;
};

struct schedule_events {
	/* Asked once for each transport that comes up, and on reconfigure. */
	void (*limits)(
	    void *arg, struct str transport, struct schedule_limits *ret);
	/* The destination is dead: the errand has left the schedule.  `why` is
	 * what the last job that failed said. */
	void (*suspended)(void *arg, struct schedule_message *m,
	    struct errand *e, struct str why);
	void *arg;
};

/* `room` stays. */
struct schedule *schedule_new(
    const struct schedule_events *events, const struct schedule_room *room);
void schedule_free(struct schedule **s);       /* holds no errand any more */
void schedule_reconfigure(struct schedule *s); /* asks all limits anew */

struct schedule_goal {
	struct str transport, nexthop, recipient;
};

enum schedule_answer {
	SCHEDULE_TAKEN,
	SCHEDULE_DEAD, /* and no probe is due: to be deferred */
	SCHEDULE_FULL, /* the message has, or had, a ticket for there */
	SCHEDULE_SKIPPED,
};

/*
 * One more errand.  SCHEDULE_DEAD comes with what its host last said in
 * *ret_why, which lives until the schedule is next called.
 */
enum schedule_answer schedule_add(struct schedule *s, struct errand *e,
    struct schedule_message *m, const struct schedule_goal *to, int64_t now,
    struct str *ret_why);
/* The same for one that was called: SCHEDULE_SKIPPED where it did not wait. */
enum schedule_answer schedule_add_called(struct schedule *s, struct errand *e,
    struct schedule_message *m, const struct schedule_goal *to, int64_t now,
    struct str *ret_why);
void schedule_remove(struct schedule *s, struct errand *e, int64_t now);

/*
 * Tickets.  schedule_call() gives a message for which there is room where it
 * waits, or NULL; that room is kept for it until schedule_served(), by when
 * its errands for there are added.
 */
struct schedule_message *schedule_call(struct schedule *s);
void schedule_served(
    struct schedule *s, struct schedule_message *m, int64_t now);
/* The message is gone: so are its tickets. */
void schedule_forget(
    struct schedule *s, struct schedule_message *m, int64_t now);

/* A job: errands of one message to one destination. */
struct schedule_job {
	struct destination *destination;
	struct str transport; /* live as long as the job */
	struct str nexthop;
	struct schedule_message *message;
	struct errand_list errands;
	unsigned count;
};

/*
 * The next job that may be given out; its errands have left the schedule.
 * False: none now; *ret_when is when to ask again unless something happens
 * before (a rate delay ends), CLOCK_NEVER for no such time.
 */
bool schedule_next(struct schedule *s, int64_t now, struct schedule_job *ret,
    int64_t *ret_when);

enum schedule_result {
	SCHEDULE_REACHED, /* there was somebody to talk to */
	SCHEDULE_FAILED,  /* the host could not be reached or would not talk */
	SCHEDULE_UNKNOWN, /* our own trouble says nothing about the host */
};
/* The job has ended; the destination may be gone afterwards. */
void schedule_done(struct schedule *s, struct destination *d,
    enum schedule_result result, struct str why, int64_t now);

/* For `valija top` and status: destinations, and jobs given out. */
size_t schedule_destinations(const struct schedule *s);
size_t schedule_busy(const struct schedule *s);
size_t schedule_errands(const struct schedule *s);

/*
 * One destination as it is now.  The strs live until the schedule is next
 * called to change.
 */
struct schedule_view {
	struct str transport, nexthop;
	size_t errands;  /* that wait for a job ... */
	size_t tickets;  /* ... and messages that wait for room here */
	unsigned busy;   /* jobs given out */
	unsigned window; /* jobs at a time, now */
	bool is_dead;    /* only probes go out ... */
	int64_t next_at; /* mono: ... not before; 0: at any time */
	struct str why;  /* what the last job that failed said; may be empty */
};
/*
 * The next one from *at on (0 at first), in no order; false: no more.
 *
 *	for (size_t at = 0; schedule_see(s, &at, &view);)
 */
bool schedule_see(
    const struct schedule *s, size_t *at, struct schedule_view *ret);

/* Forget that destinations are dead (postqueue -f). */
void schedule_revive(struct schedule *s);

#endif
