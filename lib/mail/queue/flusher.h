/* SPDX-License-Identifier: ISC */
/*
 * flusher - the one thread of the suite: it waits for the disk so that the
 * loop never does.
 *
 * A job is a function that runs on the thread and one that runs afterwards on
 * the caller's side, at flusher_collect().  Jobs of a lane run in the order
 * they came; between two jobs of the fast lane (the journal) at most one of
 * the slow lane (files) runs.  What a job touches belongs to the thread until
 * its `done` is called.
 *
 * A job that is submitted as brief (the journal's flush) runs on the loop after
 * all, at flusher_collect(), while such jobs took less than the two changes of
 * thread would cost.  A disk that becomes slow holds the loop up once.
 *
 * Without a thread (flusher_new(false), for tests and tools) jobs run at
 * flusher_collect() itself.
 */
#ifndef MAIL_QUEUE_FLUSHER_H
#define MAIL_QUEUE_FLUSHER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

enum flusher_lane {
	FLUSHER_FAST,
	FLUSHER_SLOW,
	FLUSHER_LANES
};

struct flusher_job {
	int (*run)(struct flusher_job *job);              /* on the thread */
	void (*done)(struct flusher_job *job, int error); /* on the loop */
	int error;
	enum flusher_lane lane;
	bool is_brief;
	int64_t took; /* ns; of a brief one */
	STAILQ_ENTRY(flusher_job) link;
};

struct flusher;

/* NULL with errno set when there is no thread or descriptor to be had. */
struct flusher *flusher_new(bool threaded);
void flusher_free(struct flusher **f); /* runs what was submitted first */

void flusher_submit(struct flusher *f, enum flusher_lane lane,
    struct flusher_job *job, int (*run)(struct flusher_job *),
    void (*done)(struct flusher_job *, int error));

/* In the fast lane; see above. */
void flusher_submit_brief(struct flusher *f, struct flusher_job *job,
    int (*run)(struct flusher_job *),
    void (*done)(struct flusher_job *, int error));

/* A job waits for flusher_collect() itself. */
bool flusher_is_due(const struct flusher *f);

/* A job on the thread asks: does another wait for it? */
bool flusher_is_wanted(struct flusher *f);

/* Readable when a job of the thread has ended. */
int flusher_fd(const struct flusher *f);

/* Call `done` of all jobs that ended; what they submit meanwhile comes next
 * time.  True when there was one. */
bool flusher_collect(struct flusher *f);

/* Block until a job ended, and collect; false: none is on its way. */
bool flusher_wait(struct flusher *f);

#endif
