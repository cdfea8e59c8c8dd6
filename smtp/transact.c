/* SPDX-License-Identifier: ISC */
/*
 * transact - a mail transaction.  The commands are steps: 0 is MAIL, then a
 * RCPT for each recipient that is left, then DATA; they are written and their
 * replies read in groups of one or, with PIPELINING, of many.
 */
#include "transact.h"

#include "data.h"
#include "login.h"

#include "mail/addr.h"
#include "mail/dsn.h"

#include <errno.h>
#include <string.h>

/* An address, quoted, and what RFC 3461 adds. */
#define COMMAND_MAX 8192

enum step_kind {
	STEP_MAIL,
	STEP_RCPT,
	STEP_DATA
};

static enum step_kind
kind_of(const struct transaction *t, size_t step)
{
	if (step == 0)
		return STEP_MAIL;
	return step <= t->n ? STEP_RCPT : STEP_DATA;
}

static const char *
doing_of(enum step_kind kind)
{
	switch (kind) {
	case STEP_MAIL:
		return "sending MAIL FROM";
	case STEP_RCPT:
		return "sending RCPT TO";
	case STEP_DATA:
		break;
	}
	return "sending DATA command";
}

static int64_t
time_of(const struct transaction *t, enum step_kind kind)
{
	const struct settings *c = t->s->settings;

	switch (kind) {
	case STEP_MAIL:
		return c->mail_time;
	case STEP_RCPT:
		return c->rcpt_time;
	case STEP_DATA:
		break;
	}
	return c->data_init_time;
}

/* ---- what goes wrong ---- */

void
transaction_broke(struct transaction *t, int error, const char *doing)
{
	session_broke(t->s, error, &t->reply, doing, &t->l->why);
	letter_failed_all(t->l);
	t->is_over = true;
}

/* The reply ends the matter for all recipients of the session. */
static void
refuse_all(struct transaction *t, const char *command)
{
	fail_said(&t->l->why, &t->reply, t->s->name.p, command);
	letter_failed_all(t->l);
	t->is_over = true;
}

/* ---- the commands ---- */

static void
add_path(struct buf *b, struct str address)
{
	struct addr a;

	buf_add_char(b, '<');
	/* The address was parsed when it came in; it cannot be another now. */
	if (address.len > 0 && addr_parse(address, &a) == 0)
		addr_format(a, b);
	buf_add_char(b, '>');
}

/* RFC 3461 section 5.2.1: what was asked of us is asked of who takes it. */
static void
add_mail_dsn(struct buf *b, const struct job_deliver *job)
{
	if (job->envid.len > 0) {
		buf_add_c(b, " ENVID=");
		dsn_xtext_encode(job->envid, b);
	}
	if (job->ret != 0)
		buf_addf(b, " RET=%s", dsn_ret_word(job->ret));
}

/* Section 4.2: an address that got no ORCPT from its sender gets it here, as
 * it was before we changed it; one that is not ASCII would need another type.
 */
static void
add_original(struct buf *b, struct str original)
{
	BUF_CLEANUP struct buf quoted = {0};
	struct addr a;

	buf_init(&quoted, 2 * ADDR_MAX + 2);
	for (size_t i = 0; i < original.len; i++)
		if ((unsigned char)original.p[i] >= 0x80)
			return;
	if (addr_parse(original, &a) != 0 || addr_format(a, &quoted) != 0)
		return;
	buf_add_c(b, " ORCPT=rfc822;");
	dsn_xtext_encode(buf_str(&quoted), b);
}

static void
add_rcpt_dsn(struct buf *b, const struct recipient *r)
{
	if (r->notify != 0) {
		buf_add_c(b, " NOTIFY=");
		dsn_notify_format(r->notify, b);
	}
	buf_add_c(b, " ORCPT=");
	if (dsn_orcpt_format(r->orcpt, b) == 0)
		return;
	buf_cut(b, b->len - strlen(" ORCPT="));
	if (r->original.len > 0)
		add_original(b, r->original);
}

static int
write_mail(struct transaction *t)
{
	BUF_CLEANUP struct buf b = {0};
	const struct job_deliver *job = t->l->job;

	buf_init(&b, COMMAND_MAX);
	buf_add_c(&b, "MAIL FROM:");
	add_path(&b, t->l->sender);
	if (t->s->has_size)
		buf_addf(&b, " SIZE=%zu", letter_size(t->l));
	if (t->s->has_8bit && job->body_8bit)
		buf_add_c(&b, " BODY=8BITMIME");
	if (t->s->has_utf8 && job->utf8)
		buf_add_c(&b, " SMTPUTF8");
	/* RFC 4954 section 5: who first sent it is not ours to vouch for. */
	if (t->s->is_known && t->s->settings->logins->says_nobody)
		buf_add_c(&b, " AUTH=<>");
	if (t->s->has_dsn)
		add_mail_dsn(&b, job);
	return session_send(t->s, buf_str(&b));
}

static int
write_rcpt(struct transaction *t, size_t i)
{
	BUF_CLEANUP struct buf b = {0};

	buf_init(&b, COMMAND_MAX);
	buf_add_c(&b, "RCPT TO:");
	add_path(&b, t->l->to[i].address);
	if (t->s->has_dsn)
		add_rcpt_dsn(&b, t->l->to[i].recipient);
	return session_send(t->s, buf_str(&b));
}

static int
write_step(struct transaction *t, size_t step)
{
	stream_deadline(
	    &t->s->stream, clock_after(time_of(t, kind_of(t, step))));
	switch (kind_of(t, step)) {
	case STEP_MAIL:
		return write_mail(t);
	case STEP_RCPT:
		return write_rcpt(t, t->rcpts[step - 1]);
	case STEP_DATA:
		break;
	}
	return session_send(t->s, STR("DATA"));
}

/* ---- the replies ---- */

static void
take_mail_reply(struct transaction *t)
{
	t->mail_ok = reply_is_positive(&t->reply);
	t->s->needs_rset = t->mail_ok;
	if (!t->mail_ok)
		refuse_all(t, "MAIL FROM command");
}

static void
take_rcpt_reply(struct transaction *t, size_t i)
{
	if (reply_is_positive(&t->reply)) {
		t->l->to[i].is_accepted = true;
		t->accepted++;
		return;
	}
	fail_said(&t->l->why, &t->reply, t->s->name.p, "RCPT TO command");
	letter_failed(t->l, i);
}

static void
take_data_reply(struct transaction *t)
{
	t->data_ok = t->reply.code / 100 == 3;
	if (t->data_ok || t->accepted == 0)
		return;
	fail_said(&t->l->why, &t->reply, t->s->name.p, "DATA command");
	letter_failed_all(t->l);
	t->is_over = true;
}

/* The server said goodbye, or said it before it heard us. */
static bool
is_stale(const struct transaction *t, size_t step, int error)
{
	return step == 0 && t->s->uses > 0 &&
	       (error == -ECONNRESET || error == -EPIPE ||
		   (error == 0 && t->reply.code == 421));
}

/* False when no more replies can be read. */
static bool
take_reply(struct transaction *t, size_t step)
{
	enum step_kind kind = kind_of(t, step);
	int e = session_reply(t->s, &t->reply, time_of(t, kind));

	if (is_stale(t, step, e)) {
		t->is_stale = true;
		t->s->is_dead = true;
		return false;
	}
	if (e != 0) {
		if (!t->is_over)
			transaction_broke(t, e, doing_of(kind));
		return false;
	}
	if (t->is_over) {
		/* An answer to what was on its way already. */
		t->data_ok = kind == STEP_DATA && t->reply.code / 100 == 3;
		return !t->s->is_dead;
	}
	if (kind == STEP_MAIL)
		take_mail_reply(t);
	else if (kind == STEP_RCPT)
		take_rcpt_reply(t, t->rcpts[step - 1]);
	else
		take_data_reply(t);
	if (!t->s->is_dead)
		return true;
	/* 421: the rest will not be answered. */
	if (!t->is_over)
		letter_failed_all(t->l);
	t->is_over = true;
	return false;
}

/* Steps from `first` up to `end`: false when the session can do no more. */
static bool
do_group(struct transaction *t, size_t first, size_t end)
{
	for (size_t step = first; step < end; step++) {
		int e = write_step(t, step);
		if (e == 0 && step + 1 == end)
			e = stream_flush(&t->s->stream);
		/* What was said before the end is still to be read. */
		if (e != 0 && e != -EPIPE && e != -ECONNRESET) {
			transaction_broke(t, e, doing_of(kind_of(t, step)));
			return false;
		}
	}
	for (size_t step = first; step < end; step++)
		if (!take_reply(t, step))
			return false;
	return true;
}

/* Up to the reply to DATA, where it comes to that. */
static void
do_commands(struct transaction *t)
{
	size_t steps = 1 + t->n + 1, group = 1, end;

	if (t->s->has_pipelining)
		group = TRANSACT_GROUP;
	for (size_t at = 0; at < steps && !t->is_over; at = end) {
		end = at + group < steps ? at + group : steps;
		/* DATA alone is not worth a round trip when all were refused.
		 */
		if (at == steps - 1 && t->accepted == 0)
			return;
		if (!do_group(t, at, end))
			return;
	}
}

/* ---- before ---- */

/* False: this server cannot have this message. */
static bool
fits(struct transaction *t)
{
	size_t size = letter_size(t->l);

	if (t->s->size_limit > 0 && size > t->s->size_limit) {
		fail_set(&t->l->why, "5.3.4",
		    "message size %zu exceeds size limit %llu of server %s",
		    size, (unsigned long long)t->s->size_limit, t->s->name.p);
		letter_failed_all(t->l);
		return false;
	}
	if (t->l->job->utf8 && !t->s->has_utf8) {
		fail_set(&t->l->why, "5.6.7",
		    "SMTPUTF8 is required, but was not offered by host %s",
		    t->s->name.p);
		letter_failed_all(t->l);
		return false;
	}
	return true;
}

/* Where the last message ended halfway, the server is told to forget it. */
static bool
reset(struct transaction *t)
{
	if (!t->s->needs_rset)
		return true;
	int e = session_send(t->s, STR("RSET"));
	if (e == 0)
		e = session_reply(t->s, &t->reply, t->s->settings->rset_time);
	t->s->needs_rset = false;
	if (e == 0 && reply_is_positive(&t->reply))
		return true;
	t->s->is_dead = true;
	t->is_stale = true;
	return false;
}

static void
take_recipients(struct transaction *t)
{
	struct letter *l = t->l;

	for (size_t i = 0; i < l->n; i++)
		if (l->to[i].is_left)
			l->scratch[t->n++] = i;
	t->rcpts = l->scratch;
}

bool
transact(struct letter *l, struct session *s)
{
	struct transaction t = {.l = l, .s = s};

	reply_init(&t.reply);
	take_recipients(&t);
	if (fits(&t) && reset(&t)) {
		do_commands(&t);
		if (t.data_ok && !s->is_dead)
			data_send(&t);
	}
	reply_done(&t.reply);
	if (t.is_stale)
		return false;
	l->is_heard = true;
	s->uses++;
	return true;
}
