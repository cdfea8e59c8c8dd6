/* SPDX-License-Identifier: ISC */
/* work - jobs in, answers out.  Owns the conversation. */
#include "work.h"

#include "base/log.h"
#include "idle.h"

static struct chan *asker; /* NULL: has left */
static void (*take_delivery)(struct delivery *d);
static void (*leave_rest)(void);

static void
answer(struct job *job, const struct job_done *done)
{
	if (asker != NULL)
		chan_send(asker, JOB_DONE, job->parcel.exchange, done, NULL, 0);
	idle_end();
}

static void
take_parcel(struct chan *c, struct parcel *p, void *arg)
{
	(void)c;
	(void)arg;
	if (p->kind != JOB_DELIVER)
		return;
	idle_begin();
	job_start(job_new(p, answer), take_delivery);
}

/* What was begun is finished: it may be half done. */
static void
close_chan(struct chan *c, const char *why, void *arg)
{
	(void)arg;
	if (*why != '\0')
		log_warning("conversation: %s", why);
	asker = NULL;
	chan_close(&c);
	leave_rest();
	idle_leave();
}

void
work_run(int fd, void (*take)(struct delivery *d), void (*leave)(void))
{
	static const struct chan_events events = {take_parcel, close_chan};

	take_delivery = take;
	leave_rest = leave;
	idle_init();
	asker = chan_new(fd, &job_protocol, &events, NULL);
	loop_run();
	if (asker != NULL)
		chan_close(&asker);
}
