/* SPDX-License-Identifier: ISC */
/*
 * schedule - who goes next.
 *
 * An errand is one recipient of one message that is to go to a destination: a
 * transport and a next hop.  Errands of one message to one destination form a
 * mailing; a job takes up to the destination's recipient limit of them.  The
 * schedule holds errands, mailings and destinations, and answers one question:
 * which job may be given out now?  It knows nothing of sockets, disks or time
 * but what it is told, so that it is tested by simulation.
 *
 * Fairness.  Destinations with something to do and a free slot take turns.
 * Within a destination mailings take turns as well, a job each, so that a
 * single letter waits for one job of each big mailing at most.
 *
 * Concurrency.  A destination begins with `initial` jobs at a time.  Every
 * job that reached the host adds 1/concurrency, up to the limit; every job
 * that did not (could not connect, greeting refused ...) takes one away.  At
 * `cohort` such failures in a row, concurrency times over, the destination
 * is dead: its errands come back to the owner by `suspended` and are deferred
 * with the reason; one probe is let through after each `probe_after`.
 *
 * The owner embeds struct errand in his own; nothing is allocated for an
 * errand.  Calls may come from within `suspended`.
 */
#ifndef QMGR_SCHEDULE_H
#define QMGR_SCHEDULE_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct schedule;
struct destination;
struct mailing;

struct errand {
	TAILQ_ENTRY(errand) link;
	struct mailing *mailing; /* NULL: not in the schedule */
	uint64_t index;          /* of the recipient: the owner's ... */
	bool is_passed;          /* ... and this: an agent sent it on to
	                            another transport */
};
TAILQ_HEAD(errand_list, errand);

/* What a transport's parameters say. */
struct schedule_limits {
	unsigned initial;     /* initial_destination_concurrency */
	unsigned concurrency; /* X_destination_concurrency_limit */
	unsigned recipients;  /* X_destination_recipient_limit; 0: no limit */
	unsigned cohort;      /* X_destination_concurrency_failed_cohort_limit;
	                         0: never dead */
	unsigned processes;   /* jobs of the transport at a time; 0: any */
	int64_t probe_after;  /* ns between probes of a dead destination */
	int64_t rate_delay;   /* ns between jobs of a destination, which then
	                         has one at a time; 0: none */
	int64_t pause;        /* the same, of the whole transport */
};

struct schedule_events {
	/* Asked once for each transport that comes up, and on reconfigure. */
	void (*limits)(
	    void *arg, struct str transport, struct schedule_limits *ret);
	/* The destination is dead: the errand has left the schedule.  `why` is
	 * what the last job that failed said. */
	void (*suspended)(
	    void *arg, void *message, struct errand *e, struct str why);
	void *arg;
};

struct schedule *schedule_new(const struct schedule_events *events);
void schedule_free(struct schedule **s);       /* holds no errand any more */
void schedule_reconfigure(struct schedule *s); /* asks all limits anew */

/*
 * One more errand.  `message` is the owner's, and tells mailings apart.  With
 * a dead destination whose probe is not due: false, nothing was added, and
 * *ret_why is the reason to defer with.
 */
bool schedule_add(struct schedule *s, struct errand *e, void *message,
    struct str transport, struct str nexthop, int64_t now, struct str *ret_why);
void schedule_remove(struct schedule *s, struct errand *e);

/* A job: errands of one message to one destination. */
struct schedule_job {
	struct destination *destination;
	struct str transport; /* live as long as the job */
	struct str nexthop;
	void *message;
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
	size_t errands;  /* that wait for a job */
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
