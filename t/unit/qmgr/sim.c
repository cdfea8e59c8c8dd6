/* SPDX-License-Identifier: ISC */
/* sim - one event after the other. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOAD  (50 * INT64_C(1000)) /* a message read and routed */
#define SLICE (2 * CLOCK_MS)

/* A job in a host's hands. */
struct work {
	struct schedule_job job;
	struct sim_host *host;
	bool is_refused;
};

struct event {
	struct turn turn;            /* first */
	struct sim_message *arrival; /* or the end of ... */
	struct work *work;
};

static void *
make(size_t n)
{
	void *p = calloc(1, n);

	if (p == NULL)
		abort();
	return p;
}

static void
give_limits(void *arg, struct str transport, struct schedule_limits *ret)
{
	struct sim *sim = arg;

	(void)transport;
	*ret = sim->limits;
}

/* ---- messages ---- */

static void
wait_turn(struct sim *sim, struct sim_message *m)
{
	m->is_due = true;
	STAILQ_INSERT_TAIL(&sim->due, m, link);
}

static void
look(struct sim *sim, struct sim_message *m)
{
	if (m->open > 0)
		return;
	m->is_active = false;
	sim->room.messages--;
	sim->room.recipients -= m->n;
	if (m->is_called)
		wait_turn(sim, m);
}

static void
close_errand(struct sim *sim, struct sim_message *m, struct sim_errand *e,
    bool is_deferred)
{
	e->done = sim->now - m->posted;
	e->is_deferred = is_deferred;
	sim->done++;
	sim->deferred += is_deferred;
	m->open--;
	look(sim, m);
}

static void
note_suspended(
    void *arg, struct schedule_message *turns, struct errand *e, struct str why)
{
	(void)why;
	close_errand(
	    arg, (struct sim_message *)turns, (struct sim_errand *)e, true);
}

static void
route(
    struct sim *sim, struct sim_message *m, struct sim_errand *e, bool is_rest)
{
	struct schedule_goal to = {
	    .transport = STR("smtp"),
	    .nexthop = str_c(e->name),
	    .recipient = str_c(e->name),
	};
	struct str why;
	enum schedule_answer answer =
	    (is_rest ? schedule_add_called : schedule_add)(
		sim->schedule, &e->errand, &m->turns, &to, sim->now, &why);

	if (answer == SCHEDULE_DEAD)
		close_errand(sim, m, e, true);
	else if (answer != SCHEDULE_TAKEN)
		m->open--;
}

static void
become_active(struct sim *sim, struct sim_message *m)
{
	bool is_rest = m->is_called;

	m->is_active = true;
	m->is_due = false;
	m->is_called = false;
	m->open = 1;
	sim->room.messages++;
	sim->room.recipients += m->n;
	if (sim->room.messages > sim->most_messages)
		sim->most_messages = sim->room.messages;
	for (size_t i = 0; i < m->n; i++) {
		if (m->errands[i].done >= 0)
			continue;
		m->open++;
		route(sim, m, &m->errands[i], is_rest);
	}
	if (is_rest && !m->is_called)
		schedule_served(sim->schedule, &m->turns, sim->now);
	m->open--;
	look(sim, m);
}

static bool
has_room(const struct sim *sim)
{
	return sim->room.messages == 0 ||
	       (sim->room.messages < sim->room.messages_max &&
		   sim->room.recipients < sim->room.recipients_max);
}

static bool
wake_one(struct sim *sim)
{
	struct sim_message *m = STAILQ_FIRST(&sim->due);
	bool is_one = m != NULL;

	if (is_one) {
		STAILQ_REMOVE_HEAD(&sim->due, link);
		sim->now += LOAD;
		become_active(sim, m);
	}
	if (!has_room(sim))
		return is_one;
	m = (struct sim_message *)schedule_call(sim->schedule);
	if (m == NULL)
		return is_one;
	m->is_called = true;
	if (!m->is_active && !m->is_due) {
		sim->now += LOAD;
		become_active(sim, m);
	}
	return true;
}

/* ---- jobs ---- */

static struct sim_host *
find_host(struct sim *sim, const char *name)
{
	for (size_t i = 0; i < sim->nhosts; i++) {
		size_t n = strlen(sim->hosts[i].name);

		if (sim->hosts[i].name[n - 1] == '*')
			n--;
		else
			n++;
		if (strncmp(sim->hosts[i].name, name, n) == 0)
			return &sim->hosts[i];
	}
	abort();
}

static void
add_event(
    struct sim *sim, int64_t at, struct sim_message *arrival, struct work *work)
{
	struct event *e = make(sizeof(*e));

	e->arrival = arrival;
	e->work = work;
	turns_put(&sim->events, &e->turn, (uint64_t)at);
}

static void
begin_job(struct sim *sim, struct schedule_job *job)
{
	struct sim_errand *e = (struct sim_errand *)TAILQ_FIRST(&job->errands);
	struct sim_host *host = find_host(sim, e->name);
	struct work *work = make(sizeof(*work));

	sim->jobs++;
	if (host->jobs > 0 && host->busy == 0 &&
	    sim->now - host->last_end < host->shortest_pause)
		host->shortest_pause = sim->now - host->last_end;
	host->jobs++;
	work->host = host;
	work->is_refused =
	    host->is_down || (host->most > 0 && host->busy >= host->most);
	work->job = *job;
	TAILQ_INIT(&work->job.errands);
	TAILQ_CONCAT(&work->job.errands, &job->errands, link);
	if (!work->is_refused && ++host->busy > host->busiest)
		host->busiest = host->busy;
	if (++sim->busy > sim->busiest)
		sim->busiest = sim->busy;
	add_event(sim, sim->now + (work->is_refused ? CLOCK_MS : host->takes),
	    NULL, work);
}

static void
end_job(struct sim *sim, struct work *work)
{
	struct sim_message *m = (struct sim_message *)work->job.message;
	struct errand *e;

	sim->busy--;
	if (work->is_refused)
		work->host->failed++;
	else
		work->host->busy--;
	work->host->last_end = sim->now;
	while ((e = TAILQ_FIRST(&work->job.errands)) != NULL) {
		TAILQ_REMOVE(&work->job.errands, e, link);
		close_errand(sim, m, (struct sim_errand *)e, work->is_refused);
	}
	schedule_done(sim->schedule, work->job.destination,
	    work->is_refused ? SCHEDULE_FAILED : SCHEDULE_REACHED,
	    STR("no route"), sim->now);
	free(work);
}

/* ---- time ---- */

static void
take_event(struct sim *sim)
{
	struct event *e = (struct event *)turns_first(&sim->events);

	turns_take(&sim->events, &e->turn);
	if (sim->now < (int64_t)e->turn.key)
		sim->now = (int64_t)e->turn.key;
	if (e->work != NULL)
		end_job(sim, e->work);
	else if (has_room(sim))
		become_active(sim, e->arrival);
	else
		wait_turn(sim, e->arrival);
	free(e);
}

/* As qmgr_poke() and the end of a turn: some are woken, all jobs given out. */
static bool
end_turn(struct sim *sim, int64_t *ret_when)
{
	int64_t end = sim->now + SLICE;
	struct schedule_job job;
	bool is_more = true;

	while (is_more && sim->now < end && has_room(sim))
		is_more = wake_one(sim);
	while (schedule_next(sim->schedule, sim->now, &job, ret_when))
		begin_job(sim, &job);
	return is_more && has_room(sim);
}

void
sim_run(struct sim *sim, int64_t until)
{
	struct turn *next;
	int64_t when;
	bool is_more;

	while (sim->now < until) {
		is_more = end_turn(sim, &when);
		next = turns_first(&sim->events);
		if (next != NULL && (int64_t)next->key <= sim->now)
			take_event(sim);
		else if (is_more)
			continue;
		else if (next != NULL && (int64_t)next->key <= when)
			take_event(sim);
		else if (when < CLOCK_NEVER)
			sim->now = when;
		else
			return;
	}
}

/* ---- the beginning and the end ---- */

void
sim_init(struct sim *sim, const struct schedule_limits *limits)
{
	struct schedule_events events = {
	    .limits = give_limits, .suspended = note_suspended, .arg = sim};

	*sim = (struct sim){
	    .limits = *limits,
	    .now = CLOCK_SEC,
	    .room = {.messages_max = 20000, .recipients_max = 100000},
	};
	STAILQ_INIT(&sim->due);
	sim->schedule = schedule_new(&events, &sim->room);
}

void
sim_done(struct sim *sim)
{
	struct sim_message *m;

	schedule_free(&sim->schedule);
	while ((m = SLIST_FIRST(&sim->all)) != NULL) {
		SLIST_REMOVE_HEAD(&sim->all, other);
		free(m);
	}
}

struct sim_host *
sim_host(struct sim *sim, const char *name, int64_t takes)
{
	struct sim_host *host = &sim->hosts[sim->nhosts++];

	*host = (struct sim_host){
	    .name = name,
	    .takes = takes,
	    .shortest_pause = CLOCK_NEVER,
	};
	return host;
}

static void
address(struct sim_errand *e, const char *host, size_t i)
{
	int n = (int)strcspn(host, "*");

	if (host[n] == '*')
		snprintf(e->name, sizeof(e->name), "%.*s%zu", n, host, i);
	else
		snprintf(e->name, sizeof(e->name), "%s", host);
	e->done = -1;
}

struct sim_message *
sim_post(struct sim *sim, int64_t at, const char *host, size_t n)
{
	struct sim_message *m = make(sizeof(*m) + n * sizeof(m->errands[0]));

	m->n = n;
	m->posted = CLOCK_SEC + at;
	for (size_t i = 0; i < n; i++)
		address(&m->errands[i], host, i);
	SLIST_INSERT_HEAD(&sim->all, m, other);
	add_event(sim, m->posted, m, NULL);
	return m;
}

struct sim_message *
sim_post_both(struct sim *sim, int64_t at, const char *host, const char *other)
{
	struct sim_message *m = sim_post(sim, at, host, 2);

	address(&m->errands[1], other, 1);
	return m;
}
