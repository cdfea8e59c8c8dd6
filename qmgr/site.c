/* SPDX-License-Identifier: ISC */
/* site - what was configured, as qmgr needs it. */
#include "qmgr.h"

#include "base/log.h"
#include "mail/feedback.h"
#include "mail/notice_class.h"

#include <stdlib.h>

/*
 * Deliveries to a user's mailbox wait for each other in one process of that
 * user, which makes them durable together: there a window is a batch.
 */
#define BATCH 1000

/* Jobs of a transport at a time: what an agent has not read yet waits in our
 * memory, up to CONTENT_INLINE bytes a job. */
#define JOBS_MAX 1000

static void
free_site(struct site *s)
{
	match_free(&s->mailq_users);
	match_free(&s->flush_users);
	match_free(&s->flush_domains);
	expansion_free(&s->expansion);
	router_free(&s->router);
	conf_free(&s->conf);
	free(s);
}

static bool
open_lists(struct site *s, struct buf *why)
{
	const struct dict_env *env = &s->tables.env;

	s->mailq_users =
	    match_open_param(env, s->conf, PARAM_authorized_mailq_users, why);
	if (s->mailq_users != NULL)
		s->flush_users = match_open_param(
		    env, s->conf, PARAM_authorized_flush_users, why);
	if (s->flush_users != NULL)
		s->flush_domains = match_open_param(
		    env, s->conf, PARAM_fast_flush_domains, why);
	if (s->flush_domains != NULL)
		s->expansion = expansion_new(s->conf, s->router, env, why);
	return s->expansion != NULL;
}

struct site *
site_new(struct qmgr *q, struct str config, struct buf *why)
{
	struct site *s = calloc(1, sizeof(*s));
	const struct conf *c;

	if (s == NULL)
		log_fatal("out of memory for the configuration");
	s->users = 1;
	s->conf = conf_decode(config);
	if (s->conf == NULL) {
		buf_add_c(why, "the configuration cannot be read");
		free(s);
		return NULL;
	}
	c = s->conf;
	tables_init(&s->tables, q->serve, q->lookup,
	    conf_str(c, PARAM_default_database_type));
	s->router = router_new(c, &s->tables.env, why);
	if (s->router == NULL || !open_lists(s, why)) {
		free_site(s);
		return NULL;
	}
	s->lifetime = conf_time(c, PARAM_maximal_queue_lifetime);
	s->bounce_lifetime = conf_time(c, PARAM_bounce_queue_lifetime);
	s->backoff.least = conf_time(c, PARAM_minimal_backoff_time);
	s->backoff.most = conf_time(c, PARAM_maximal_backoff_time);
	s->delay_warning = conf_time(c, PARAM_delay_warning_time);
	s->confirms_delay = conf_bool(c, PARAM_confirm_delay_cleared);
	s->notices = notice_classes(conf_str(c, PARAM_notify_classes), NULL);
	s->hops_max = (uint64_t)conf_int(c, PARAM_hopcount_limit);
	s->free_min = (uint64_t)conf_int(c, PARAM_queue_minfree);
	if (s->free_min == 0)
		s->free_min =
		    (uint64_t)conf_int(c, PARAM_message_size_limit) * 3 / 2;
	s->messages_max = (size_t)conf_int(c, PARAM_qmgr_message_active_limit);
	s->recipients_max =
	    (size_t)conf_int(c, PARAM_qmgr_message_recipient_limit);
	return s;
}

struct site *
site_use(struct qmgr *q)
{
	q->site->users++;
	return q->site;
}

void
site_leave(struct site **sp)
{
	struct site *s = *sp;

	*sp = NULL;
	if (--s->users == 0)
		free_site(s);
}

void
site_set_room(struct qmgr *q)
{
	q->room.messages_max = q->site->messages_max;
	q->room.recipients_max = q->site->recipients_max;
}

void
site_replace(struct qmgr *q, struct site *s)
{
	site_leave(&q->site);
	q->site = s;
	site_set_room(q);
	schedule_reconfigure(q->schedule);
}

bool
site_delivers(struct str transport)
{
	return str_eq(transport, STR("local")) ||
	       str_eq(transport, STR("virtual"));
}

/* What master.cf says, within reason. */
static unsigned
find_processes(const struct conf *c, struct str transport)
{
	BUF_CLEANUP struct buf name = {0};
	struct str text;
	uint64_t n;

	buf_init(&name, 1024);
	(void)buf_addf(&name, "%.*s_process_limit", STR_ARG(transport));
	if (!conf_by_name(c, buf_str(&name), &text) ||
	    str_parse_u64(text, JOBS_MAX, &n) < 0 || n == 0)
		return JOBS_MAX;
	return (unsigned)n;
}

static struct feedback
find_feedback(const struct conf *c, struct str transport, enum param p)
{
	struct feedback f = {.amount = 1};

	(void)feedback_parse(conf_transport_str(c, transport, p), &f);
	return f;
}

static struct pace_limits
find_pace(const struct conf *c, struct str transport)
{
	int64_t most = conf_transport(
	    c, transport, PARAM_default_destination_concurrency_limit);

	return (struct pace_limits){
	    .initial = (unsigned)conf_transport(
		c, transport, PARAM_initial_destination_concurrency),
	    .most = most == 0 ? BATCH : (unsigned)most,
	    .cohort = (unsigned)conf_transport(c, transport,
		PARAM_default_destination_concurrency_failed_cohort_limit),
	    .positive = find_feedback(c, transport,
		PARAM_default_destination_concurrency_positive_feedback),
	    .negative = find_feedback(c, transport,
		PARAM_default_destination_concurrency_negative_feedback),
	};
}

void
site_limits(void *arg, struct str transport, struct schedule_limits *ret)
{
	const struct qmgr *q = arg;
	const struct conf *c = q->site->conf;

	*ret = (struct schedule_limits){
	    .pace = {.initial = BATCH, .most = BATCH},
	    .recipients = 1,
	    .processes = find_processes(c, transport),
	    .errands = (size_t)conf_transport(
		c, transport, PARAM_default_recipient_limit),
	    .probe_after = q->site->backoff.least,
	    .rate_delay = conf_transport(
		c, transport, PARAM_default_destination_rate_delay),
	    .pause = conf_transport(
		c, transport, PARAM_default_transport_rate_delay),
	};
	if (site_delivers(transport))
		return;
	ret->pace = find_pace(c, transport);
	ret->recipients = (unsigned)conf_transport(
	    c, transport, PARAM_default_destination_recipient_limit);
}
