/* SPDX-License-Identifier: ISC */
/* bounce - writes delivery status notifications, which are new mail. */
#include "bouncer.h"

#include "base/log.h"
#include "base/serve.h"
#include "mail/tables.h"

#include <string.h>

#define JOBS_MAX  100 /* at a time; beyond them qmgr asks again */
#define ARENA_MAX ((size_t)4 * 1024 * 1024)
#define WHY_MAX   1024

static const struct sandbox sandbox = {
    .calls = SANDBOX_MEMFD,
    .chroot = true,
    .limits = {.descriptors = 4096},
};

static struct tables tables;
static struct bouncer bouncer;
static size_t jobs;
static bool is_draining;
static struct serve *server;

/* One conversation; it stays while jobs of it run. */
struct client {
	struct chan *chan; /* NULL: gone */
	size_t users;
};

struct job {
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
send_done(struct client *cl, uint32_t exchange, const struct job_bounce *job,
    const struct outcome *o, struct arena *a)
{
	const struct job_outcome *in = job->outcomes.p;
	struct job_outcome *out = arena_array(a, job->outcomes.n, sizeof(*out));
	struct job_done done = {.outcomes = {out, job->outcomes.n}};

	for (size_t i = 0; i < job->outcomes.n; i++)
		out[i] = (struct job_outcome){in[i].index, *o};
	if (cl->chan != NULL)
		(void)chan_send(cl->chan, JOB_DONE, exchange, &done, NULL, 0);
}

static size_t
arena_size(const struct job_bounce *job)
{
	return ARENA_MAX + job->outcomes.n * (sizeof(struct job_outcome) +
						 sizeof(uint64_t) + 64);
}

static void
answer(struct client *cl, struct parcel *p)
{
	const struct job_bounce *job = p->value;
	struct outcome o = {
	    .state = OUTCOME_DEFERRED,
	    .dsn = STR("4.3.0"),
	    .text = STR("too many notifications at a time"),
	    .relay = STR("none"),
	};
	uint32_t exchange = p->exchange;
	struct content *content = NULL;
	struct arena a ARENA_CLEANUP;
	arena_init(&a, arena_size(job));

	if (jobs <= JOBS_MAX) {
		if (content_receive(&job->content, p, &content) == 0)
			bouncer_run(&bouncer, job, content, &a, &o);
		else
			o.text = STR("the message did not come whole");
	}
	send_done(cl, exchange, job, &o, &a);
	content_unref(&content);
}

static void
run_job(void *arg)
{
	struct job *j = arg;

	answer(j->client, &j->parcel);
	parcel_done(&j->parcel);
	leave_client(j->client);
	free(j);
	jobs--;
	if (is_draining && jobs == 0)
		serve_exit(server, 0);
}

static void
take_parcel(struct chan *c, struct parcel *p, void *arg)
{
	struct client *cl = arg;
	struct job *j;

	(void)c;
	if (p->kind != JOB_BOUNCE)
		return;
	j = calloc(1, sizeof(*j));
	if (j == NULL)
		log_fatal("out of memory");
	j->client = cl;
	cl->users++;
	parcel_take(p, &j->parcel);
	jobs++;
	(void)task_start(run_job, j);
}

static void
closed(struct chan *c, const char *why, void *arg)
{
	struct client *cl = arg;

	if (*why != '\0')
		log_warning("a client's conversation ended: %s", why);
	chan_close(&c);
	cl->chan = NULL;
	leave_client(cl);
}

static void
linked(struct serve *sv, struct str client, int fd)
{
	static const struct chan_events events = {take_parcel, closed};
	struct client *cl = calloc(1, sizeof(*cl));

	(void)sv;
	(void)client;
	if (cl == NULL)
		log_fatal("out of memory");
	cl->users = 1;
	cl->chan = chan_new(fd, &job_protocol, &events, cl);
}

static int
start(struct serve *sv)
{
	struct conf *conf = conf_decode(serve_config(sv));
	struct router *router;
	struct buf why BUF_CLEANUP;

	buf_init(&why, WHY_MAX);
	server = sv;
	if (conf == NULL) {
		log_error("the configuration cannot be read");
		return -1;
	}
	tables_init(
	    &tables, sv, NULL, conf_str(conf, PARAM_default_database_type));
	router = router_new(conf, &tables.env, &why);
	if (router != NULL)
		bouncer = (struct bouncer){
		    conf, taker_new(sv, conf, router, &tables.env, &why)};
	if (bouncer.taker == NULL) {
		log_error("%s", why.p);
		return -1;
	}
	return 0;
}

static void
drain(struct serve *sv)
{
	is_draining = true;
	if (jobs == 0)
		serve_exit(sv, 0);
}

int
main(int argc, char **argv)
{
	static const struct program program = {
	    .name = "bounce",
	    .sandbox = &sandbox,
	    .start = start,
	    .linked = linked,
	    .drain = drain,
	};

	return serve_main(&program, argc, argv);
}
