/* SPDX-License-Identifier: ISC */
/*
 * sim - qmgr without disk and network: messages, a schedule, hosts that take
 * their time, and a clock that is a number.  What is told of it is the same
 * each time.
 *
 * As in qmgr, a message that becomes active takes a moment (LOAD) to be read,
 * those that are due are read 2 ms at a time between other events, and what
 * finds no room at its destinations is passive until it is called.
 *
 *	struct sim sim;
 *	sim_init(&sim, &limits);
 *	sim_host(&sim, "slow", 10 * CLOCK_SEC);
 *	sim_post(&sim, 0, "slow", 1);
 *	sim_run(&sim, CLOCK_NEVER);
 */
#ifndef T_SIM_H
#define T_SIM_H

#include "base/clock.h"
#include "schedule.h"
#include "turns.h"

#define SIM_HOSTS_MAX 64

struct sim_host {
	const char *name;
	int64_t takes; /* a job's time */
	bool is_down;  /* no job reaches it */
	unsigned most; /* jobs at a time, else refused at once; 0: any */
	/* What came of it. */
	unsigned busy, busiest;
	size_t jobs, failed;
	int64_t last_end;       /* of a job */
	int64_t shortest_pause; /* between that and the next one's begin */
};

struct sim_errand {
	struct errand errand; /* first */
	char name[24];        /* the next hop; "h7" of "h*" */
	int64_t done;         /* since its message was posted; -1: not yet */
	bool is_deferred;
};

struct sim_message {
	struct schedule_message turns;  /* first */
	STAILQ_ENTRY(sim_message) link; /* of those that are due */
	SLIST_ENTRY(sim_message) other; /* of all */
	int64_t posted;
	bool is_active, is_due, is_called;
	size_t n, open;
	struct sim_errand errands[];
};

struct sim {
	struct schedule *schedule;
	struct schedule_limits limits;
	struct schedule_room room;
	int64_t now;
	struct turns events; /* arrivals and ends of jobs */
	STAILQ_HEAD(, sim_message) due;
	SLIST_HEAD(, sim_message) all;
	struct sim_host hosts[SIM_HOSTS_MAX];
	size_t nhosts;
	unsigned busy, busiest; /* jobs, over all */
	size_t done, deferred;  /* recipients */
	size_t jobs;
	size_t most_messages; /* in memory at a time */
};

void sim_init(struct sim *sim, const struct schedule_limits *limits);
void sim_done(struct sim *sim); /* all that was posted is done */
struct sim_host *sim_host(struct sim *sim, const char *name, int64_t takes);

/* A message to `n` recipients there; "h*" is a host of its own for each. */
struct sim_message *sim_post(
    struct sim *sim, int64_t at, const char *host, size_t n);
/* One more recipient somewhere else, before it arrives. */
struct sim_message *sim_post_both(
    struct sim *sim, int64_t at, const char *host, const char *other);

/* Until nothing is left to do, or that time. */
void sim_run(struct sim *sim, int64_t until);

#endif
