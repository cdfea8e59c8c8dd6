/* SPDX-License-Identifier: ISC */
/* transcript - keeping what was said, and the mail about it. */
#include "mail/transcript.h"

#include "base/log.h"
#include "mail/date.h"
#include "mail/intake.h"
#include "mail/notice_class.h"

/* Those of a session. */
#define CLASSES                                                                \
	(NOTICE_BOUNCE | NOTICE_DATA | NOTICE_POLICY | NOTICE_PROTOCOL |       \
	    NOTICE_RESOURCE | NOTICE_SOFTWARE)
#define NOTICE_MAX (2 * TRANSCRIPT_MAX)

void
transcript_init(struct transcript *t, unsigned wanted)
{
	*t = (struct transcript){.wanted = wanted & CLASSES};
	buf_init(&t->lines, TRANSCRIPT_MAX);
}

void
transcript_done(struct transcript *t)
{
	buf_done(&t->lines);
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
add_line(struct transcript *t, const char *who, struct str line)
{
	struct buf *b = &t->lines;

	if (t->wanted == 0)
		return;
	line = str_sub(line, 0, TRANSCRIPT_LINE);
	make_room(b, line.len + 8);
	(void)buf_add_c(b, who);
	for (size_t i = 0; i < line.len; i++)
		(void)buf_add_char(
		    b, line.p[i] < ' ' || line.p[i] == 0x7f ? '?' : line.p[i]);
	(void)buf_add_char(b, '\n');
}

void
transcript_in(struct transcript *t, struct str line)
{
	add_line(t, " In:  ", line);
}

void
transcript_out(struct transcript *t, struct str line)
{
	add_line(t, " Out: ", line);
}

unsigned
transcript_about(const struct transcript *t)
{
	return t->troubles & t->wanted;
}

void
transcript_forget(struct transcript *t)
{
	if (transcript_about(t) == 0)
		buf_reset(&t->lines);
}

/* ---- the mail ---- */

/* Not more than so many a minute. */
static bool
may_send(struct transcript_post *post)
{
	int64_t now = clock_mono();

	if (now - post->since > 60 * CLOCK_SEC) {
		post->since = now;
		post->sent = 0;
	}
	if (post->sent == TRANSCRIPTS_A_MINUTE)
		log_warning("more notices than %d a minute for the "
			    "postmaster: the rest is in the log",
		    TRANSCRIPTS_A_MINUTE);
	return post->sent++ < TRANSCRIPTS_A_MINUTE;
}

static void
add_recipient(struct transcript_post *post, struct intake *t, enum param p)
{
	struct str to = conf_str(post->conf, p);
	const struct recipient r = {
	    .address = to, .original = to, .notify = NOTIFY_NEVER};

	if (intake_recipient(t, &r) < 0)
		log_warning("%s: not an address: %.*s", param_table[p].name,
		    STR_ARG(to));
}

static void
write_mail(const struct conf *c, struct str id, struct str subject,
    struct str body, struct buf *out)
{
	struct str host = conf_str(c, PARAM_myhostname);
	char date[DATE_TEXT_MAX];

	date_format(clock_wall(), date);
	buf_addf(out,
	    "Date: %s\nFrom: MAILER-DAEMON@%.*s (Mail Delivery System)\n"
	    "To: %.*s (Postmaster)\nSubject: %.*s %.*s\n"
	    "Message-Id: <%.*s@%.*s>\nAuto-Submitted: auto-generated\n\n",
	    date, STR_ARG(conf_str(c, PARAM_myorigin)),
	    STR_ARG(conf_str(c, PARAM_error_notice_recipient)),
	    STR_ARG(conf_str(c, PARAM_mail_name)), STR_ARG(subject),
	    STR_ARG(id), STR_ARG(host));
	buf_add_str(out, body);
}

static void
commit(struct intake *t, struct str subject)
{
	struct str dsn, text;

	if (intake_commit(t, &dsn, &text) != INTAKE_QUEUED)
		log_warning("the postmaster cannot be told of %.*s: %.*s %.*s",
		    STR_ARG(subject), STR_ARG(dsn), STR_ARG(text));
}

void
transcript_notice(struct transcript_post *post, unsigned about,
    struct str subject, struct str body)
{
	static const struct intake_origin origin = {
	    .is_bounce = true, .is_notice = true};
	const struct conf *c = post->conf;
	BUF_CLEANUP struct buf text = {0};
	BUF_CLEANUP struct buf sender = {0};
	struct addr from;

	if (!may_send(post))
		return;
	buf_init(&text, NOTICE_MAX);
	buf_init(&sender, ADDR_MAX);
	buf_addf(&sender, "%.*s@%.*s",
	    STR_ARG(conf_str(c, PARAM_double_bounce_sender)),
	    STR_ARG(conf_str(c, PARAM_myhostname)));
	if (addr_parse(buf_str(&sender), &from) < 0)
		return;
	struct intake *t = intake_begin(post->taker, &origin);
	intake_sender(t, from);
	if (about & NOTICE_BOUNCE)
		add_recipient(post, t, PARAM_bounce_notice_recipient);
	if (about & ~(unsigned)NOTICE_BOUNCE)
		add_recipient(post, t, PARAM_error_notice_recipient);
	write_mail(c, intake_id(t), subject, body, &text);
	(void)intake_bytes(t, buf_str(&text));
	commit(t, subject);
	intake_end(&t);
}

void
transcript_mail(struct transcript_post *post, unsigned about,
    struct str subject, struct str lines)
{
	BUF_CLEANUP struct buf body = {0};

	buf_init(&body, NOTICE_MAX);
	buf_addf(&body,
	    "Transcript of session follows.\n\n%.*s\n\nFor other "
	    "details, see the log of %.*s.\n",
	    STR_ARG(lines), STR_ARG(conf_str(post->conf, PARAM_myhostname)));
	transcript_notice(post, about, subject, buf_str(&body));
}
