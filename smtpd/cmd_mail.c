/* SPDX-License-Identifier: ISC */
/* cmd_mail - MAIL FROM (RFC 5321 section 4.1.1.2): a transaction begins. */
#include "command.h"

#include "check.h"
#include "mail/intake.h"
#include "mail/params.h"
#include "rate.h"
#include "reply.h"
#include "session.h"

#include <errno.h>

static bool
may_come_now(struct session *s)
{
	if (s->helo.len == 0 &&
	    conf_bool(s->server->conf, PARAM_smtpd_helo_required)) {
		reply(s, "503 5.5.1 Error: send HELO/EHLO first");
		return false;
	}
	if (s->txn.has_sender) {
		reply(s, "503 5.5.1 Error: nested MAIL command");
		return false;
	}
	return true;
}

static bool
takes_auth(struct session *s)
{
	if (s->server->dovecot != NULL)
		return true;
	reply(s, "503 5.5.4 Error: authentication disabled");
	return false;
}

static bool
parse(struct session *s, struct str args, struct addr *ret_sender,
    struct params *ret_params)
{
	bool strict = conf_bool(s->server->conf, PARAM_strict_rfc821_envelopes);
	struct str text, bad;
	const char *why;
	int r = params_path(
	    args, STR("FROM"), strict, &s->scratch, ret_sender, &text);

	if (r == -EINVAL) {
		reply(s, "501 5.5.4 Syntax: MAIL FROM:<address>");
		return false;
	}
	if (r < 0) {
		reply(s, "501 5.1.7 Bad sender address syntax");
		return false;
	}
	r = params_mail(text, &s->scratch, ret_params, &bad, &why);
	if (r == -EINVAL)
		reply(s, "501 5.5.4 %s", why);
	else if (r < 0)
		reply(s, "555 5.5.4 Unsupported option: %.*s", STR_ARG(bad));
	return r == 0 && (!ret_params->has_dsn || command_takes_dsn(s)) &&
	       (!ret_params->has_auth || takes_auth(s));
}

/* RFC 1870 section 6.1, and whether the queue takes mail at all. */
static bool
check_room(struct check *c, struct session *s)
{
	const struct server *server = s->server;
	uint64_t size = s->txn.params.size;
	struct str dsn, text;

	*c = (struct check){.s = s, .a = &s->scratch, .list = RULES_SENDER};
	if (server->size_max > 0 && size > server->size_max) {
		check_refuse(
		    c, 552, "5.3.4", "Message size exceeds fixed limit");
		return false;
	}
	if (taker_has_room(server->taker, size, &dsn, &text))
		return true;
	check_refuse(c, dsn.len > 0 && dsn.p[0] == '5' ? 552 : 452,
	    arena_cstr(&s->scratch, dsn), "%.*s", STR_ARG(text));
	return false;
}

void
cmd_mail(struct session *s, struct str args)
{
	struct params params;
	struct addr sender;
	struct check c;

	if (!may_come_now(s) || !rate_mail(s) ||
	    !parse(s, args, &sender, &params))
		return;
	s->txn.sender =
	    (struct addr){.text = arena_str(&s->txn.arena, sender.text)};
	s->txn.sender.local = str_sub(s->txn.sender.text, 0, sender.local.len);
	s->txn.sender.domain =
	    str_from(s->txn.sender.text, sender.text.len - sender.domain.len);
	s->txn.params = params;
	s->txn.params.envid = arena_str(&s->txn.arena, params.envid);
	/* RFC 4954 section 5: of one who has not logged in it is <>. */
	s->txn.params.auth = s->login.user.len > 0
	                         ? arena_str(&s->txn.arena, params.auth)
	                         : STR_NONE;
	s->txn.has_sender = true;
	if (!check_room(&c, s) || !check_sender(&c, s)) {
		check_reply(&c);
		session_reset(s);
		return;
	}
	reply(s, "250 2.1.0 Ok");
}
