/* SPDX-License-Identifier: ISC */
/* transcript - keeping what was said, and the mail about it. */
#include "transcript.h"

#include "base/log.h"
#include "mail/date.h"
#include "mail/notice_class.h"
#include "session.h"

#define CLASSES                                                                \
	(NOTICE_BOUNCE | NOTICE_DATA | NOTICE_POLICY | NOTICE_PROTOCOL |       \
	    NOTICE_RESOURCE | NOTICE_SOFTWARE)
#define NOTICE_MAX (16 * 1024)

static bool
is_kept(const struct session *s)
{
	return (s->server->notices & CLASSES) != 0;
}

/* The oldest half goes, by whole lines. */
static void
make_room(struct buf *b, size_t n)
{
	if (b->len + n <= TRANSCRIPT_MAX)
		return;
	struct str rest = str_from(buf_str(b), TRANSCRIPT_MAX / 2);
	ptrdiff_t eol = str_find(rest, '\n');
	buf_drop(b, eol < 0 ? b->len : TRANSCRIPT_MAX / 2 + (size_t)eol + 1);
}

static void
add_line(struct session *s, const char *who, struct str line)
{
	struct buf *b = &s->transcript;

	line = str_sub(line, 0, TRANSCRIPT_LINE);
	make_room(b, line.len + 8);
	(void)buf_add_c(b, who);
	for (size_t i = 0; i < line.len; i++)
		(void)buf_add_char(
		    b, line.p[i] < ' ' || line.p[i] == 0x7f ? '?' : line.p[i]);
	(void)buf_add_char(b, '\n');
}

void
transcript_heard(struct session *s, struct str line)
{
	struct str rest = line;

	if (!is_kept(s))
		return;
	if (str_eq_case(str_word(&rest, " \t"), STR("AUTH")))
		line = STR("AUTH ...");
	add_line(s, " In:  ", line);
}

/*
 * By the code: syntax and order of commands (RFC 5321 section 4.2.1), then
 * the enhanced one (RFC 3463).  4.3.0 may be a table or the disk: who replies
 * so says which.
 */
unsigned
transcript_class(struct str reply)
{
	struct str code = str_sub(reply, 0, 3);
	struct str dsn = str_from(reply, reply.len < 4 ? reply.len : 4);

	if (code.len < 3 || (code.p[0] != '4' && code.p[0] != '5'))
		return 0;
	dsn = str_word(&dsn, " ");
	if (str_has_prefix(code, STR("50")) || str_eq(code, STR("555")) ||
	    str_has_prefix(str_from(dsn, 1), STR(".5.")))
		return NOTICE_PROTOCOL;
	if (str_has_suffix(dsn, STR(".3.1")))
		return NOTICE_RESOURCE;
	if (str_has_suffix(dsn, STR(".3.5")))
		return NOTICE_SOFTWARE;
	if (str_has_suffix(dsn, STR(".3.4")) ||
	    str_has_suffix(dsn, STR(".4.6")))
		return NOTICE_BOUNCE;
	if (dsn.len > 2 && (dsn.p[2] == '1' || dsn.p[2] == '7'))
		return NOTICE_POLICY;
	return 0;
}

void
transcript_said(struct session *s, struct str line)
{
	if (!is_kept(s))
		return;
	add_line(s, " Out: ", line);
	s->troubles |= transcript_class(line);
}

void
transcript_note(struct session *s, unsigned class)
{
	s->troubles |= class;
}

void
transcript_forget(struct session *s)
{
	if ((s->troubles & s->server->notices) == 0)
		buf_reset(&s->transcript);
}

/* ---- the mail ---- */

/* Not more than so many a minute. */
static bool
may_send(struct server *server)
{
	int64_t now = clock_mono();

	if (now - server->notices_since > 60 * CLOCK_SEC) {
		server->notices_since = now;
		server->notices_sent = 0;
	}
	if (server->notices_sent == TRANSCRIPTS_A_MINUTE)
		log_warning("more notices than %d a minute for the "
			    "postmaster: the rest is in the log",
		    TRANSCRIPTS_A_MINUTE);
	return server->notices_sent++ < TRANSCRIPTS_A_MINUTE;
}

static void
add_recipient(struct session *s, struct intake *t, enum param p)
{
	struct str to = conf_str(s->server->conf, p);
	const struct recipient r = {
	    .address = to, .original = to, .notify = NOTIFY_NEVER};

	if (intake_recipient(t, &r) < 0)
		log_warning("%s: not an address: %.*s", param_table[p].name,
		    STR_ARG(to));
}

static void
write_notice(struct session *s, struct str id, struct buf *out)
{
	const struct conf *c = s->server->conf;
	struct str host = s->server->hostname;
	struct str name = conf_str(c, PARAM_mail_name);
	char date[DATE_TEXT_MAX];

	date_format(clock_wall(), date);
	buf_addf(out,
	    "Date: %s\nFrom: MAILER-DAEMON@%.*s (Mail Delivery System)\n"
	    "To: %.*s (Postmaster)\n"
	    "Subject: %.*s SMTP server: errors from %.*s\n"
	    "Message-Id: <%.*s@%.*s>\nAuto-Submitted: auto-generated\n\n",
	    date, STR_ARG(conf_str(c, PARAM_myorigin)),
	    STR_ARG(conf_str(c, PARAM_error_notice_recipient)), STR_ARG(name),
	    STR_ARG(s->client.text), STR_ARG(id), STR_ARG(host));
	buf_addf(out,
	    "Transcript of session follows.\n\n%s\n\nFor other "
	    "details, see the log of %.*s.\n",
	    s->transcript.p, STR_ARG(host));
}

static void
commit(struct session *s, struct intake *t)
{
	struct str dsn, text;

	if (intake_commit(t, &dsn, &text) != INTAKE_QUEUED)
		log_warning("the postmaster cannot be told of errors from "
			    "%.*s: %.*s %.*s",
		    STR_ARG(s->client.text), STR_ARG(dsn), STR_ARG(text));
}

void
transcript_send(struct session *s)
{
	static const struct intake_origin origin = {.is_bounce = true};
	unsigned about = s->troubles & s->server->notices & CLASSES;
	const struct conf *c = s->server->conf;
	BUF_CLEANUP struct buf text = {0};
	struct intake *t;
	struct addr from;

	if (about == 0 || s->server->is_hurrying || !may_send(s->server))
		return;
	if (addr_parse(arena_strf(&s->arena, "%.*s@%.*s",
			   STR_ARG(conf_str(c, PARAM_double_bounce_sender)),
			   STR_ARG(s->server->hostname)),
		&from) < 0)
		return;
	buf_init(&text, NOTICE_MAX);
	t = intake_begin(s->server->taker, &origin);
	intake_sender(t, from);
	if (about & NOTICE_BOUNCE)
		add_recipient(s, t, PARAM_bounce_notice_recipient);
	if (about & ~(unsigned)NOTICE_BOUNCE)
		add_recipient(s, t, PARAM_error_notice_recipient);
	write_notice(s, intake_id(t), &text);
	(void)intake_bytes(t, buf_str(&text));
	commit(s, t);
	intake_end(&t);
}
