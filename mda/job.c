/* SPDX-License-Identifier: ISC */
/* job - a job's deliveries and their outcomes.  Owns the parcel, the content
 * and the outcomes of each open job. */
#include "job.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* For each recipient, besides what is common. */
#define TEXT_ROOM (2 * OUTCOME_TEXT_MAX)

static void
job_free(struct job *job)
{
	content_unref(&job->content);
	arena_done(&job->texts);
	parcel_done(&job->parcel);
	free(job->deliveries);
	free(job->outcomes);
	free(job);
}

static void *
allocate(size_t count, size_t size)
{
	void *p = calloc(count == 0 ? 1 : count, size);

	if (p == NULL)
		log_fatal("out of memory for a job");
	return p;
}

struct job *
job_new(struct parcel *p,
    void (*answer)(struct job *job, const struct job_done *done))
{
	struct job *job = allocate(1, sizeof(*job));
	const struct job_recipient *r;

	parcel_take(p, &job->parcel);
	job->d = job->parcel.value;
	job->answer = answer;
	clock_update();
	job->started = clock_mono();
	job->n = job->nleft = job->d->recipients.n;
	job->deliveries = allocate(job->n, sizeof(*job->deliveries));
	job->outcomes = allocate(job->n, sizeof(*job->outcomes));
	arena_init(&job->texts, (job->n + 1) * TEXT_ROOM);
	if (content_receive(&job->d->content, &job->parcel, &job->content) < 0)
		job->content = NULL;
	r = job->d->recipients.p;
	for (size_t i = 0; i < job->n; i++) {
		job->outcomes[i].index = r[i].index;
		job->deliveries[i] = (struct delivery){
		    .job = job,
		    .i = i,
		    .recipient = &r[i].recipient,
		    .action = r[i].recipient.action.p,
		};
	}
	return job;
}

static void
answer_if_all_told(struct job *job)
{
	struct job_done done = {.outcomes = {job->outcomes, job->n}};

	if (job->nleft > 0)
		return;
	job->answer(job, &done);
	job_free(job);
}

void
job_start(struct job *job, void (*take)(struct delivery *d))
{
	size_t n = job->n;

	/* One more than there are, so that the last one told in this loop
	 * does not end the job under it. */
	job->nleft++;
	for (size_t i = 0; i < n; i++) {
		struct delivery *d = &job->deliveries[i];

		if (job->content == NULL)
			delivery_failed(d, "4.3.0",
			    "the message did not come as it should");
		else if (d->recipient->action.n == 0)
			delivery_failed(
			    d, "4.3.5", "no action for this recipient");
		else
			take(d);
	}
	job->nleft--;
	answer_if_all_told(job);
}

size_t
job_size(const struct job *job)
{
	return job->d->header.len + content_size(job->content);
}

/* SECURITY: an outcome goes into headers and log lines as one line. */
static struct str
make_line(struct str s)
{
	char *p = (char *)(uintptr_t)s.p;

	if (s.len > OUTCOME_TEXT_MAX)
		s.len = OUTCOME_TEXT_MAX;
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
			p[i] = ' ';
	return str_trim(s);
}

static void tell(struct delivery *d, const char *dsn, bool is_commands,
    const char *fmt, va_list ap) __attribute__((format(printf, 4, 0)));

static void
tell(struct delivery *d, const char *dsn, bool is_commands, const char *fmt,
    va_list ap)
{
	struct job *job = d->job;
	BUF_CLEANUP struct buf text = {0};
	struct str line;

	buf_init(&text, OUTCOME_TEXT_MAX * 8);
	buf_vaddf(&text, fmt, ap);
	line = arena_str(&job->texts, make_line(buf_str(&text)));
	clock_update();
	job->outcomes[d->i].outcome = (struct outcome){
	    .state = outcome_from_dsn(str_c(dsn)),
	    .dsn = arena_str(&job->texts, str_c(dsn)),
	    .text = line,
	    .diagnostic = is_commands ? line : STR_NONE,
	    .relay =
		d->recipient->action.n > 0 ? d->action->relay : STR("none"),
	    .transmit_ns = clock_mono() - job->started,
	};
	job->nleft--;
	answer_if_all_told(job);
}

void
delivery_sent(struct delivery *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(d, "2.0.0", false, fmt, ap);
	va_end(ap);
}

void
delivery_failed(struct delivery *d, const char *dsn, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(d, dsn, false, fmt, ap);
	va_end(ap);
}

void
delivery_refused(struct delivery *d, const char *dsn, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(d, dsn, true, fmt, ap);
	va_end(ap);
}

void
delivery_drop(struct delivery_list *list)
{
	struct delivery *d;

	while ((d = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, d, next);
		delivery_failed(d, "4.3.0", "it was not begun");
	}
}

/* RFC 3463.  What is not known is temporary: time may mend it, and until
 * then the mail is not lost. */
static const char *
dsn_of(int error)
{
	switch (error < 0 ? -error : error) {
	case EFBIG:
		return "5.2.2";
	case EDQUOT:
		return "4.2.2";
	case ENOSPC:
		return "4.3.1";
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case EIO:
	case EROFS:
		return "4.3.0";
	default:
		return "4.2.0";
	}
}

void
delivery_errno(struct delivery *d, int error, const char *fmt, ...)
{
	BUF_CLEANUP struct buf text = {0};
	va_list ap;

	buf_init(&text, OUTCOME_TEXT_MAX * 8);
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	delivery_failed(d, dsn_of(error), "%s: %s", text.p,
	    strerror(error < 0 ? -error : error));
}
