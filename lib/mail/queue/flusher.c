/* SPDX-License-Identifier: ISC */
/*
 * flusher - two lists under one lock, a condition, an eventfd.  The thread
 * blocks all signals: they belong to the loop.
 */
#include "mail/queue/flusher.h"

#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

STAILQ_HEAD(job_list, flusher_job);

struct flusher {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct job_list lanes[FLUSHER_LANES]; /* under lock, as all below */
	struct job_list ended;
	bool threaded, stop, told;
	size_t outstanding; /* submitted, not collected; the caller's */
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
		job->error = job->run(job);
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

void
flusher_submit(struct flusher *f, enum flusher_lane lane,
    struct flusher_job *job, int (*run)(struct flusher_job *),
    void (*done)(struct flusher_job *, int error))
{
	f->outstanding++;
	job->run = run;
	job->done = done;
	pthread_mutex_lock(&f->lock);
	STAILQ_INSERT_TAIL(&f->lanes[lane], job, link);
	pthread_cond_signal(&f->work);
	if (!f->threaded)
		tell(f);
	pthread_mutex_unlock(&f->lock);
}

int
flusher_fd(const struct flusher *f)
{
	return f->fd;
}

/* Without a thread: all that was submitted up to now, here. */
static void
run_here(struct flusher *f)
{
	enum flusher_lane turn = FLUSHER_FAST;
	struct flusher_job *job;

	while ((job = take_job(f, &turn)) != NULL) {
		job->error = job->run(job);
		STAILQ_INSERT_TAIL(&f->ended, job, link);
	}
}

bool
flusher_collect(struct flusher *f)
{
	struct job_list ended = STAILQ_HEAD_INITIALIZER(ended);
	struct flusher_job *job, *next;
	uint64_t count;
	bool any;

	pthread_mutex_lock(&f->lock);
	if (f->told && read(f->fd, &count, sizeof(count)) < 0 &&
	    errno != EAGAIN)
		log_fatal("cannot read an eventfd: errno %d", errno);
	f->told = false;
	if (!f->threaded)
		run_here(f);
	STAILQ_CONCAT(&ended, &f->ended);
	pthread_mutex_unlock(&f->lock);
	any = !STAILQ_EMPTY(&ended);
	STAILQ_FOREACH_SAFE(job, &ended, link, next)
	{
		f->outstanding--;
		job->done(job, job->error);
	}
	return any;
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
