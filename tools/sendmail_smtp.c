/* SPDX-License-Identifier: ISC */
/*
 * sendmail_smtp - -bs: an SMTP dialogue (RFC 5321) on standard input and
 * output, for the mail readers that submit so.  It is the caller who speaks,
 * with himself: lines may end in LF, nothing is judged, and each message goes
 * to pickup, or into maildrop/, as one of sendmail(1) does.  A message whose
 * final dot does not come is not sent.
 */
#include "sendmail.h"

#include "mail/bounds.h"
#include "mail/params.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define LINE_MAX_SMTP 4096

struct dialogue {
	struct sendmail *sendmail; /* its arena is the transaction's */
	struct sendmail_input in;
	struct buf line;
	bool strict;
	bool has_sender;
	bool is_over;
};

/* Replies leave when the other side is waited for (RFC 2920 section 3.2). */
static void reply(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void
reply(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	fputs("\r\n", stdout);
}

static void
reset(struct dialogue *d)
{
	struct sendmail *s = d->sendmail;

	d->has_sender = false;
	s->nrecipients = 0;
	s->message.sender = s->message.envid = STR_NONE;
	s->message.null_sender = s->message.body_8bit = s->message.ret = 0;
	arena_reset(&s->arena);
}

static void
do_helo(struct dialogue *d, struct str args)
{
	struct str host = conf_str(d->sendmail->conf, PARAM_myhostname);

	if (args.len == 0) {
		reply("501 5.5.4 Syntax: HELO hostname");
		return;
	}
	reset(d);
	reply("250 %.*s", STR_ARG(host));
}

static void
do_ehlo(struct dialogue *d, struct str args)
{
	const struct conf *c = d->sendmail->conf;

	if (args.len == 0) {
		reply("501 5.5.4 Syntax: EHLO hostname");
		return;
	}
	reset(d);
	reply("250-%.*s", STR_ARG(conf_str(c, PARAM_myhostname)));
	reply("250-PIPELINING");
	reply(
	    "250-SIZE %lld", (long long)conf_int(c, PARAM_message_size_limit));
	reply("250-ENHANCEDSTATUSCODES");
	reply("250-8BITMIME");
	reply("250 DSN");
}

static bool
parse_mail(struct dialogue *d, struct str args, struct addr *ret_sender,
    struct params *ret)
{
	struct str text, bad;
	const char *why;
	int r = params_path(args, STR("FROM"), d->strict, &d->sendmail->arena,
	    ret_sender, &text);

	if (r == -EINVAL) {
		reply("501 5.5.4 Syntax: MAIL FROM:<address>");
		return false;
	}
	if (r < 0) {
		reply("501 5.1.7 Bad sender address syntax");
		return false;
	}
	r = params_mail(text, &d->sendmail->arena, ret, &bad, &why);
	if (r == -EINVAL)
		reply("501 5.5.4 %s", why);
	else if (r < 0)
		reply("555 5.5.4 Unsupported option: %.*s", STR_ARG(bad));
	return r == 0;
}

static void
do_mail(struct dialogue *d, struct str args)
{
	struct submit_message *m = &d->sendmail->message;
	int64_t limit = conf_int(d->sendmail->conf, PARAM_message_size_limit);
	struct params params;
	struct addr sender;

	if (d->has_sender) {
		reply("503 5.5.1 Error: nested MAIL command");
		return;
	}
	if (!parse_mail(d, args, &sender, &params))
		return;
	if (limit > 0 && params.size > (uint64_t)limit) {
		reply("552 5.3.4 Message size exceeds fixed limit");
		return;
	}
	m->sender = sender.text;
	m->null_sender = addr_is_null(sender);
	m->body_8bit = params.body_8bit;
	m->ret = params.ret;
	m->envid = params.envid;
	d->has_sender = true;
	reply("250 2.1.0 Ok");
}

static void
do_rcpt(struct dialogue *d, struct str args)
{
	struct sendmail *s = d->sendmail;
	struct params_rcpt params;
	struct str text, bad;
	const char *why;
	struct addr to;
	int r;

	if (!d->has_sender) {
		reply("503 5.5.1 Error: need MAIL command");
		return;
	}
	r = params_path(args, STR("TO"), d->strict, &s->arena, &to, &text);
	if (r == -EINVAL)
		reply("501 5.5.4 Syntax: RCPT TO:<address>");
	else if (r < 0 || addr_is_null(to))
		reply("501 5.1.3 Bad recipient address syntax");
	else if ((r = params_rcpt(text, &s->arena, &params, &bad, &why)) ==
		 -EINVAL)
		reply("501 5.5.4 %s", why);
	else if (r < 0)
		reply("555 5.5.4 Unsupported option: %.*s", STR_ARG(bad));
	else if (s->nrecipients >= SENDMAIL_RCPT_MAX)
		reply("452 4.5.3 Error: too many recipients");
	else {
		sendmail_add_recipient(s, to.text);
		s->recipients[s->nrecipients - 1].orcpt = params.orcpt;
		if (params.notify != 0)
			s->recipients[s->nrecipients - 1].notify =
			    params.notify;
		reply("250 2.1.5 Ok");
	}
}

/* "5.3.4 text" of pickup's, or a text of our own. */
static void
refuse(const struct submit_done *done)
{
	bool is_for_now =
	    done->exit_code == EX_TEMPFAIL || done->exit_code == EX_UNAVAILABLE;
	bool has_dsn = done->text.len > 5 && done->text.p[1] == '.' &&
	               done->text.p[3] == '.';

	reply("%s %s%.*s", is_for_now ? "451" : "554",
	    has_dsn      ? ""
	    : is_for_now ? "4.3.0 Error: "
			 : "5.7.1 Error: ",
	    STR_ARG(done->text));
}

static void
submit(struct dialogue *d, struct content *c)
{
	struct sendmail *s = d->sendmail;
	struct submit_done done;

	s->message.recipients = (struct rows){s->recipients, s->nrecipients};
	done = sendmail_send(s, c);
	if (done.exit_code != EX_OK)
		refuse(&done);
	else if (done.id.len > 0)
		reply("250 2.0.0 Ok: queued as %.*s", STR_ARG(done.id));
	else
		reply("250 2.0.0 Ok: left in maildrop");
}

static void
do_data(struct dialogue *d, struct str args)
{
	struct content *c = NULL;
	int r;

	if (args.len > 0) {
		reply("501 5.5.4 Syntax: DATA");
		return;
	}
	if (!d->has_sender || d->sendmail->nrecipients == 0) {
		reply(d->has_sender ? "554 5.5.1 Error: no valid recipients"
				    : "503 5.5.1 Error: need MAIL command");
		return;
	}
	reply("354 End data with <CR><LF>.<CR><LF>");
	fflush(stdout);
	r = sendmail_read(d->sendmail->conf, &d->in, SENDMAIL_END_SMTP, &c);
	if (r == 0) {
		submit(d, c);
		content_unref(&c);
	} else if (r == -EMSGSIZE) {
		reply("552 5.3.4 Error: message file too big");
	} else if (r == -ENODATA || r == -EIO) {
		d->is_over = true;
	} else {
		reply("451 4.3.0 Error: %s", strerror(-r));
	}
	reset(d);
}

static void
do_rset(struct dialogue *d, struct str args)
{
	(void)args;
	reset(d);
	reply("250 2.0.0 Ok");
}

static void
do_noop(struct dialogue *d, struct str args)
{
	(void)d;
	(void)args;
	reply("250 2.0.0 Ok");
}

static void
do_vrfy(struct dialogue *d, struct str args)
{
	(void)d;
	if (args.len == 0)
		reply("501 5.5.4 Syntax: VRFY address");
	else
		reply("252 2.0.0 %.*s", STR_ARG(args));
}

static void
do_quit(struct dialogue *d, struct str args)
{
	(void)args;
	reply("221 2.0.0 Bye");
	d->is_over = true;
}

static void
run_line(struct dialogue *d)
{
	static const struct {
		const char *verb;
		void (*run)(struct dialogue *d, struct str args);
	} verbs[] = {{"HELO", do_helo}, {"EHLO", do_ehlo}, {"MAIL", do_mail},
	    {"RCPT", do_rcpt}, {"DATA", do_data}, {"RSET", do_rset},
	    {"NOOP", do_noop}, {"VRFY", do_vrfy}, {"QUIT", do_quit}};
	struct str rest = str_trim(buf_str(&d->line));
	struct str verb = str_word(&rest, " \t");

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (str_eq_case(verb, str_c(verbs[i].verb))) {
			verbs[i].run(d, str_trim(rest));
			return;
		}
	}
	reply(verb.len == 0 ? "500 5.5.2 Error: bad syntax"
			    : "502 5.5.2 Error: command not recognized");
}

void
sendmail_smtp(struct sendmail *s)
{
	static struct dialogue d;

	d.sendmail = s;
	d.in.fd = STDIN_FILENO;
	d.strict = conf_bool(s->conf, PARAM_strict_rfc821_envelopes);
	buf_init(&d.line, LINE_MAX_SMTP);
	reset(&d);
	reply("220 %.*s", STR_ARG(conf_str(s->conf, PARAM_smtpd_banner)));
	while (!d.is_over) {
		int r;

		if (!str_has_char(d.in.ahead, '\n'))
			fflush(stdout);
		r = sendmail_read_line(&d.in, &d.line);
		if (r == -EMSGSIZE)
			reply("500 5.5.6 Error: line too long");
		else if (r < 0)
			break;
		else
			run_line(&d);
	}
	fflush(stdout);
	buf_done(&d.line);
}
