/* SPDX-License-Identifier: ISC */
/* bounce - writes delivery status notifications, which are new mail. */
#include "bouncer.h"

#include "base/file.h"
#include "base/log.h"
#include "base/requests.h"
#include "base/serve.h"
#include "mail/proto/trouble.h"
#include "mail/tables.h"

#include <string.h>

#define JOBS_MAX  100 /* at a time; beyond them qmgr asks again */
#define ARENA_MAX ((size_t)4 * 1024 * 1024)
#define TEXTS_MAX ((size_t)4 * 1024 * 1024)
#define WHY_MAX   1024

static const struct sandbox sandbox = {
    .calls = SANDBOX_MEMFD,
    .chroot = true,
    .limits = {.descriptors = 4096},
};

static struct tables tables;
static struct bouncer bouncer;
static struct arena texts; /* of the templates */

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
	struct job_outcome one = {0};
	struct job_done done = {.outcomes = {&one, 1}};
	struct content *content = NULL;
	ARENA_CLEANUP struct arena a = {0};

	(void)arg;
	arena_init(&a, ARENA_MAX);
	if (q->requests->open <= JOBS_MAX) {
		if (content_receive(&job->content, &q->parcel, &content) == 0)
			bouncer_run(&bouncer, job, content, &a, &o);
		else
			o.text = STR("the message did not come whole");
	}
	one.outcome = o;
	(void)requests_answer(q, JOB_DONE, &done);
	content_unref(&content);
}

static struct requests requests = {.proto = &job_protocol,
    .kind = JOB_BOUNCE,
    .carry_out = make_notice,
    .leaving = JOB_LEAVING};

/* A program that takes no mail in had trouble with a peer. */
static void
tell_trouble(struct asked *q, void *arg)
{
	const struct trouble_tell *tell = q->parcel.value;
	const struct trouble_told told = {0};

	(void)arg;
	transcript_mail(&bouncer.post, (unsigned)tell->about, tell->subject,
	    tell->transcript);
	(void)requests_answer(q, TROUBLE_TOLD, &told);
}

static struct requests troubles = {.proto = &trouble_protocol,
    .kind = TROUBLE_TELL,
    .carry_out = tell_trouble};

static void
say_fault(void *arg, unsigned line, const char *why)
{
	const struct str *path = arg;

	log_warning("%.*s, line %u: %s: the built-in text is used",
	    STR_ARG(*path), line, why);
}

/* bounce_template_file: what cannot be used does without. */
static void
read_templates(const struct conf *conf)
{
	struct str path = str_trim(conf_str(conf, PARAM_bounce_template_file));
	BUF_CLEANUP struct buf file = {0};
	FD_CLEANUP int fd = -1;
	int r;

	arena_init(&texts, TEXTS_MAX);
	buf_init(&file, TEMPLATE_FILE_MAX);
	templates_init(&bouncer.templates, conf, &texts);
	if (path.len == 0)
		return;
	fd = tables.env.open(tables.env.arg, arena_cstr(&texts, path));
	r = fd < 0 ? fd : fd_read_whole(fd, &file);
	if (r < 0)
		log_warning("bounce_template_file %.*s: %s: the built-in texts "
			    "are used",
		    STR_ARG(path), strerrordesc_np(-r));
	else
		templates_read(&bouncer.templates, buf_str(&file), conf, &texts,
		    say_fault, &path);
}

static void
linked(struct serve *sv, struct str client, int fd)
{
	(void)sv;
	if (str_eq(client, STR("qmgr")))
		requests_linked(&requests, fd);
	else
		requests_linked(&troubles, fd);
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
	bouncer.conf = conf;
	read_templates(conf);
	router = router_new(conf, &tables.env, &why);
	if (router != NULL)
		bouncer.taker = taker_new(sv, conf, router, &tables.env, &why);
	if (bouncer.taker == NULL) {
		log_error("%s", why.p);
		return -1;
	}
	bouncer.post =
	    (struct transcript_post){.taker = bouncer.taker, .conf = conf};
	return 0;
}

static void
drain(struct serve *sv)
{
	if (requests_wait(&requests) == 0 && requests_wait(&troubles) == 0)
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
