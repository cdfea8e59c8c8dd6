/* SPDX-License-Identifier: ISC */
/* cmd_rcpt - RCPT TO (RFC 5321 section 4.1.1.3): one more recipient. */
#include "command.h"

#include "base/log.h"
#include "ccert.h"
#include "check.h"
#include "mail/envelope.h"
#include "mail/intake.h"
#include "mail/params.h"
#include "mail/tls_text.h"
#include "rate.h"
#include "reply.h"
#include "session.h"

#include <errno.h>

static bool
parse_params(struct session *s, struct str text, struct params_rcpt *ret)
{
	struct str bad;
	const char *why;
	int r = params_rcpt(text, &s->scratch, ret, &bad, &why);

	if (r == -EINVAL)
		reply(s, "501 5.5.4 %s", why);
	else if (r < 0)
		reply(s, "555 5.5.4 Unsupported option: %.*s", STR_ARG(bad));
	return r == 0 && (!ret->has_dsn || command_takes_dsn(s));
}

static bool
parse(struct session *s, struct str args, struct addr *ret,
    struct params_rcpt *ret_params)
{
	bool strict = conf_bool(s->server->conf, PARAM_strict_rfc821_envelopes);
	struct str text;
	int r = params_path(args, STR("TO"), strict, &s->scratch, ret, &text);

	if (r == -EINVAL) {
		reply(s, "501 5.5.4 Syntax: RCPT TO:<address>");
		return false;
	}
	if (r < 0 || addr_is_null(*ret)) {
		reply(s, "501 5.1.3 Bad recipient address syntax");
		return false;
	}
	return parse_params(s, text, ret_params);
}

/* RFC 5321 section 4.5.3.1.10: the client sends the rest in another one. */
static bool
has_place(struct session *s)
{
	const struct conf *conf = s->server->conf;
	int64_t grace = conf_int(conf, PARAM_smtpd_recipient_overshoot_limit);

	if (s->txn.recipients < s->server->recipients_max)
		return true;
	reply(s, "452 4.5.3 Error: too many recipients");
	/* A mailer that knows its protocol goes on; that is no error. */
	if (++s->txn.overshoot <= (uint64_t)grace)
		s->errors--;
	return false;
}

static bool
has_local_header(struct session *s)
{
	struct server *server = s->server;

	if (server->rewrite_own && s->is_own)
		return true;
	if (server->rewrite_mynetworks &&
	    match_ip(server->mynetworks, &s->client.ip, &s->scratch) ==
		FIND_YES)
		return true;
	if (server->rewrite_logins && session_has_login(s))
		return true;
	if (server->rewrite_trusted_certs && ccert_is_trusted(s))
		return true;
	if (server->rewrite_known_certs &&
	    ccert_is_known(s, &s->scratch) == FIND_YES)
		return true;
	return match_ip(server->rewrite_clients, &s->client.ip, &s->scratch) ==
	       FIND_YES;
}

static void
log_client(const struct session *s)
{
	struct str sender = s->txn.params.auth;

	if (s->login.user.len == 0) {
		log_info("%.*s: client=%.*s", STR_ARG(session_id(s)),
		    STR_ARG(s->client.text));
		return;
	}
	log_info(
	    "%.*s: client=%.*s, sasl_method=%.*s, sasl_username=%.*s%s%.*s",
	    STR_ARG(session_id(s)), STR_ARG(s->client.text),
	    STR_ARG(s->login.method), STR_ARG(s->login.user),
	    sender.len > 0 ? ", sasl_sender=" : "", STR_ARG(sender));
}

/* The first good recipient: from here on there is a queue id. */
static void
begin_intake(struct session *s)
{
	const struct tls_info *tls = tls_info(&s->stream);
	BUF_CLEANUP struct buf lines = {0};
	struct intake_origin origin = {
	    .client = s->client.text,
	    .client_name = s->client.name,
	    .client_addr = s->client.address,
	    .helo = buf_str(&s->helo),
	    .proto = str_c(session_with(s)),
	    .login = s->login.user,
	    .shows_login = conf_bool(
		s->server->conf, PARAM_smtpd_sasl_authenticated_header),
	    .is_hidden =
		conf_bool(s->server->conf, PARAM_smtpd_hide_client_session),
	    .is_local_header = has_local_header(s),
	    .body_8bit = s->txn.params.body_8bit,
	    .envid = s->txn.params.envid,
	    .ret = s->txn.params.ret,
	};

	buf_init(&lines, 4096);
	if (tls != NULL && s->server->starttls.in_received)
		tls_text_received(tls, &lines);
	origin.tls = buf_str(&lines);
	s->txn.intake = intake_begin(s->server->taker, &origin);
	intake_sender(s->txn.intake, s->txn.sender);
	log_client(s);
}

static void
accept_recipient(
    struct session *s, const struct addr *to, const struct params_rcpt *params)
{
	struct recipient r = {
	    .address = to->text,
	    .original = to->text,
	    .orcpt = params->orcpt,
	    .notify = params->notify,
	};

	if (s->txn.intake == NULL)
		begin_intake(s);
	if (intake_recipient(s->txn.intake, &r) < 0) {
		reply(s, "452 4.5.3 Error: too many recipients");
		return;
	}
	s->txn.recipients++;
	s->txn.recipient = s->txn.recipients == 1
	                       ? arena_str(&s->txn.arena, to->text)
	                       : STR_NONE;
	reply(s, "250 2.1.5 Ok");
}

void
cmd_rcpt(struct session *s, struct str args)
{
	struct params_rcpt params;
	struct check c;
	struct addr to;

	if (!s->txn.has_sender) {
		reply(s, "503 5.5.1 Error: need MAIL command");
		return;
	}
	if (!rate_recipient(s) || !parse(s, args, &to, &params) ||
	    !has_place(s))
		return;
	if (!check_recipient(&c, s, &to)) {
		check_reply(&c);
		return;
	}
	accept_recipient(s, &to, &params);
}
