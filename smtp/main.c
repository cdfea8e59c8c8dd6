/* SPDX-License-Identifier: ISC */
/*
 * smtp - brings mail to other hosts: a task a job, connections kept for the
 * next one.
 */
#include "courier.h"

#include "base/log.h"
#include "base/serve.h"
#include "mail/conf.h"
#include "mail/proto/dns.h"
#include "mail/proto/job.h"
#include "mail/proto/lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct sandbox sandbox = {
    .calls = SANDBOX_INET,
    .chroot = true,
};

static struct {
	struct conf *conf;
	struct settings settings;
	struct courier courier;
	size_t jobs;
	struct task_queue idle; /* woken when the last job is done */
} smtp;

/* One conversation with qmgr; it stays while jobs that came by it run. */
struct client {
	struct chan *chan; /* NULL: gone */
	size_t users;
};

struct work {
	struct client *client;
	struct parcel parcel;
};

static void
leave_client(struct client *cl)
{
	if (--cl->users == 0)
		free(cl);
}

static void
send_done(const struct work *w, const struct letter *l, unsigned reused)
{
	const struct job_done done = {
	    .outcomes = {l->outcomes, l->n}, .reused = reused};

	if (w->client->chan == NULL)
		return;
	int e = chan_send(
	    w->client->chan, JOB_DONE, w->parcel.exchange, &done, NULL, 0);
	if (e != 0)
		log_warning("%.*s: outcomes not sent: %s", STR_ARG(l->job->id),
		    strerror(-e));
}

static unsigned
deliver(struct letter *l, struct work *w)
{
	int e = content_receive(&l->job->content, &w->parcel, &l->content);

	if (e == 0)
		return courier_deliver(&smtp.courier, l);
	fail_set(&l->why, "4.3.0", "content of the message not received: %s",
	    strerror(-e));
	letter_give_up(l);
	return 0;
}

static void
run_job(void *arg)
{
	struct work *w = arg;
	const struct job_deliver *job = w->parcel.value;
	ARENA_CLEANUP struct arena a;
	struct letter l;

	arena_init(&a, letter_room(job));
	letter_init(&l, job, NULL, &a);
	unsigned reused = deliver(&l, w);
	send_done(w, &l, reused);
	content_unref(&l.content);
	letter_done(&l);
	parcel_done(&w->parcel);
	leave_client(w->client);
	free(w);
	if (--smtp.jobs == 0)
		task_wake_all(&smtp.idle);
}

static void
take_parcel(struct chan *c, struct parcel *p, void *arg)
{
	struct client *cl = arg;

	(void)c;
	if (p->kind != JOB_DELIVER)
		return;
	struct work *w = calloc(1, sizeof(*w));
	if (w == NULL)
		log_fatal("out of memory");
	w->client = cl;
	cl->users++;
	parcel_take(p, &w->parcel);
	smtp.jobs++;
	task_start(run_job, w);
}

static void
closed(struct chan *c, const char *why, void *arg)
{
	struct client *cl = arg;

	if (*why != '\0')
		log_warning("conversation with qmgr ended: %s", why);
	chan_close(&c);
	cl->chan = NULL;
	leave_client(cl);
}

static void
linked(struct serve *sv, struct str name, int fd)
{
	static const struct chan_events events = {take_parcel, closed};
	struct client *cl = calloc(1, sizeof(*cl));

	(void)sv;
	(void)name;
	if (cl == NULL)
		log_fatal("out of memory");
	cl->users = 1;
	cl->chan = chan_new(fd, &job_protocol, &events, cl);
}

static void
drain(struct serve *sv)
{
	pool_close(&smtp.courier.pool);
	while (smtp.jobs > 0 && task_wait(&smtp.idle, CLOCK_NEVER) == 0)
		;
	serve_exit(sv, 0);
}

static int
start(struct serve *sv)
{
	BUF_CLEANUP struct buf why;

	buf_init(&why, 1024);
	smtp.conf = conf_decode(serve_config(sv));
	if (smtp.conf == NULL) {
		log_error("the configuration cannot be read");
		return -EINVAL;
	}
	int e = settings_read(&smtp.settings, smtp.conf, &why);
	if (e != 0) {
		log_error("%s", why.p);
		return e;
	}
	task_queue_init(&smtp.idle);
	courier_init(&smtp.courier, &smtp.settings,
	    link_new(sv, "dns", &dns_protocol, NULL, NULL),
	    link_new(sv, "lookup", &lookup_protocol, NULL, NULL));
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct program program = {
	    .name = "smtp",
	    .sandbox = &sandbox,
	    .start = start,
	    .linked = linked,
	    .drain = drain,
	};
	return serve_main(&program, argc, argv);
}
