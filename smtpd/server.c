/* SPDX-License-Identifier: ISC */
/* server - the start and the end of what the sessions share. */
#include "server.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/task.h"
#include "mail/notice_class.h"
#include "session.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/resource.h>

#define ARENA_MAX           ((size_t)64 * 1024 * 1024) /* main.cf bounds its lists */
#define FDS_KEPT            64    /* for everything but clients */
#define FDS_SESSION         2     /* the connection, and a chunk of content */
#define SESSIONS_MAX        10000 /* their stacks fit the address space */
#define CROWD               200   /* sessions whose memory is worth a look */
#define RATHER_FULL(n, max) ((n) > (max) - (max) / 8)

static void
read_bounds(const struct conf *c, struct bounds *ret)
{
	*ret = (struct bounds){
	    .timeout = conf_time(c, PARAM_smtpd_timeout),
	    .starttls = conf_time(c, PARAM_smtpd_starttls_timeout),
	    .hard_errors = (unsigned)conf_int(c, PARAM_smtpd_hard_error_limit),
	    .junk = (unsigned)conf_int(c, PARAM_smtpd_junk_command_limit),
	};
}

static void
read_conf(struct server *s)
{
	const struct conf *c = s->conf;
	struct conf *stressed = conf_override(c, STR("stress"), STR("yes"));

	s->hostname = conf_str(c, PARAM_myhostname);
	s->banner = conf_str(c, PARAM_smtpd_banner);
	read_bounds(c, &s->normal);
	read_bounds(stressed, &s->stressed);
	conf_free(&stressed);
	s->soft_errors = (unsigned)conf_int(c, PARAM_smtpd_soft_error_limit);
	s->error_sleep = conf_time(c, PARAM_smtpd_error_sleep_time);
	s->line_max = (size_t)conf_int(c, PARAM_line_length_limit);
	if (s->line_max > STREAM_LINE_MAX)
		s->line_max = STREAM_LINE_MAX;
	s->response_max = (size_t)conf_int(c, PARAM_smtpd_sasl_response_limit);
	s->command_max = s->line_max;
	s->auth_needs_tls = conf_bool(c, PARAM_smtpd_tls_auth_only);
	s->size_max = (uint64_t)conf_int(c, PARAM_message_size_limit);
	s->recipients_max = (size_t)conf_int(c, PARAM_smtpd_recipient_limit);
	s->notices = notice_classes(conf_str(c, PARAM_notify_classes), NULL);
	s->delay_reject = conf_bool(c, PARAM_smtpd_delay_reject);
}

static size_t
count_sessions_max(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
	    limit.rlim_cur < FDS_KEPT + FDS_SESSION)
		return 1;
	if (limit.rlim_cur / FDS_SESSION > SESSIONS_MAX)
		return SESSIONS_MAX;
	return (size_t)(limit.rlim_cur - FDS_KEPT) / FDS_SESSION;
}

/* In Postfix a process serves one client: as many sessions. */
static void
set_limit(struct server *s)
{
	uint64_t limit = serve_limit(s->sv);

	task_queue_init(&s->place);
	s->sessions_max = count_sessions_max();
	s->is_limited = limit > 0 && limit < s->sessions_max;
	if (s->is_limited)
		s->sessions_max = (size_t)limit;
}

static struct match *
open_clients(struct server *s, enum param p, struct buf *why)
{
	return match_open(&s->env, conf_str(s->conf, p), false, why);
}

/*
 * local_header_rewrite_clients: its words, and what else stands there as
 * a list of clients ("check_address_map" is dropped: a table speaks for
 * itself).
 */
static struct match *
open_rewrite_clients(struct server *s, struct buf *why)
{
	struct str rest = conf_str(s->conf, PARAM_local_header_rewrite_clients);
	struct str word;
	BUF_CLEANUP struct buf list = {0};

	buf_init(&list, CONF_VALUE_MAX);
	while (dict_list_next(&rest, &word) == 0 && word.len > 0) {
		if (str_eq_case(word, STR("permit_inet_interfaces")))
			s->rewrite_own = true;
		else if (str_eq_case(word, STR("permit_mynetworks")))
			s->rewrite_mynetworks = true;
		else if (str_eq_case(word, STR("permit_sasl_authenticated")))
			s->rewrite_logins = true;
		else if (str_eq_case(word, STR("permit_tls_clientcerts")))
			s->rewrite_known_certs = true;
		else if (str_eq_case(word, STR("permit_tls_all_clientcerts")))
			s->rewrite_trusted_certs = true;
		else if (str_has_char(word, ':'))
			buf_addf(&list, " %.*s", STR_ARG(word));
	}
	return match_open(
	    &s->env, arena_str(&s->arena, buf_str(&list)), false, why);
}

/* The way to who knows passwords, and who may send as whom. */
static bool
open_logins(struct server *s, struct buf *why)
{
	s->login_maps = maps_open(
	    &s->env, conf_str(s->conf, PARAM_smtpd_sender_login_maps), why);
	if (s->login_maps == NULL)
		return false;
	if (!conf_bool(s->conf, PARAM_smtpd_sasl_auth_enable))
		return true;
	if (!str_eq_case(
		conf_str(s->conf, PARAM_smtpd_sasl_type), STR("dovecot"))) {
		log_warning("smtpd_sasl_type = %.*s: there is no such thing "
			    "here: nobody can log in",
		    STR_ARG(conf_str(s->conf, PARAM_smtpd_sasl_type)));
		return true;
	}
	s->dovecot = dovecot_new(s->sv, s->conf, &s->env, why);
	if (s->command_max < s->response_max)
		s->command_max = s->response_max;
	return s->dovecot != NULL;
}

/* What stands in main.cf as lists and tables; false with `why` at the first
 * that cannot be used. */
static bool
open_tables(struct server *s, struct buf *why)
{
	s->router = router_new(s->conf, &s->env, why);
	if (s->router == NULL)
		return false;
	s->taker = taker_new(s->sv, s->conf, s->router, &s->env, why);
	if (s->taker == NULL)
		return false;
	s->post = (struct transcript_post){.taker = s->taker, .conf = s->conf};
	s->mynetworks = open_clients(s, PARAM_mynetworks, why);
	if (s->mynetworks == NULL)
		return false;
	s->bare_lf_clients =
	    open_clients(s, PARAM_smtpd_forbid_bare_newline_exclusions, why);
	if (s->bare_lf_clients == NULL)
		return false;
	s->unlimited_clients =
	    open_clients(s, PARAM_smtpd_client_event_limit_exceptions, why);
	if (s->unlimited_clients == NULL)
		return false;
	s->unlimited_logins =
	    open_clients(s, PARAM_smtpd_login_rate_limit_exceptions, why);
	if (s->unlimited_logins == NULL)
		return false;
	s->forbidden = open_clients(s, PARAM_smtpd_forbidden_commands, why);
	if (s->forbidden == NULL)
		return false;
	s->no_auth_clients =
	    open_clients(s, PARAM_smtpd_sasl_exceptions_networks, why);
	if (s->no_auth_clients == NULL || !open_logins(s, why))
		return false;
	s->relay_clientcerts =
	    maps_open(&s->env, conf_str(s->conf, PARAM_relay_clientcerts), why);
	if (s->relay_clientcerts == NULL)
		return false;
	s->rewrite_clients = open_rewrite_clients(s, why);
	return s->rewrite_clients != NULL && router_open_known(s->router, why);
}

struct server *
server_new(struct serve *sv, const struct conf *conf,
    const struct dict_env *env, struct link *dns, struct link *lookup,
    struct buf *why)
{
	struct server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		log_fatal("out of memory");
	s->sv = sv;
	s->conf = conf;
	s->env = *env;
	s->dns = dns;
	s->lookup = lookup;
	LIST_INIT(&s->sessions);
	arena_init(&s->arena, ARENA_MAX);
	peers_init(&s->peers);
	read_conf(s);
	set_limit(s);
	s->normalizes = !str_eq_case(
	    conf_str(conf, PARAM_smtpd_forbid_bare_newline), STR("reject"));
	limit_init(&s->limits, sv, conf);
	if (!open_tables(s, why)) {
		server_free(&s);
		return NULL;
	}
	s->rules = rulebook_new(conf, &s->env, &s->arena);
	return s;
}

void
server_free(struct server **s)
{
	struct server *server = *s;

	if (server == NULL)
		return;
	*s = NULL;
	rulebook_free(&server->rules);
	match_free(&server->mynetworks);
	match_free(&server->bare_lf_clients);
	match_free(&server->unlimited_clients);
	match_free(&server->unlimited_logins);
	match_free(&server->rewrite_clients);
	maps_free(&server->relay_clientcerts);
	match_free(&server->forbidden);
	match_free(&server->no_auth_clients);
	maps_free(&server->login_maps);
	dovecot_free(&server->dovecot);
	taker_free(&server->taker);
	router_free(&server->router);
	starttls_done(&server->starttls);
	limit_done(&server->limits);
	peers_done(&server->peers);
	arena_done(&server->arena);
	free(server);
}

const struct bounds *
server_bounds(const struct server *s)
{
	return RATHER_FULL(s->session_count, s->sessions_max) ? &s->stressed
	                                                      : &s->normal;
}

bool
server_is_full(struct server *s)
{
	bool is_full = s->is_limited && s->session_count >= s->sessions_max;

	if (is_full && !s->was_full)
		log_warning("service \"%.*s\" has reached its process limit "
			    "\"%zu\": new clients may experience noticeable "
			    "delays",
		    STR_ARG(serve_service(s->sv)), s->sessions_max);
	s->was_full |= is_full;
	return is_full;
}

void
server_entered(struct server *s, struct session *session)
{
	LIST_INSERT_HEAD(&s->sessions, session, next);
	s->session_count++;
	if (s->crowd < s->session_count)
		s->crowd = s->session_count;
}

/* Most of a crowd has gone: what lies free between those who stayed is no use
 * to anybody here. */
static void
give_back(struct server *s)
{
	if (s->crowd < CROWD || s->session_count > s->crowd / 16)
		return;
	malloc_trim(0);
	s->crowd = s->session_count;
}

void
server_left(struct server *s)
{
	s->session_count--;
	give_back(s);
	task_wake_all(&s->place);
	if (s->is_draining && s->session_count == 0)
		serve_exit(s->sv, 0);
}

void
server_drain(struct server *s)
{
	s->is_draining = true;
	if (s->session_count == 0)
		serve_exit(s->sv, 0);
}

void
server_hurry(struct server *s)
{
	struct session *session;

	s->is_hurrying = true;
	LIST_FOREACH (session, &s->sessions, next)
		if (session->is_waiting)
			task_cancel(session->task);
}
