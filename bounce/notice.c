/* SPDX-License-Identifier: ISC */
/*
 * notice - writes the notification.  Lines end in LF.
 */
#include "notice.h"

#include "mail/addr.h"
#include "mail/date.h"
#include "mail/header.h"

#include <inttypes.h>
#include <string.h>

#define WIDTH          78
#define REFERENCES_MAX 900 /* a header line has at most 998 bytes */

static const struct kind {
	const char *word;        /* in the log */
	const char *status;      /* when an outcome has none */
	const char *description; /* of what is returned */
} kinds[] = {
    [BOUNCE_FAILURE] = {"non-delivery", "5.0.0", "Undelivered Message"},
    [BOUNCE_DELAY] = {"delay", "4.0.0", "Delayed Message"},
    [BOUNCE_SUCCESS] = {"delivery status", "2.0.0", "Message"},
};

static const struct kind *
kind_of(const struct notice *n)
{
	return &kinds[n->job->about];
}

const char *
notice_word(enum bounce_about about)
{
	return kinds[about].word;
}

bool
notice_is_whole(const struct job_bounce *job, bool for_postmaster,
    uint64_t size, uint64_t size_limit)
{
	bool is_copy = for_postmaster && job->envelope.sender.len > 0;

	return job->about == BOUNCE_FAILURE && !job->cut && !is_copy &&
	       job->envelope.ret != RET_HDRS && size <= size_limit;
}

static void
find_ids(struct notice *n, const struct header *h, struct arena *a)
{
	BUF_CLEANUP struct buf value = {0};
	buf_init(&value, REFERENCES_MAX);

	bool is_id = str_eq_case(h->name, STR("message-id"));
	if (!is_id && !str_eq_case(h->name, STR("references")))
		return;
	if (header_unfold(h->value, &value) != 0)
		return;
	for (size_t i = 0; i < value.len; i++)
		if (value.p[i] < ' ' || value.p[i] == 0x7f)
			return;
	*(is_id ? &n->message_id : &n->references) =
	    arena_str(a, buf_str(&value));
}

void
notice_thread(struct notice *n, struct str header, struct arena *a)
{
	struct header h;

	while (header_next(&header, &h))
		if (arena_left(a) > (size_t)4 * REFERENCES_MAX)
			find_ids(n, &h, a);
}

/* Bytes in one line: no control byte comes through. */
static void
add_clean(struct buf *out, struct str s)
{
	(void)buf_add_shown(out, s);
}

/* `text` behind what stands in the line already, folded at blanks; each
 * further line begins with four blanks, so that it is nothing else. */
static void
add_folded(struct buf *out, size_t column, struct str text)
{
	struct str word;
	bool is_first = true;

	while (!str_is_empty(word = str_word(&text, " \t\r\n"))) {
		if (!is_first && column + 1 + word.len > WIDTH) {
			(void)buf_add_c(out, "\n    ");
			column = 4;
		} else if (!is_first) {
			(void)buf_add_char(out, ' ');
			column++;
		}
		add_clean(out, word);
		column += word.len;
		is_first = false;
	}
	(void)buf_add_char(out, '\n');
}

static void
add_date(struct buf *out, const char *field, int64_t when)
{
	char text[DATE_TEXT_MAX];

	date_format(when, text);
	(void)buf_addf(out, "%s: %s\n", field, text);
}

/* The address as it stands in a header, with quotes where it needs them. */
static void
add_address(struct buf *out, struct str address)
{
	BUF_CLEANUP struct buf quoted = {0};
	struct addr a;
	buf_init(&quoted, 4 * ADDR_MAX);

	if (addr_parse(address, &a) == 0 && addr_format(a, &quoted) == 0)
		add_clean(out, buf_str(&quoted));
	else
		add_clean(out, address);
}

/* RFC 6533 section 3: an address with other letters is of another type. */
static void
add_typed_address(struct buf *out, const char *field, struct str address)
{
	(void)buf_addf(
	    out, "%s: %s; ", field, str_is_ascii(address) ? "rfc822" : "utf-8");
	add_address(out, address);
	(void)buf_add_char(out, '\n');
}

/* The next report for whom it goes to, from *at on; NULL: that was all. */
static const struct job_report *
next_report(const struct notice *n, size_t *at)
{
	const struct job_report *all = n->job->reports.p;

	while (*at < n->job->reports.n) {
		const struct job_report *r = &all[(*at)++];
		if (n->for_postmaster || r->for_sender)
			return r;
	}
	return NULL;
}

static bool
is_8bit(const struct notice *n)
{
	const struct envelope *e = &n->job->envelope;
	const struct job_report *r;
	size_t at = 0;

	if (e->body_8bit || e->utf8 || !str_is_ascii(e->sender) ||
	    !str_is_ascii(n->template->text))
		return true;
	while ((r = next_report(n, &at)) != NULL)
		if (!str_is_ascii(r->outcome.text) ||
		    !str_is_ascii(r->outcome.diagnostic) ||
		    !str_is_ascii(r->recipient.address))
			return true;
	return false;
}

/* Reasons that are not ASCII are UTF-8 where nobody says otherwise. */
static struct str
charset_of(const struct notice *n)
{
	struct str charset = n->template->charset;

	return str_eq_case(charset, STR("us-ascii")) && is_8bit(n)
	           ? STR("utf-8")
	           : charset;
}

/*
 * No part can hold it but by knowing both ids, and the notification's is
 * made when the message is already in the queue.
 */
static void
add_boundary(const struct notice *n, struct buf *out)
{
	(void)buf_addf(
	    out, "%.*s.%.*s", STR_ARG(n->id), STR_ARG(n->job->envelope.id));
}

static void
begin_part(const struct notice *n, struct buf *out, const char *description,
    const char *type, struct str more)
{
	(void)buf_add_c(out, "\n--");
	add_boundary(n, out);
	(void)buf_addf(out, "\nContent-Description: %s\nContent-Type: %s%.*s\n",
	    description, type, STR_ARG(more));
	if (is_8bit(n))
		(void)buf_add_c(out, "Content-Transfer-Encoding: 8bit\n");
	(void)buf_add_char(out, '\n');
}

/* RFC 5322 section 3.6.4. */
static void
add_thread(const struct notice *n, struct buf *out)
{
	if (n->message_id.len == 0)
		return;
	(void)buf_add_c(out, "References: ");
	if (n->references.len > 0 &&
	    n->references.len + n->message_id.len < REFERENCES_MAX) {
		(void)buf_add_str(out, n->references);
		(void)buf_add_c(out, "\n    ");
	}
	(void)buf_addf(out, "%.*s\nIn-Reply-To: %.*s\n", STR_ARG(n->message_id),
	    STR_ARG(n->message_id));
}

/* "MAILER-DAEMON (Mail Delivery System)": an address without a domain gets
 * this site's. */
static void
add_from(const struct notice *n, struct buf *out)
{
	struct str from = n->template->from, rest = from;
	size_t end = str_word(&rest, " \t").len;
	ptrdiff_t open = str_find(from, '<'), shut = str_find(from, '>');

	if (open >= 0 && shut > open)
		end = (size_t)shut;
	(void)buf_addf(out, "From: %.*s", (int)end, from.p);
	if (!str_has_char(from, '@'))
		(void)buf_addf(out, "@%.*s", STR_ARG(n->origin));
	(void)buf_addf(out, "%.*s\n", STR_ARG(str_from(from, end)));
}

static void
add_header(const struct notice *n, struct buf *out)
{
	struct str subject = n->template->subject;

	if (n->for_postmaster && n->template->postmaster_subject.len > 0)
		subject = n->template->postmaster_subject;
	add_date(out, "Date", n->now);
	add_from(n, out);
	(void)buf_addf(out, "Subject: %.*s\nTo: ", STR_ARG(subject));
	add_address(out, n->to);
	(void)buf_add_char(out, '\n');
	add_thread(n, out);
	(void)buf_addf(out,
	    "Auto-Submitted: auto-replied\nMIME-Version: 1.0\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\n"
	    "    boundary=\"");
	add_boundary(n, out);
	(void)buf_add_c(out, "\"\n");
	if (is_8bit(n))
		(void)buf_add_c(out, "Content-Transfer-Encoding: 8bit\n");
	(void)buf_addf(out, "Message-Id: <%.*s@%.*s>\n\n", STR_ARG(n->id),
	    STR_ARG(n->hostname));
	(void)buf_add_c(out, "This is a message in several parts (MIME).\n");
}

static void
add_reason(const struct job_report *report, struct buf *out)
{
	const struct recipient *r = &report->recipient;
	BUF_CLEANUP struct buf line = {0};
	buf_init(&line, 8192);

	(void)buf_addf(&line, "<%.*s>", STR_ARG(r->address));
	if (r->original.len > 0 && !str_eq_case(r->original, r->address))
		(void)buf_addf(
		    &line, " (expanded from <%.*s>)", STR_ARG(r->original));
	(void)buf_addf(&line, ": %.*s", STR_ARG(report->outcome.text));
	(void)buf_add_char(out, '\n');
	add_folded(out, 0, buf_str(&line));
}

/* Those that are not listed: the log has them. */
static void
add_more(const struct notice *n, struct buf *out)
{
	uint64_t more =
	    n->for_postmaster ? n->job->more : n->job->more_for_sender;

	if (more > 0)
		(void)buf_addf(out,
		    "\n... and %" PRIu64
		    " more recipients, for which there was no room here.\n",
		    more);
}

/* For people; a postmaster knows what this host is. */
static void
add_words(const struct notice *n, struct buf *out)
{
	const struct job_report *r;
	size_t at = 0;

	if (!n->for_postmaster)
		(void)buf_add_str(out, n->template->text);
	while ((r = next_report(n, &at)) != NULL)
		add_reason(r, out);
	add_more(n, out);
}

/* RFC 3464 section 2.2. */
static void
add_message_fields(const struct notice *n, struct buf *out)
{
	const struct envelope *e = &n->job->envelope;

	(void)buf_addf(out, "Reporting-MTA: dns; %.*s\n", STR_ARG(n->hostname));
	if (e->envid.len > 0) {
		(void)buf_add_c(out, "Original-Envelope-Id: ");
		add_clean(out, e->envid);
		(void)buf_add_char(out, '\n');
	}
	(void)buf_addf(out, "X-Valija-Queue-ID: %.*s\n", STR_ARG(e->id));
	if (e->sender.len > 0)
		add_typed_address(out, "X-Valija-Sender", e->sender);
	add_date(out, "Arrival-Date", e->arrival);
}

/* RFC 3464 section 2.3.6: "smtp" is for the reply of a server; what another
 * program here said is "x-unix", as Postfix has it. */
static void
add_diagnostic(const struct outcome *o, struct buf *out)
{
	const char *type = o->diagnostic.len == 0   ? "X-Valija"
	                   : o->remote_mta.len == 0 ? "x-unix"
	                                            : "smtp";
	struct str text = o->diagnostic.len > 0 ? o->diagnostic : o->text;
	size_t start = out->len;

	if (text.len == 0)
		return;
	(void)buf_addf(out, "Diagnostic-Code: %s; ", type);
	add_folded(out, out->len - start, text);
}

/* RFC 3464 section 2.3.3. */
static const char *
action_of(const struct notice *n, const struct outcome *o)
{
	switch ((enum bounce_about)n->job->about) {
	case BOUNCE_FAILURE:
		return "failed";
	case BOUNCE_DELAY:
		return "delayed";
	case BOUNCE_SUCCESS:
		break;
	}
	switch ((enum outcome_how)o->how) {
	case OUTCOME_RELAYED:
	case OUTCOME_PASSED_ON:
		return "relayed";
	case OUTCOME_EXPANDED:
		return "expanded";
	case OUTCOME_DELIVERED:
		break;
	}
	return "delivered";
}

static void
add_recipient_fields(
    const struct notice *n, const struct job_report *report, struct buf *out)
{
	const struct recipient *r = &report->recipient;
	const struct outcome *o = &report->outcome;

	(void)buf_add_char(out, '\n');
	if (r->orcpt.len > 0) {
		(void)buf_add_c(out, "Original-Recipient: ");
		add_clean(out, r->orcpt);
		(void)buf_add_char(out, '\n');
	} else if (r->original.len > 0) {
		add_typed_address(out, "Original-Recipient", r->original);
	}
	add_typed_address(out, "Final-Recipient", r->address);
	(void)buf_addf(out, "Action: %s\nStatus: ", action_of(n, o));
	add_clean(out, o->dsn.len > 0 ? o->dsn : str_c(kind_of(n)->status));
	(void)buf_add_char(out, '\n');
	if (o->remote_mta.len > 0) {
		(void)buf_add_c(out, "Remote-MTA: dns; ");
		add_clean(out, o->remote_mta);
		(void)buf_add_char(out, '\n');
	}
	add_diagnostic(o, out);
	if (n->job->about == BOUNCE_DELAY && n->retry_until > 0)
		add_date(out, "Will-Retry-Until", n->retry_until);
}

static void
add_report(const struct notice *n, struct buf *out)
{
	const struct job_report *r;
	size_t at = 0;

	add_message_fields(n, out);
	while ((r = next_report(n, &at)) != NULL)
		add_recipient_fields(n, r, out);
}

void
notice_begin(const struct notice *n, struct buf *out)
{
	BUF_CLEANUP struct buf text = {0};
	buf_init(&text, 64);

	add_header(n, out);
	begin_part(
	    n, out, "Notification", "text/plain; charset=", charset_of(n));
	add_words(n, out);
	begin_part(
	    n, out, "Delivery report", "message/delivery-status", STR_NONE);
	add_report(n, out);
	(void)buf_addf(&text, "%s%s", kind_of(n)->description,
	    n->is_whole ? "" : " Headers");
	begin_part(n, out, text.p,
	    n->is_whole ? "message/rfc822" : "text/rfc822-headers", STR_NONE);
	(void)buf_add_c(out, "Return-Path: <");
	add_address(out, n->job->envelope.sender);
	(void)buf_add_c(out, ">\n");
}

void
notice_end(const struct notice *n, struct buf *out)
{
	(void)buf_add_c(out, "\n--");
	add_boundary(n, out);
	(void)buf_add_c(out, "--\n");
}
