/* SPDX-License-Identifier: ISC */
/*
 * smtp - brings mail to other hosts: a task a job, connections kept for the
 * next one.
 */
#include "courier.h"
#include "filters.h"
#include "login.h"
#include "policy.h"
#include "secure.h"

#include "base/log.h"
#include "base/requests.h"
#include "base/serve.h"
#include "mail/authorities.h"
#include "mail/conf.h"
#include "mail/identity.h"
#include "mail/proto/dns.h"
#include "mail/proto/job.h"
#include "mail/proto/lookup.h"
#include "mail/proto/trouble.h"
#include "mail/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_START (5 * CLOCK_SEC)

static const struct sandbox sandbox = {
    .calls = SANDBOX_INET,
    .chroot = true,
};

static struct {
	struct serve *serve;
	struct conf *conf;
	struct settings settings;
	struct tables tables;
	struct filters filters;
	struct logins logins;
	struct policies policies;
	struct secure secure;
	struct identity *identity; /* whose certificate we show; may be NULL */
	struct courier courier;
} smtp;

static void
send_done(const struct asked *q, const struct letter *l, unsigned reused)
{
	const struct job_done done = {
	    .outcomes = {l->outcomes, l->n},
	    .reused = reused,
	    .unheard = !l->is_heard,
	    .is_lmtp = smtp.settings.is_lmtp,
	};

	int e = requests_answer(q, JOB_DONE, &done);

	if (e != 0)
		log_warning("%.*s: outcomes not sent: %s", STR_ARG(l->job->id),
		    strerror(-e));
}

static unsigned
deliver(struct letter *l, struct asked *q)
{
	int e = content_receive(&l->job->content, &q->parcel, &l->content);

	if (e == 0)
		return courier_deliver(&smtp.courier, l);
	fail_set(&l->why, "4.3.0", "content of the message not received: %s",
	    strerror(-e));
	letter_give_up(l);
	return 0;
}

static void
run_job(struct asked *q, void *arg)
{
	const struct job_deliver *job = q->parcel.value;
	ARENA_CLEANUP struct arena a = {0};
	struct letter l;

	(void)arg;
	arena_init(&a, letter_room(job));
	letter_init(&l, job, NULL, &a);
	unsigned reused = deliver(&l, q);
	send_done(q, &l, reused);
	content_unref(&l.content);
	letter_done(&l);
}

static struct requests requests = {.proto = &job_protocol,
    .kind = JOB_DELIVER,
    .carry_out = run_job,
    .leaving = JOB_LEAVING};

static void
linked(struct serve *sv, struct str name, int fd)
{
	(void)sv;
	(void)name;
	requests_linked(&requests, fd);
}

static void
drain(struct serve *sv)
{
	pool_close(&smtp.courier.pool);
	(void)requests_wait(&requests);
	serve_exit(sv, 0);
}

static int
dial(struct str endpoint, int64_t deadline)
{
	return serve_connect(smtp.serve, endpoint, deadline);
}

static bool
open_logins(struct buf *why)
{
	enum param enable =
	    settings_twin(smtp.settings.is_lmtp, PARAM_smtp_sasl_auth_enable);

	if (!conf_bool(smtp.conf, enable))
		return true;
	smtp.settings.logins = &smtp.logins;
	return logins_open(&smtp.logins, smtp.conf, &smtp.tables.env,
	    &smtp.filters.generic.rule, why);
}

static enum param
twin(enum param p)
{
	return settings_twin(smtp.settings.is_lmtp, p);
}

static bool
has_certificate(void)
{
	static const enum param files[] = {PARAM_smtp_tls_chain_files,
	    PARAM_smtp_tls_cert_file, PARAM_smtp_tls_eccert_file,
	    PARAM_smtp_tls_dcert_file};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct str file = conf_str(smtp.conf, twin(files[i]));
		if (file.len > 0 && !str_eq(file, STR("none")))
			return true;
	}
	return false;
}

static bool
read_authorities(struct serve *sv, struct buf *ret, struct buf *why)
{
	struct str file = conf_str(smtp.conf, twin(PARAM_smtp_tls_CAfile));
	struct str dir = conf_str(smtp.conf, twin(PARAM_smtp_tls_CApath));

	if (!authorities_read(sv, file, dir, ret, why))
		return false;
	return !conf_bool(smtp.conf, PARAM_tls_append_default_CA) ||
	       authorities_read(
		   sv, STR_NONE, STR(AUTHORITIES_DEFAULT), ret, why);
}

/* Nothing of it where no policy can ask for TLS. */
static bool
open_tls(struct serve *sv, struct buf *why)
{
	struct policies *p = &smtp.policies;
	BUF_CLEANUP struct buf ca = {0};

	if (!policies_open(p, smtp.conf, &smtp.tables.env, why))
		return false;
	if (p->level == POLICY_NONE && maps_is_empty(p->maps))
		return true;
	buf_init(&ca, 3 * AUTHORITIES_MAX);
	if (!read_authorities(sv, &ca, why))
		return false;
	if (has_certificate()) {
		smtp.identity = identity_open(sv, STR_NONE);
		if (identity_wait(smtp.identity, clock_after(KEYS_START)) < 0)
			log_warning("keys does not answer: no certificate is "
				    "shown until it does");
	}
	smtp.settings.policies = p;
	smtp.settings.secure = &smtp.secure;
	return secure_init(&smtp.secure, smtp.conf, smtp.settings.is_lmtp,
	    serve_service(sv), buf_str(&ca),
	    smtp.identity != NULL ? identity_find : NULL, smtp.identity, why);
}

static int
start(struct serve *sv)
{
	struct link *lookup =
	    link_new(sv, "lookup", &lookup_protocol, NULL, NULL);
	BUF_CLEANUP struct buf why = {0};

	buf_init(&why, 1024);
	smtp.serve = sv;
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
	if (smtp.settings.is_lmtp)
		log_init("lmtp"); /* as what is delivered is logged */
	tables_init(&smtp.tables, sv, lookup,
	    conf_str(smtp.conf, PARAM_default_database_type));
	if (!filters_open(&smtp.filters, smtp.conf, &smtp.tables.env, &why)) {
		log_error("%s", why.p);
		return -EINVAL;
	}
	smtp.settings.filters = &smtp.filters;
	if (!open_logins(&why) || !open_tls(sv, &why)) {
		log_error("%s", why.p);
		return -EINVAL;
	}
	smtp.settings.dial = dial;
	courier_init(&smtp.courier, &smtp.settings,
	    link_new(sv, "dns", &dns_protocol, NULL, NULL), lookup,
	    link_new(sv, "bounce", &trouble_protocol, NULL, NULL));
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
