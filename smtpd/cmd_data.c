/* SPDX-License-Identifier: ISC */
/*
 * cmd_data - DATA (RFC 5321 section 4.1.1.4): the content comes, block by
 * block, and goes into the queue.  The only place that says 250 for a
 * message: the disk has it then.
 */
#include "command.h"

#include "base/clock.h"
#include "base/log.h"
#include "check.h"
#include "data.h"
#include "mail/intake.h"
#include "mail/notice_class.h"
#include "rate.h"
#include "reply.h"
#include "session.h"
#include "trouble.h"

#include <assert.h>
#include <errno.h>

#define RATE_MIN   500 /* bytes a second, or the message takes too long */
#define BARE_GRACE (10 * CLOCK_SEC)

static bool
may_come_now(struct session *s, struct str args)
{
	if (args.len > 0)
		reply(s, "501 5.5.4 Syntax: DATA");
	else if (!s->txn.has_sender)
		reply(s, "503 5.5.1 Error: need MAIL command");
	else if (s->txn.recipients == 0)
		reply(s, "554 5.5.1 Error: no valid recipients");
	else
		return true;
	return false;
}

static bool
is_refused_bare(const struct session *s, const struct data *d)
{
	return (d->bare_lf || d->bare_cr) && !session_may_bare_lf(s);
}

/*
 * How long the next block may take: smtpd_timeout, and all of them together
 * that and what RATE_MIN gives, so that nobody holds a session for ever by a
 * byte a minute.  Once a bare LF or CR condemned the message the client may
 * say the rest of it, for a while.
 */
static int64_t
next_deadline(const struct session *s, const struct data *d, int64_t start,
    int64_t condemned)
{
	int64_t wait = session_timeout(s);
	int64_t all = start + wait + (int64_t)(d->size / RATE_MIN) * CLOCK_SEC;
	int64_t next = clock_after(wait);

	next = next < all ? next : all;
	return condemned > 0 && condemned < next ? condemned : next;
}

/* One block from the stream to the intake.  0 or the stream's error. */
static int
take_block(struct session *s, struct data *d)
{
	struct server *server = s->server;
	struct str in;
	size_t used, out;
	int r;

	s->is_waiting = true;
	r = stream_peek(&s->stream, &in);
	s->is_waiting = false;
	if (r < 0)
		return r;
	in = str_sub(in, 0, sizeof(server->block) - DATA_EXTRA);
	used = data_parse(d, in, server->block, &out);
	stream_consume(&s->stream, used);
	/* Once it refused (too large, no room) the rest is dropped there, and
	 * a condemned message is dropped here. */
	if (out > 0 && !is_refused_bare(s, d) && !s->txn.treatment.is_discarded)
		intake_bytes(s->txn.intake, str_n(server->block, out));
	s->data_bytes = d->size;
	return 0;
}

/* Up to CRLF.CRLF.  False: the session is over. */
static bool
receive(struct session *s, struct data *d)
{
	int64_t start = clock_mono(), condemned = 0;

	data_init(d);
	while (d->state != DATA_ENDED) {
		int r;

		stream_deadline(
		    &s->stream, next_deadline(s, d, start, condemned));
		r = take_block(s, d);
		if (r == -ETIMEDOUT && condemned > 0)
			return true;
		if (r < 0) {
			session_fail(s, r);
			return false;
		}
		if (condemned == 0 && is_refused_bare(s, d))
			condemned = clock_after(BARE_GRACE);
	}
	return true;
}

/*
 * SECURITY: the client's idea of where its message ended differs from ours
 * (H3), so nothing that it says further on is heard.
 */
static void
refuse_bare(struct session *s, const struct data *d)
{
	const char *what = d->bare_lf ? "<LF>" : "<CR>";
	unsigned code = (unsigned)conf_int(
	    s->server->conf, PARAM_smtpd_forbid_bare_newline_reject_code);
	unsigned class = code / 100;

	check_log(&(struct check){.s = s, .a = &s->scratch}, "reject",
	    arena_strf(
		&s->scratch, "%u %u.5.2 bare %s received", code, class, what));
	reply(s, "%u %u.5.2 %.*s Error: bare %s received", code, class,
	    STR_ARG(s->server->hostname), what);
	s->end = SESSION_REFUSED;
}

/* The basic code (RFC 5321) for an enhanced one of the intake's. */
static unsigned
code_of(enum intake_result result, struct str dsn)
{
	if (str_has_suffix(dsn, STR(".3.4")) ||
	    str_has_suffix(dsn, STR(".3.1")))
		return result == INTAKE_RETRY ? 452 : 552;
	if (result == INTAKE_RETRY)
		return 451;
	return str_has_suffix(dsn, STR(".7.1")) ? 550 : 554;
}

static void
refuse_message(struct session *s, enum intake_result result, struct str dsn,
    struct str text)
{
	if (intake_is_rejected(s->txn.intake)) {
		trouble_note(s, NOTICE_POLICY);
		reply(s, "%u %.*s %.*s", result == INTAKE_RETRY ? 450 : 550,
		    STR_ARG(dsn), STR_ARG(text));
		return;
	}
	if (result == INTAKE_REFUSED)
		trouble_note(s, NOTICE_BOUNCE);
	else if (str_has_prefix(text, STR("Error: "))) /* qmgr's own word */
		trouble_note(s, NOTICE_RESOURCE);
	reply(s, "%u %.*s %s%.*s", code_of(result, dsn), STR_ARG(dsn),
	    str_has_prefix(text, STR("Error: ")) ? "" : "Error: ",
	    STR_ARG(text));
}

static void
queue_it(struct session *s)
{
	struct str dsn, text;
	enum intake_result result;

	rate_message(s);
	treatment_end(&s->txn.treatment, s->txn.intake);
	result = intake_commit(s->txn.intake, &dsn, &text);
	if (result != INTAKE_QUEUED) {
		refuse_message(s, result, dsn, text);
		return;
	}
	reply(s, "250 2.0.0 Ok: queued as %.*s", STR_ARG(session_id(s)));
	s->errors = 0;
	s->junk = 0;
	transcript_forget(&s->transcript);
}

static void
finish(struct session *s, const struct data *d)
{
	struct check c;

	s->where = "END-OF-MESSAGE";
	if (is_refused_bare(s, d))
		refuse_bare(s, d);
	else if (!check_end(&c, s))
		check_reply(&c);
	else if (s->txn.treatment.is_discarded)
		reply(
		    s, "250 2.0.0 Ok: queued as %.*s", STR_ARG(session_id(s)));
	else
		queue_it(s);
}

void
cmd_data(struct session *s, struct str args)
{
	struct check c;
	struct data d;

	if (!may_come_now(s, args))
		return;
	if (!check_data(&c, s)) {
		check_reply(&c);
		return;
	}
	assert(s->txn.intake != NULL && s->txn.recipients > 0);
	reply(s, "354 End data with <CR><LF>.<CR><LF>");
	reply_flush(s);
	treatment_begin(&s->txn.treatment, s->txn.intake);
	if (s->end == SESSION_GOES_ON && receive(s, &d))
		finish(s, &d);
	if (s->end <= SESSION_REFUSED)
		s->data_bytes = 0;
	session_reset(s);
}
