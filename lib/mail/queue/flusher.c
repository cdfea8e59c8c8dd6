/* SPDX-License-Identifier: ISC */
/*
 * flusher - two lanes under one lock, a condition, an eventfd.  The thread
 * blocks all signals: they belong to the loop.
 */
#include "mail/queue/flusher.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Two changes of thread and what they cost the other programs' turns. */
#define BRIEF  (400 * (CLOCK_MS / 1000))
#define SMOOTH 8 /* the last so many brief jobs count */

STAILQ_HEAD(job_list, flusher_job);

struct flusher {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct job_list lanes[FLUSHER_LANES]; /* under lock, as all below */
	struct job_list ended;
	bool threaded, stop, told;
	/* The caller's: */
	size_t outstanding; /* submitted, not collected */
	size_t fast;        /* ... of them on the thread, in the fast lane */
	int64_t brief;      /* what a brief job takes, on the average */
	struct job_list here;
	int fd;
};

/* The next job; the slow lane has its turn after each one of the fast. */
static struct flusher_job *
take_job(struct flusher *f, enum flusher_lane *turn)
{
	enum flusher_lane lane = *turn;
	struct flusher_job *job;

	if (STAILQ_EMPTY(&f->lanes[lane]))
		lane = lane == FLUSHER_FAST ? FLUSHER_SLOW : FLUSHER_FAST;
	job = STAILQ_FIRST(&f->lanes[lane]);
	if (job == NULL)
		return NULL;
	STAILQ_REMOVE_HEAD(&f->lanes[lane], link);
	*turn = lane == FLUSHER_FAST ? FLUSHER_SLOW : FLUSHER_FAST;
	return job;
}

static void
run_job(struct flusher_job *job)
{
	int64_t start = job->is_brief ? clock_exact() : 0;

	job->error = job->run(job);
	if (job->is_brief)
		job->took = clock_exact() - start;
}

static void
tell(struct flusher *f)
{
	uint64_t one = 1;

	if (f->told)
		return;
	f->told = true;
	if (write(f->fd, &one, sizeof(one)) < 0)
		log_fatal("cannot write to an eventfd: errno %d", errno);
}

static void *
run_thread(void *arg)
{
	struct flusher *f = arg;
	enum flusher_lane turn = FLUSHER_FAST;
	struct flusher_job *job;

	pthread_mutex_lock(&f->lock);
	for (;;) {
		job = take_job(f, &turn);
		if (job == NULL && f->stop)
			break;
		if (job == NULL) {
			pthread_cond_wait(&f->work, &f->lock);
			continue;
		}
		pthread_mutex_unlock(&f->lock);
		run_job(job);
		pthread_mutex_lock(&f->lock);
		STAILQ_INSERT_TAIL(&f->ended, job, link);
		tell(f);
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

static int
start_thread(struct flusher *f)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&f->thread, NULL, run_thread, f);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

struct flusher *
flusher_new(bool threaded)
{
	struct flusher *f = calloc(1, sizeof(*f));
	int r = 0;

	if (f == NULL)
		return NULL;
	f->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->fd < 0) {
		free(f);
		return NULL;
	}
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->work, NULL);
	for (int i = 0; i < FLUSHER_LANES; i++)
		STAILQ_INIT(&f->lanes[i]);
	STAILQ_INIT(&f->ended);
	STAILQ_INIT(&f->here);
	f->brief = 2 * BRIEF; /* until it was seen */
	f->threaded = threaded;
	if (threaded)
		r = start_thread(f);
	if (r != 0) {
		f->threaded = false;
		flusher_free(&f);
		errno = r;
	}
	return f;
}

void
flusher_free(struct flusher **fp)
{
	struct flusher *f = *fp;

	*fp = NULL;
	if (f == NULL)
		return;
	while (flusher_wait(f))
		;
	if (f->threaded) {
		pthread_mutex_lock(&f->lock);
		f->stop = true;
		pthread_cond_signal(&f->work);
		pthread_mutex_unlock(&f->lock);
		pthread_join(f->thread, NULL);
	}
	pthread_cond_destroy(&f->work);
	pthread_mutex_destroy(&f->lock);
	close(f->fd);
	free(f);
}

static void
hand_to_thread(struct flusher *f, struct flusher_job *job)
{
	f->fast += job->lane == FLUSHER_FAST;
	pthread_mutex_lock(&f->lock);
	STAILQ_INSERT_TAIL(&f->lanes[job->lane], job, link);
	pthread_cond_signal(&f->work);
	if (!f->threaded)
		tell(f);
	pthread_mutex_unlock(&f->lock);
}

static void
prepare(struct flusher *f, enum flusher_lane lane, bool is_brief,
    struct flusher_job *job, int (*run)(struct flusher_job *),
    void (*done)(struct flusher_job *, int error))
{
	f->outstanding++;
	job->run = run;
	job->done = done;
	job->lane = lane;
	job->is_brief = is_brief;
}

void
flusher_submit(struct flusher *f, enum flusher_lane lane,
    struct flusher_job *job, int (*run)(struct flusher_job *),
    void (*done)(struct flusher_job *, int error))
{
	prepare(f, lane, false, job, run, done);
	hand_to_thread(f, job);
}

void
flusher_submit_brief(struct flusher *f, struct flusher_job *job,
    int (*run)(struct flusher_job *),
    void (*done)(struct flusher_job *, int error))
{
	prepare(f, FLUSHER_FAST, true, job, run, done);
	if (f->threaded && f->fast == 0 && f->brief < BRIEF)
		STAILQ_INSERT_TAIL(&f->here, job, link);
	else
		hand_to_thread(f, job);
}

bool
flusher_is_due(const struct flusher *f)
{
	return !STAILQ_EMPTY(&f->here);
}

bool
flusher_is_wanted(struct flusher *f)
{
	bool is_wanted = false;

	pthread_mutex_lock(&f->lock);
	for (int i = 0; i < FLUSHER_LANES; i++)
		is_wanted |= !STAILQ_EMPTY(&f->lanes[i]);
	pthread_mutex_unlock(&f->lock);
	return is_wanted;
}

int
flusher_fd(const struct flusher *f)
{
	return f->fd;
}

/* Without a thread, and so without the lock: all that was submitted up to
 * now. */
static void
run_lanes(struct flusher *f)
{
	enum flusher_lane turn = FLUSHER_FAST;
	struct flusher_job *job;

	while ((job = take_job(f, &turn)) != NULL) {
		run_job(job);
		STAILQ_INSERT_TAIL(&f->ended, job, link);
	}
}

static void
end_job(struct flusher *f, struct flusher_job *job)
{
	f->outstanding--;
	if (job->is_brief)
		f->brief += (job->took - f->brief) / SMOOTH;
	job->done(job, job->error);
}

/* Those that wait for us.  True when there was one. */
static bool
collect_here(struct flusher *f)
{
	struct job_list here = STAILQ_HEAD_INITIALIZER(here);
	struct flusher_job *job, *next;
	bool any = !STAILQ_EMPTY(&f->here);

	STAILQ_CONCAT(&here, &f->here);
	STAILQ_FOREACH_SAFE(job, &here, link, next)
	{
		run_job(job);
		end_job(f, job);
	}
	return any;
}

static bool
collect_thread(struct flusher *f)
{
	struct job_list ended = STAILQ_HEAD_INITIALIZER(ended);
	struct flusher_job *job, *next;
	uint64_t count;
	bool any;

	if (!f->threaded)
		run_lanes(f);
	pthread_mutex_lock(&f->lock);
	if (f->told && read(f->fd, &count, sizeof(count)) < 0 &&
	    errno != EAGAIN)
		log_fatal("cannot read an eventfd: errno %d", errno);
	f->told = false;
	STAILQ_CONCAT(&ended, &f->ended);
	pthread_mutex_unlock(&f->lock);
	any = !STAILQ_EMPTY(&ended);
	STAILQ_FOREACH_SAFE(job, &ended, link, next)
	{
		f->fast -= job->lane == FLUSHER_FAST;
		end_job(f, job);
	}
	return any;
}

bool
flusher_collect(struct flusher *f)
{
	bool here = collect_here(f);

	return collect_thread(f) || here;
}

bool
flusher_wait(struct flusher *f)
{
	struct pollfd p = {.fd = f->fd, .events = POLLIN};

	if (f->outstanding == 0)
		return false;
	while (!flusher_collect(f))
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			log_fatal("cannot poll an eventfd: errno %d", errno);
	return true;
}
