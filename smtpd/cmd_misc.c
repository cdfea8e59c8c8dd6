/* SPDX-License-Identifier: ISC */
/* cmd_misc - the commands that carry no mail. */
#include "command.h"

#include "mail/addr.h"
#include "reply.h"
#include "session.h"

#include <stddef.h>

void
cmd_rset(struct session *s, struct str args)
{
	if (args.len > 0) {
		reply(s, "501 5.5.4 Syntax: RSET");
		return;
	}
	session_reset(s);
	reply(s, "250 2.0.0 Ok");
}

void
cmd_noop(struct session *s, struct str args)
{
	(void)args; /* RFC 5321 section 4.1.1.9: a string may stand there */
	reply(s, "250 2.0.0 Ok");
}

void
cmd_quit(struct session *s, struct str args)
{
	if (args.len > 0) {
		reply(s, "501 5.5.4 Syntax: QUIT");
		return;
	}
	reply(s, "221 2.0.0 Bye");
	s->end = SESSION_DONE;
}

/*
 * RFC 5321 section 3.5.3: 252, whoever it may be.  Who exists is nobody's
 * business that does not send mail.
 */
void
cmd_vrfy(struct session *s, struct str args)
{
	struct addr who;
	const char *why;
	size_t used;

	if (conf_bool(s->server->conf, PARAM_disable_vrfy_command))
		reply(s, "502 5.5.1 VRFY command is disabled");
	else if (args.len == 0)
		reply(s, "501 5.5.4 Syntax: VRFY address");
	else if (addr_parse_path(args, false, &s->scratch, &who, &used, &why) <
		     0 ||
		 used != args.len)
		reply(s, "501 5.1.3 Bad recipient address syntax");
	else
		reply(s, "252 2.0.0 %.*s", STR_ARG(who.text));
}

void
cmd_help(struct session *s, struct str args)
{
	(void)args;
	reply(s, "214 2.0.0 See RFC 5321");
}

void
cmd_absent(struct session *s, struct str args)
{
	(void)args;
	reply(s, "502 5.5.1 Error: command not implemented");
}
