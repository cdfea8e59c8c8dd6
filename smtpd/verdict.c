/* SPDX-License-Identifier: ISC */
/*
 * verdict - what a rule's refusal becomes: a reply, a line in the log (the
 * grammar that log readers anchor on), or a word for later.
 */
#include "check.h"

#include "base/log.h"
#include "mail/notice_class.h"
#include "reply.h"
#include "trouble.h"

#include <stdarg.h>
#include <string.h>

#define TEXT_MAX 2048

struct str
check_name(const struct check *c, enum subject about)
{
	const struct session *s = c->s;

	switch (about) {
	case SUBJECT_CLIENT:
		return s->client.text;
	case SUBJECT_REVERSE:
		return s->client.reverse;
	case SUBJECT_HELO:
		return buf_str(&s->helo);
	case SUBJECT_SENDER:
		return s->txn.sender.text;
	case SUBJECT_RECIPIENT:
		return c->recipient != NULL ? c->recipient->text
		                            : s->txn.recipient;
	case SUBJECT_DATA:
		return STR("DATA");
	case SUBJECT_END:
		return STR("END-OF-MESSAGE");
	case SUBJECT_LOGIN:
		return s->login.user;
	}
	return STR_NONE;
}

const char *
check_class(enum subject about)
{
	switch (about) {
	case SUBJECT_CLIENT:
		return "Client host";
	case SUBJECT_REVERSE:
		return "Unverified Client host";
	case SUBJECT_HELO:
		return "Helo command";
	case SUBJECT_SENDER:
		return "Sender address";
	case SUBJECT_RECIPIENT:
		return "Recipient address";
	case SUBJECT_DATA:
		return "Data command";
	case SUBJECT_END:
		return "End-of-data";
	case SUBJECT_LOGIN:
		return "SASL login name";
	}
	return "";
}

enum subject
check_subject(const struct check *c)
{
	if (c->is_nested)
		return c->nested;
	switch (c->list) {
	case RULES_CLIENT:
		return SUBJECT_CLIENT;
	case RULES_HELO:
		return SUBJECT_HELO;
	case RULES_SENDER:
		return SUBJECT_SENDER;
	case RULES_RELAY:
	case RULES_RECIPIENT:
		return SUBJECT_RECIPIENT;
	case RULES_DATA:
		return SUBJECT_DATA;
	case RULES_END:
	case RULES_LISTS:
		break;
	}
	return SUBJECT_END;
}

void
check_log(const struct check *c, const char *what, struct str text)
{
	const struct session *s = c->s;
	BUF_CLEANUP struct buf line = {0};

	buf_init(&line, 4 * LOG_LINE_MAX); /* the log cuts it */
	buf_addf(&line, "%.*s: %s: %s from %.*s: %.*s;", STR_ARG(session_id(s)),
	    what, s->where, STR_ARG(s->client.text), STR_ARG(text));
	if (s->txn.has_sender)
		buf_addf(&line, " from=<%.*s>", STR_ARG(s->txn.sender.text));
	if (check_name(c, SUBJECT_RECIPIENT).len > 0)
		buf_addf(&line, " to=<%.*s>",
		    STR_ARG(check_name(c, SUBJECT_RECIPIENT)));
	buf_addf(&line, " proto=%s", session_proto(s));
	if (s->helo.len > 0)
		buf_addf(&line, " helo=<%s>", s->helo.p);
	log_info("%s", line.p);
}

/* A copy of the code with the class digit that the reply has. */
static struct str
fit_dsn(struct check *c, unsigned code, struct str dsn)
{
	if (dsn.len == 0)
		dsn = code >= 500 ? STR("5.7.1") : STR("4.7.1");
	return arena_strf(
	    c->a, "%u%.*s", code / 100, STR_ARG(str_from(dsn, 1)));
}

/*
 * RFC 3463 has other details for senders than for recipients, and none for
 * what is no address; an access table does not know which it will be asked
 * about.
 */
static struct str
fix_dsn(struct str dsn, enum subject about)
{
	char detail;

	if (dsn.len != 5 || memcmp(dsn.p + 1, ".1.", 3) != 0)
		return dsn;
	detail = dsn.p[4];
	if (about == SUBJECT_SENDER)
		return detail == '2' || detail == '8'   ? STR("4.1.8")
		       : detail == '3' || detail == '7' ? STR("4.1.7")
		                                        : STR("4.1.0");
	if (about == SUBJECT_RECIPIENT)
		return detail == '7'   ? STR("4.1.3")
		       : detail == '8' ? STR("4.1.2")
		                       : dsn;
	return STR("4.0.0");
}

static enum verdict
refuse(struct check *c, unsigned code, struct str text)
{
	if (c->is_warning) {
		check_log(c, "reject_warning",
		    arena_strf(c->a, "%u %.*s", code, STR_ARG(text)));
		return VERDICT_DUNNO;
	}
	if (code >= 500 && c->if_reject.is_set) {
		code = c->if_reject.code;
		text = c->if_reject.text;
	}
	c->code = code;
	c->text = text;
	check_log(
	    c, "reject", arena_strf(c->a, "%u %.*s", code, STR_ARG(text)));
	return VERDICT_REJECT;
}

enum verdict
check_refuse(
    struct check *c, unsigned code, const char *dsn, const char *fmt, ...)
{
	BUF_CLEANUP struct buf text = {0};
	va_list ap;

	buf_init(&text, TEXT_MAX);
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	return refuse(c, code,
	    arena_strf(c->a, "%.*s %s", STR_ARG(fit_dsn(c, code, str_c(dsn))),
		text.p));
}

static struct str
say(struct check *c, unsigned code, struct str dsn, enum subject about,
    struct str text)
{
	dsn = fit_dsn(c, code, fix_dsn(dsn, about));
	return arena_strf(c->a, "%.*s <%.*s>: %s rejected: %.*s", STR_ARG(dsn),
	    STR_ARG(check_name(c, about)), check_class(about),
	    STR_ARG(str_sub(text, 0, TEXT_MAX)));
}

enum verdict
check_refuse_about(struct check *c, unsigned code, struct str dsn,
    enum subject about, struct str text)
{
	return refuse(c, code, say(c, code, dsn, about, text));
}

void
check_defer_if_permit(
    struct check *c, struct str dsn, enum subject about, struct str text)
{
	if (c->if_permit.is_set)
		return;
	c->if_permit = (struct later){
	    .is_set = !c->is_warning,
	    .code = 450,
	    .text = say(c, 450, dsn, about, text),
	};
}

void
check_defer_if_reject(
    struct check *c, struct str dsn, enum subject about, struct str text)
{
	if (c->if_reject.is_set)
		return;
	c->if_reject = (struct later){
	    .is_set = !c->is_warning,
	    .code = 450,
	    .text = say(c, 450, dsn, about, text),
	};
}

enum verdict
check_refuse_lookup(struct check *c, enum subject about)
{
	return check_refuse(c, 451, "4.3.0", "<%.*s>: Temporary lookup failure",
	    STR_ARG(check_name(c, about)));
}

enum verdict
check_refuse_config(struct check *c, enum subject about)
{
	return check_refuse_about(
	    c, 451, STR("4.3.5"), about, STR("Server configuration error"));
}

void
check_reply(struct check *c)
{
	if (str_has_prefix(c->text, STR("4.3.0 "))) /* could not ask */
		trouble_note(c->s, NOTICE_DATA);
	reply(c->s, "%u %.*s", c->code, STR_ARG(c->text));
	if (c->code == 421 || c->code == 521)
		c->s->end = SESSION_REFUSED;
}
