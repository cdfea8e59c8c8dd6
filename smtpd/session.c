/* SPDX-License-Identifier: ISC */
/* session - from the first byte to the last, and what is said about it in
 * the log. */
#include "session.h"

#include "base/clock.h"
#include "base/log.h"
#include "check.h"
#include "rate.h"
#include "reply.h"
#include "trouble.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define SESSION_ARENA_MAX     (16 * 1024)
#define TRANSACTION_ARENA_MAX (16 * 1024) /* the sender */
#define LINGER                CLOCK_SEC   /* a wait longer than this is idle */
#define HANG_UP               (2 * CLOCK_SEC)
#define HANG_UP_BYTES         (64 * 1024)

/* ---- transaction ---- */

static void
begin_transaction(struct transaction *t)
{
	static uint64_t count;

	t->params.auth = STR_NONE;
	t->instance = ((uint64_t)clock_mono() << 16) + ++count % UINT16_MAX;
	arena_init(&t->arena, TRANSACTION_ARENA_MAX);
	treatment_init(&t->treatment);
}

void
session_reset(struct session *s)
{
	struct transaction *t = &s->txn;

	intake_end(&t->intake);
	treatment_done(&t->treatment);
	arena_done(&t->arena);
	*t = (struct transaction){0};
	begin_transaction(t);
}

void
session_forget(struct session *s)
{
	session_reset(s);
	session_log_out(s);
	buf_reset(&s->helo);
	s->esmtp = false;
}

struct str
session_id(const struct session *s)
{
	return s->txn.intake != NULL ? intake_id(s->txn.intake)
	                             : STR("NOQUEUE");
}

const char *
session_proto(const struct session *s)
{
	return s->esmtp ? "ESMTP" : "SMTP";
}

const char *
session_with(const struct session *s)
{
	bool is_auth = s->login.user.len > 0;

	if (!s->esmtp)
		return "SMTP";
	if (s->is_tls)
		return is_auth ? "ESMTPSA" : "ESMTPS";
	return is_auth ? "ESMTPA" : "ESMTP";
}

bool
session_has_login(const struct session *s)
{
	return s->login.user.len > 0 &&
	       !str_eq_case(s->login.method, STR("ANONYMOUS"));
}

bool
session_may_bare_lf(const struct session *s)
{
	return s->may_bare_lf || session_has_login(s);
}

void
session_log_out(struct session *s)
{
	s->login = (struct login){STR_NONE, STR_NONE};
}

bool
session_local(const struct session *s, struct ip *ret_ip, uint16_t *ret_port)
{
	struct sockaddr_storage here;
	socklen_t len = sizeof(here);

	return getsockname(s->stream.io.fd, (struct sockaddr *)&here, &len) ==
	           0 &&
	       ip_from_sockaddr((struct sockaddr *)&here, ret_ip, ret_port) ==
	           0;
}

int64_t
session_timeout(const struct session *s)
{
	return server_bounds(s->server)->timeout;
}

void
session_fail(struct session *s, int error)
{
	if (s->end != SESSION_GOES_ON)
		return;
	if (error == -ETIMEDOUT)
		s->end = SESSION_TIMEOUT;
	else if (error == -ECANCELED)
		s->end = SESSION_SHUTDOWN;
	else
		s->end = SESSION_LOST;
}

/* ---- waiting for a command ---- */

/* A client that thinks costs its descriptor, its struct and a page of stack.
 */
static void
become_lean(struct session *s)
{
	stream_idle(&s->stream); /* and the stack's pages */
	arena_done(&s->scratch);
	arena_init(&s->scratch, SESSION_SCRATCH_MAX);
}

/* A line, however long the client thinks about it. */
static int
read_command(struct session *s, struct str *ret_line, bool *ret_crlf)
{
	int64_t deadline = clock_after(session_timeout(s));
	int64_t linger = clock_after(LINGER);
	int r;

	stream_deadline(&s->stream, linger < deadline ? linger : deadline);
	r = stream_read_line(
	    &s->stream, s->server->command_max, ret_line, ret_crlf);
	if (r != -ETIMEDOUT || deadline <= linger)
		return r;
	become_lean(s);
	stream_deadline(&s->stream, deadline);
	return stream_read_line(
	    &s->stream, s->server->command_max, ret_line, ret_crlf);
}

static void
refuse_long_line(struct session *s)
{
	log_warning("command line too long after %s from %.*s", s->where,
	    STR_ARG(s->client.text));
	reply(s, "500 5.5.6 Error: line too long");
	s->end = SESSION_REFUSED;
}

void
session_refuse_bare_lf(struct session *s)
{
	log_info("disconnect: bare <LF> received after %s from %.*s", s->where,
	    STR_ARG(s->client.text));
	reply(s, "550 5.5.2 %.*s Error: bare <LF> received",
	    STR_ARG(s->server->hostname));
	s->end = SESSION_REFUSED;
}

static void
serve_command(struct session *s)
{
	struct str line;
	bool crlf;
	int r;

	arena_reset(&s->scratch);
	s->is_waiting = true;
	r = read_command(s, &line, &crlf);
	s->is_waiting = false;
	if (r == -EMSGSIZE)
		refuse_long_line(s);
	else if (r < 0)
		session_fail(s, r);
	else if (s->server->is_hurrying)
		s->end = SESSION_SHUTDOWN;
	else if (!crlf && !session_may_bare_lf(s))
		session_refuse_bare_lf(s);
	else if (line.len > s->server->line_max && !command_is_auth(line))
		refuse_long_line(s);
	else
		command_run(s, arena_str(&s->scratch, line));
}

static void
check_errors(struct session *s)
{
	if (s->end != SESSION_GOES_ON ||
	    s->errors < server_bounds(s->server)->hard_errors)
		return;
	s->end = SESSION_ERRORS;
}

/* ---- the beginning ---- */

/* One who does not wait for the greeting is no mail system (RFC 5321
 * section 4.3.1). */
static bool
refuse_early_talk(struct session *s)
{
	struct str bytes;
	char c;

	/* What came with the end of the handshake is no greeting's. */
	if (s->is_tls)
		return false;
	if (recv(s->stream.io.fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) != 1)
		return false;
	s->is_pipelining_ill = true;
	if (stream_peek(&s->stream, &bytes) < 0)
		return false;
	log_info("improper command pipelining after CONNECT from %.*s: %.*s",
	    STR_ARG(s->client.text), STR_ARG(command_shown(bytes)));
	if (!conf_bool(s->server->conf, PARAM_smtpd_forbid_unauth_pipelining))
		return false;
	reply(s, "554 5.5.0 Error: SMTP protocol synchronization");
	return true;
}

static bool
is_own_address(const struct session *s)
{
	struct ip ip;
	uint16_t port;

	return ip_is_loopback(&s->client.ip) ||
	       (session_local(s, &ip, &port) && ip_eq(&ip, &s->client.ip));
}

static void
name_client(struct session *s, bool with_port)
{
	struct server *server = s->server;

	if (peers_recall(&server->peers, &s->client, with_port, &s->arena))
		return;
	client_look_up(
	    &s->client, with_port, server->lookup, server->dns, &s->arena);
	peers_remember(&server->peers, &s->client);
}

/* False: the client was told, and that is all. */
static bool
greet(struct session *s)
{
	struct server *server = s->server;
	bool with_port =
	    conf_bool(server->conf, PARAM_smtpd_client_port_logging);
	struct check c;

	stream_deadline(&s->stream, clock_after(session_timeout(s)));
	if (conf_bool(server->conf, PARAM_smtpd_peername_lookup))
		name_client(s, with_port);
	log_info("connect from %.*s", STR_ARG(s->client.text));
	rate_enter(s);
	/* SECURITY: before a handshake, which may take its time. */
	if (!rate_connect(s))
		return false;
	if (server->starttls.is_wrapped && !starttls_begin(s))
		return false;
	s->is_own = is_own_address(s);
	s->may_bare_lf =
	    server->normalizes || match_ip(server->bare_lf_clients,
				      &s->client.ip, &s->scratch) == FIND_YES;
	if (refuse_early_talk(s))
		return false;
	if (!check_client(&c, s)) {
		check_reply(&c);
		return false;
	}
	reply(s, "220 %.*s", STR_ARG(server->banner));
	return true;
}

/* ---- the end ---- */

static void
say_goodbye(struct session *s)
{
	struct str host = s->server->hostname;

	switch (s->end) {
	case SESSION_TIMEOUT:
		reply(
		    s, "421 4.4.2 %.*s Error: timeout exceeded", STR_ARG(host));
		break;
	case SESSION_ERRORS:
		reply(
		    s, "421 4.7.0 %.*s Error: too many errors", STR_ARG(host));
		break;
	case SESSION_SHUTDOWN:
		reply(s, "421 4.3.2 %.*s Service shutting down", STR_ARG(host));
		break;
	case SESSION_GOES_ON:
	case SESSION_DONE:
	case SESSION_REFUSED:
	case SESSION_LOST:
		break;
	}
	stream_deadline(&s->stream, clock_after(CLOCK_SEC));
	reply_flush(s);
}

/*
 * A connection closed while the client's words are on their way is reset,
 * and our last reply lost with it: hear it out for a moment.
 */
static void
hang_up(struct session *s)
{
	struct str bytes;
	size_t n = 0;

	stream_shut(&s->stream);
	stream_deadline(&s->stream, clock_after(HANG_UP));
	while (n < HANG_UP_BYTES && stream_peek(&s->stream, &bytes) == 0) {
		n += bytes.len;
		stream_wipe_all(&s->stream);
	}
}

static void
log_end(const struct session *s, enum session_end end)
{
	const char *what = end == SESSION_LOST      ? "lost connection"
	                   : end == SESSION_TIMEOUT ? "timeout"
	                   : end == SESSION_ERRORS  ? "too many errors"
	                                            : NULL;
	BUF_CLEANUP struct buf counts = {0};

	if (what != NULL && s->data_bytes > 0)
		log_info("%s after %s (%llu bytes) from %.*s", what, s->where,
		    (unsigned long long)s->data_bytes, STR_ARG(s->client.text));
	else if (what != NULL)
		log_info("%s after %s from %.*s", what, s->where,
		    STR_ARG(s->client.text));
	buf_init(&counts, 1024);
	command_summary(s->counts, &counts);
	log_info("disconnect from %.*s%s", STR_ARG(s->client.text), counts.p);
}

static void
free_session(struct session *s)
{
	struct server *server = s->server;

	LIST_REMOVE(s, next);
	session_reset(s);
	limit_leave(&server->limits, &s->ticket);
	stream_done(&s->stream);
	for (size_t i = 0; i < KEPT_STAGES; i++) {
		buf_done(&s->kept_permit[i].text);
		buf_done(&s->kept_reject[i].text);
	}
	buf_done(&s->helo);
	transcript_done(&s->transcript);
	arena_done(&s->arena);
	arena_done(&s->scratch);
	free(s);
	server_left(server);
}

static void
run(void *arg)
{
	struct session *s = arg;
	enum session_end end;

	if (!greet(s) && s->end == SESSION_GOES_ON)
		s->end = SESSION_REFUSED;
	while (s->end == SESSION_GOES_ON) {
		serve_command(s);
		check_errors(s);
	}
	end = s->end;
	/* SECURITY: what was not taken as a command may be of an AUTH. */
	if (end != SESSION_DONE)
		stream_wipe_all(&s->stream);
	say_goodbye(s);
	log_end(s, end);
	session_reset(s);
	if (end != SESSION_DONE && end != SESSION_LOST)
		hang_up(s);
	trouble_tell(s);
	free_session(s);
}

void
session_start(struct server *server, int fd, const struct ip *ip, uint16_t port)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		log_fatal("out of memory");
	*s = (struct session){.server = server, .where = "CONNECT"};
	session_log_out(s);
	arena_init(&s->arena, SESSION_ARENA_MAX);
	arena_init(&s->scratch, SESSION_SCRATCH_MAX);
	buf_init(&s->helo, SESSION_HELO_MAX);
	transcript_init(&s->transcript, server->notices);
	for (size_t i = 0; i < KEPT_STAGES; i++) {
		buf_init(&s->kept_permit[i].text, REPLY_LINE_MAX);
		buf_init(&s->kept_reject[i].text, REPLY_LINE_MAX);
	}
	begin_transaction(&s->txn);
	client_init(&s->client, ip, port,
	    conf_bool(server->conf, PARAM_smtpd_client_port_logging),
	    &s->arena);
	server_entered(server, s);
	if (stream_init(&s->stream, fd) < 0) {
		free_session(s);
		return;
	}
	s->task = task_start(run, s);
}
