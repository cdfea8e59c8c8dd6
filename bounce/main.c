/* SPDX-License-Identifier: ISC */
/* bounce - writes delivery status notifications, which are new mail. */
#include "bouncer.h"

#include "base/log.h"
#include "base/requests.h"
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
static void
send_done(const struct asked *q, const struct outcome *o, struct arena *a)
{
	const struct job_bounce *job = q->parcel.value;
	const struct job_outcome *in = job->outcomes.p;
	struct job_outcome *out = arena_array(a, job->outcomes.n, sizeof(*out));
	struct job_done done = {.outcomes = {out, job->outcomes.n}};

	for (size_t i = 0; i < job->outcomes.n; i++)
		out[i] = (struct job_outcome){in[i].index, *o};
	(void)requests_answer(q, JOB_DONE, &done);
}

static size_t
arena_size(const struct job_bounce *job)
{
	return ARENA_MAX + job->outcomes.n * (sizeof(struct job_outcome) +
						 sizeof(uint64_t) + 64);
}

static void
make_notice(struct asked *q, void *arg)
{
	const struct job_bounce *job = q->parcel.value;
	struct outcome o = {
	    .state = OUTCOME_DEFERRED,
	    .dsn = STR("4.3.0"),
	    .text = STR("too many notifications at a time"),
	    .relay = STR("none"),
	};
	struct content *content = NULL;
	ARENA_CLEANUP struct arena a = {0};

	(void)arg;
	arena_init(&a, arena_size(job));
	if (q->requests->open <= JOBS_MAX) {
		if (content_receive(&job->content, &q->parcel, &content) == 0)
			bouncer_run(&bouncer, job, content, &a, &o);
		else
			o.text = STR("the message did not come whole");
	}
	send_done(q, &o, &a);
	content_unref(&content);
}

static struct requests requests = {
    .proto = &job_protocol, .kind = JOB_BOUNCE, .carry_out = make_notice};

static void
linked(struct serve *sv, struct str client, int fd)
{
	(void)sv;
	(void)client;
	requests_linked(&requests, fd);
}

static int
start(struct serve *sv)
{
	struct conf *conf = conf_decode(serve_config(sv));
	struct router *router;
	BUF_CLEANUP struct buf why = {0};

	buf_init(&why, WHY_MAX);
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
	if (requests_wait(&requests) == 0)
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
