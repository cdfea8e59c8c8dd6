/* SPDX-License-Identifier: ISC */
/*
 * command - from a line to its handler: the verb, what is not SMTP at all,
 * commands that came before their time, counts.
 */
#include "command.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "reply.h"
#include "session.h"
#include "trouble.h"

#include <errno.h>

enum {
	IS_LAST = 1 << 0, /* nothing may follow before its reply (RFC 2920) */
	IS_JUNK = 1 << 1, /* brings no mail: smtpd_junk_command_limit */
	IS_OPEN = 1 << 2, /* may be said in the clear where TLS is a must */
};

static const struct verb {
	const char *verb, *count;
	void (*run)(struct session *s, struct str args);
	unsigned flags;
} verbs[COMMAND_COUNT] = {
    [COMMAND_HELO] = {"HELO", "helo", cmd_helo, IS_LAST | IS_JUNK},
    [COMMAND_EHLO] = {"EHLO", "ehlo", cmd_ehlo, IS_LAST | IS_JUNK | IS_OPEN},
    [COMMAND_STARTTLS] = {"STARTTLS", "starttls", cmd_starttls,
	IS_LAST | IS_JUNK | IS_OPEN},
    [COMMAND_AUTH] = {"AUTH", "auth", cmd_auth, IS_LAST | IS_JUNK},
    [COMMAND_MAIL] = {"MAIL", "mail", cmd_mail, 0},
    [COMMAND_RCPT] = {"RCPT", "rcpt", cmd_rcpt, 0},
    [COMMAND_BDAT] = {"BDAT", "bdat", cmd_absent, IS_LAST},
    [COMMAND_DATA] = {"DATA", "data", cmd_data, IS_LAST},
    [COMMAND_RSET] = {"RSET", "rset", cmd_rset, IS_JUNK},
    [COMMAND_NOOP] = {"NOOP", "noop", cmd_noop, IS_LAST | IS_JUNK | IS_OPEN},
    [COMMAND_VRFY] = {"VRFY", "vrfy", cmd_vrfy, IS_LAST | IS_JUNK},
    [COMMAND_EXPN] = {"EXPN", "expn", cmd_absent, IS_LAST | IS_JUNK},
    [COMMAND_ETRN] = {"ETRN", "etrn", cmd_absent, IS_LAST | IS_JUNK},
    [COMMAND_HELP] = {"HELP", "help", cmd_help, IS_LAST | IS_JUNK},
    [COMMAND_QUIT] = {"QUIT", "quit", cmd_quit, IS_OPEN},
    [COMMAND_UNKNOWN] = {NULL, "unknown", NULL, 0},
};

static enum command
find_verb(struct str verb)
{
	for (int i = 0; i < COMMAND_UNKNOWN; i++)
		if (str_eq_case(verb, str_c(verbs[i].verb)))
			return (enum command)i;
	return COMMAND_UNKNOWN;
}

/* The tongues of other protocols (ALPACA and the like): words and patterns of
 * smtpd_forbidden_commands, and a header line. */
static bool
is_foreign(struct session *s, struct str verb)
{
	return verb.p[verb.len - 1] == ':' ||
	       match_domain(s->server->forbidden, verb, &s->scratch) ==
	           FIND_YES;
}

static void
refuse_foreign(struct session *s, struct str line)
{
	if (s->is_hiding || command_is_auth(line))
		line = STR("...");
	log_warning("non-SMTP command from %.*s: %.*s", STR_ARG(s->client.text),
	    STR_ARG(str_sub(line, 0, 100)));
	reply(s, "221 2.7.0 Error: I can break rules, too. Goodbye.");
	s->end = SESSION_REFUSED;
}

bool
command_is_auth(struct str line)
{
	return str_has_prefix_case(str_word(&line, " \t"), STR("AUTH"));
}

struct str
command_shown(struct str bytes)
{
	struct str rest = bytes, line;

	while (str_line(&rest, &line))
		if (command_is_auth(line))
			return str_sub(bytes, 0,
			    (size_t)(line.p - bytes.p) < 100
				? (size_t)(line.p - bytes.p)
				: 100);
	return str_sub(bytes, 0, 100);
}

static void
run_unknown(struct session *s, struct str verb)
{
	s->where = "UNKNOWN";
	if (conf_has_word(s->server->conf, PARAM_smtpd_noop_commands, verb)) {
		cmd_noop(s, STR_NONE);
		return;
	}
	reply(s, "502 5.5.2 Error: command not recognized");
}

/*
 * RFC 2920 section 3.1: what must be the last of a group was not, or a client
 * that did not say EHLO sent a group.  Checked before the command is run, so
 * that nothing is done for such a client.  True: the session is over.
 */
static bool
refuse_pipelining(struct session *s, const struct verb *v)
{
	struct str ahead;

	if (s->esmtp && !(v->flags & IS_LAST))
		return false;
	if (!stream_has_input(&s->stream))
		return false;
	s->is_pipelining_ill = true;
	if (stream_peek(&s->stream, &ahead) < 0)
		return false;
	if (s->is_hiding)
		ahead = STR_NONE;
	log_info("improper command pipelining after %s from %.*s: %.*s",
	    s->where, STR_ARG(s->client.text), STR_ARG(command_shown(ahead)));
	if (!conf_bool(s->server->conf, PARAM_smtpd_forbid_unauth_pipelining))
		return false;
	reply(s, "554 5.5.0 Error: SMTP protocol synchronization");
	s->end = SESSION_REFUSED;
	return true;
}

static void
run_verb(struct session *s, const struct verb *v, struct str args)
{
	s->where = v->verb;
	if (refuse_pipelining(s, v))
		return;
	/* RFC 3207 section 4. */
	if (s->server->starttls.level == STARTTLS_ENCRYPT && !s->is_tls &&
	    !(v->flags & IS_OPEN)) {
		reply(s, "530 5.7.0 Must issue a STARTTLS command first");
		return;
	}
	if ((v->flags & IS_JUNK) && ++s->junk > server_bounds(s->server)->junk)
		s->errors++;
	v->run(s, args);
}

void
command_run(struct session *s, struct str line)
{
	struct str rest = str_trim(line);
	struct str verb = str_word(&rest, " \t");
	unsigned refusals = s->refusals;
	enum command which;

	which = find_verb(verb);
	if (which != COMMAND_UNKNOWN)
		s->is_hiding = which == COMMAND_AUTH;
	trouble_heard(s, line);
	if (verb.len == 0) {
		reply(s, "500 5.5.2 Error: bad syntax");
		return;
	}
	if (which == COMMAND_UNKNOWN && is_foreign(s, verb))
		refuse_foreign(s, line);
	else if (which == COMMAND_UNKNOWN)
		run_unknown(s, verb);
	else
		run_verb(s, &verbs[which], str_trim(rest));
	if (which == COMMAND_AUTH)
		command_wipe(s, line);
	s->counts[which].all++;
	if (s->refusals == refusals && which != COMMAND_UNKNOWN &&
	    s->end <= SESSION_REFUSED)
		s->counts[which].ok++;
}

static void
add_count(struct buf *out, const char *name, struct command_count n)
{
	if (n.all == n.ok)
		buf_addf(out, " %s=%u", name, n.all);
	else
		buf_addf(out, " %s=%u/%u", name, n.ok, n.all);
}

void
command_summary(
    const struct command_count counts[COMMAND_COUNT], struct buf *out)
{
	struct command_count sum = {0, 0};

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (counts[i].all == 0)
			continue;
		add_count(out, verbs[i].count, counts[i]);
		sum.ok += counts[i].ok;
		sum.all += counts[i].all;
	}
	add_count(out, "commands", sum);
}
