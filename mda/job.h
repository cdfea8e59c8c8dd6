/* SPDX-License-Identifier: ISC */
/*
 * job - one JOB_DELIVER, and each of its recipients as a delivery.  Who
 * delivers tells what became of it; with the last one told the job answers
 * and is gone.
 */
#ifndef MDA_JOB_H
#define MDA_JOB_H

#include "mail/proto/job.h"

#include <sys/queue.h>

struct job {
	struct parcel parcel; /* what `d` and the rest borrow from */
	const struct job_deliver *d;
	struct content *content; /* NULL: did not come as it should */
	struct delivery *deliveries;
	struct job_outcome *outcomes;
	size_t n, nleft;
	struct arena texts;
	int64_t started;
	void (*answer)(struct job *job, const struct job_done *done);
};

struct delivery {
	TAILQ_ENTRY(delivery) next;
	struct job *job;
	size_t i; /* in the job's outcomes */
	const struct recipient *recipient;
	const struct action *action;
};
TAILQ_HEAD(delivery_list, delivery);

/*
 * Takes the parcel.  answer() is called when all is told, and the job freed
 * after it.  A recipient that names no action, and all of them when the
 * content is not there, are told already: then nleft says so, and it is 0
 * only if the job is gone.
 */
struct job *job_new(struct parcel *p,
    void (*answer)(struct job *job, const struct job_done *done));
/* Hand each delivery that is left to `take`, which tells it now or later. */
void job_start(struct job *job, void (*take)(struct delivery *d));

/* The size of the message as it is delivered. */
size_t job_size(const struct job *job);

/* Tell: delivered, or not and why.  The delivery may be gone after this. */
void delivery_sent(struct delivery *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void delivery_failed(struct delivery *d, const char *dsn, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* By a user's command, whose verdict it is and no trouble of our own. */
void delivery_refused(struct delivery *d, const char *dsn, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Takes off the list, and tells, what was not begun and will not be. */
void delivery_drop(struct delivery_list *list);

/*
 * "`fmt`: what errno says", with the code that fits.  What a full disk, a
 * quota, or anything unknown did is temporary; a message larger than the
 * mailbox may be is not.
 */
void delivery_errno(struct delivery *d, int error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
