/* SPDX-License-Identifier: ISC */
/*
 * cmd_auth - AUTH (RFC 4954): who the client is.  What it says is passed to
 * an authentication server (dovecot.h), which knows the mechanisms.
 *
 * SECURITY: what stands behind AUTH and what is said until its end is shown
 * nowhere, and is wiped from the memory it was read into.
 */
#include "command.h"

#include "base/clock.h"
#include "base/log.h"
#include "dovecot.h"
#include "guess.h"
#include "rate.h"
#include "reply.h"
#include "session.h"

#include <errno.h>
#include <string.h>

bool
command_offers_auth(const struct session *s)
{
	const struct server *server = s->server;

	return server->dovecot != NULL &&
	       (s->is_tls || !server->auth_needs_tls);
}

static bool
may_come_now(struct session *s)
{
	const struct server *server = s->server;

	if (s->helo.len == 0 &&
	    conf_bool(server->conf, PARAM_smtpd_helo_required))
		reply(s, "503 5.5.1 Error: send HELO/EHLO first");
	else if (server->dovecot == NULL ||
		 conf_has_word(server->conf, PARAM_smtpd_discard_ehlo_keywords,
		     STR("AUTH")))
		reply(s, "503 5.5.1 Error: authentication not enabled");
	else if (s->txn.has_sender)
		reply(s, "503 5.5.1 Error: MAIL transaction in progress");
	else if (!command_offers_auth(s))
		reply(s, "504 5.5.4 Encryption required for requested "
			 "authentication mechanism");
	else if (s->login.user.len > 0)
		reply(s, "503 5.5.1 Error: already authenticated");
	else
		return true;
	return false;
}

/* "mechanism [initial-response]"; "=" is an empty one (section 4). */
static bool
parse(struct session *s, struct str args, struct dovecot_ask *ret)
{
	struct str initial, more;

	*ret = (struct dovecot_ask){.mechanism = str_word(&args, " \t")};
	initial = str_word(&args, " \t");
	more = str_word(&args, " \t");
	if (ret->mechanism.len == 0 || more.len > 0) {
		reply(s, "501 5.5.4 Syntax: AUTH mechanism");
		return false;
	}
	ret->has_initial = initial.len > 0;
	ret->initial = str_eq(initial, STR("=")) ? STR_NONE : initial;
	return true;
}

/* Who talks to whom; `text` holds an address. */
static void
describe(const struct session *s, char text[static IP_TEXT_MAX],
    struct dovecot_ask *q)
{
	struct ip ip;

	q->remote = s->client.address;
	q->remote_port = s->client.port;
	q->is_tls = s->is_tls;
	q->local = STR_NONE;
	if (session_local(s, &ip, &q->local_port)) {
		ip_format(&ip, text);
		q->local = str_c(text);
	}
}

/* A line of the client's within AUTH.  False: the session, or AUTH, is over,
 * and the client was told. */
static bool
read_response(struct session *s, struct str *ret)
{
	bool crlf;
	int r;

	stream_deadline(&s->stream, clock_after(session_timeout(s)));
	s->is_waiting = true;
	r = stream_read_line(&s->stream, s->server->response_max, ret, &crlf);
	s->is_waiting = false;
	if (r == -EMSGSIZE)
		reply(s, "500 5.5.6 SASL response limit exceeded");
	else if (r < 0)
		session_fail(s, r);
	else if (!crlf && !session_may_bare_lf(s))
		session_refuse_bare_lf(s);
	return r == 0 && s->end == SESSION_GOES_ON;
}

/* Challenge after challenge, until the server knows.  False: the client gave
 * up, or the session is over. */
static bool
converse(struct session *s, struct dovecot_try *t, struct str mechanism,
    enum dovecot_answer *answer, int64_t *since)
{
	struct str line;

	while (*answer == DOVECOT_MORE) {
		reply_challenge(s, buf_str(&t->text));
		if (!read_response(s, &line))
			return false;
		if (str_eq(line, STR("*"))) {
			log_warning("%.*s: SASL %.*s authentication aborted",
			    STR_ARG(s->client.text), STR_ARG(mechanism));
			reply(s, "501 5.7.0 Authentication aborted");
			return false;
		}
		*since = clock_mono();
		*answer = dovecot_continue(t, line);
		stream_wipe(&s->stream);
	}
	return true;
}

static void
log_in(struct session *s, const struct dovecot_try *t)
{
	s->login.method = arena_str(&s->arena, t->mechanism);
	s->login.user = arena_str(&s->arena, buf_str(&t->user));
	reply(s, "235 2.7.0 Authentication successful");
}

/* The line is the one that fail2ban's filters look for. */
static void
refuse(struct session *s, const struct dovecot_try *t, struct str mechanism,
    enum dovecot_answer answer, int64_t since)
{
	struct str why =
	    t->text.len > 0 ? buf_str(&t->text) : STR("(reason unavailable)");

	log_warning("%.*s: SASL %.*s authentication failed: %.*s, "
		    "sasl_username=%.*s",
	    STR_ARG(s->client.text), STR_ARG(mechanism), STR_ARG(why),
	    STR_ARG(
		t->user.len > 0 ? buf_str(&t->user) : STR("(unavailable)")));
	if (answer == DOVECOT_RETRY) {
		reply(s, "454 4.7.0 Temporary authentication failure: %.*s",
		    STR_ARG(why));
		return;
	}
	if (answer == DOVECOT_NO) {
		if (!rate_auth_failed(s, buf_str(&t->user)))
			return;
		guess_failed(s, since);
	}
	reply(s, "535 5.7.8 Error: authentication failed: %.*s", STR_ARG(why));
	guess_told(s);
}

static void
authenticate(struct session *s, struct dovecot_ask *q)
{
	char here[IP_TEXT_MAX];
	struct dovecot_try t;
	enum dovecot_answer answer;
	int64_t since = clock_mono();
	struct str mechanism;

	describe(s, here, q);
	answer = dovecot_begin(s->server->dovecot, q, &t);
	mechanism =
	    t.mechanism.len > 0 ? t.mechanism : str_sub(q->mechanism, 0, 100);
	if (converse(s, &t, mechanism, &answer, &since)) {
		if (answer != DOVECOT_YES)
			refuse(s, &t, mechanism, answer, since);
		else if (rate_login(s, buf_str(&t.user)))
			log_in(s, &t);
	}
	dovecot_end(&t);
}

void
command_wipe(struct session *s, struct str line)
{
	explicit_bzero((char *)(uintptr_t)line.p, line.len);
	stream_wipe(&s->stream);
}

void
cmd_auth(struct session *s, struct str args)
{
	struct dovecot_ask ask;

	if (may_come_now(s) && rate_auth(s) && parse(s, args, &ask))
		authenticate(s, &ask);
}
