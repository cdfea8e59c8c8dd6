/* SPDX-License-Identifier: ISC */
/*
 * notice - writes the notification.  Lines end in LF.
 */
#include "notice.h"

#include "mail/addr.h"
#include "mail/date.h"
#include "mail/header.h"

#include <string.h>

#define WIDTH          78
#define REFERENCES_MAX 900 /* a header line has at most 998 bytes */

static const struct kind {
	const char *word; /* in the log */
	const char *subject;
	const char *action;      /* RFC 3464 section 2.3.3 */
	const char *status;      /* when an outcome has none */
	const char *description; /* of what is returned */
} kinds[] = {
    [BOUNCE_FAILURE] = {"non-delivery", "Undelivered Mail Returned to Sender",
	"failed", "5.0.0", "Undelivered Message"},
    [BOUNCE_DELAY] = {"delay", "Delayed Mail (still being retried)", "delayed",
	"4.0.0", "Delayed Message"},
    [BOUNCE_SUCCESS] = {"delivery status", "Successful Mail Delivery Report",
	"delivered", "2.0.0", "Message"},
};

const char *
notice_word(enum bounce_about about)
{
	return kinds[about].word;
}

bool
notice_is_whole(enum bounce_about about, const struct envelope *e,
    uint64_t size, uint64_t size_limit)
{
	enum {
		RET_HEADERS = 2
	};

	return about == BOUNCE_FAILURE && e->ret != RET_HEADERS &&
	       size <= size_limit;
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

static bool
is_ascii(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

/* Bytes in one line: no control byte comes through. */
static void
add_clean(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		(void)buf_add_char(out, c < ' ' || c == 0x7f ? '?' : s.p[i]);
	}
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
	    out, "%s: %s; ", field, is_ascii(address) ? "rfc822" : "utf-8");
	add_address(out, address);
	(void)buf_add_char(out, '\n');
}

static const struct recipient *
recipient_of(const struct notice *n, const struct job_outcome *o)
{
	const struct recipient *list = n->envelope->recipients.p;

	return o->index < n->envelope->recipients.n ? &list[o->index] : NULL;
}

static bool
is_8bit(const struct notice *n)
{
	if (n->envelope->body_8bit || n->envelope->utf8)
		return true;
	for (size_t i = 0; i < n->n; i++) {
		const struct job_outcome *o = &n->outcomes[i];
		const struct recipient *r = recipient_of(n, o);
		if (!is_ascii(o->outcome.text) ||
		    !is_ascii(o->outcome.diagnostic) ||
		    (r != NULL && !is_ascii(r->address)))
			return true;
	}
	return !is_ascii(n->envelope->sender);
}

/*
 * No part can hold it but by knowing both ids, and the notification's is
 * made when the message is already in the queue.
 */
static void
add_boundary(const struct notice *n, struct buf *out)
{
	(void)buf_addf(
	    out, "%.*s.%.*s", STR_ARG(n->id), STR_ARG(n->envelope->id));
}

static void
begin_part(const struct notice *n, struct buf *out, const char *description,
    const char *type, const char *more)
{
	(void)buf_add_c(out, "\n--");
	add_boundary(n, out);
	(void)buf_addf(out, "\nContent-Description: %s\nContent-Type: %s%s\n",
	    description, type, more);
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

static void
add_header(const struct notice *n, struct buf *out)
{
	add_date(out, "Date", n->now);
	(void)buf_addf(out,
	    "From: MAILER-DAEMON@%.*s (Mail Delivery System)\nSubject: %s\n"
	    "To: ",
	    STR_ARG(n->origin), kinds[n->about].subject);
	add_address(out, n->envelope->sender);
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
add_words(const struct notice *n, struct buf *out)
{
	(void)buf_addf(out, "This is the mail system at host %.*s.\n\n",
	    STR_ARG(n->hostname));
	switch (n->about) {
	case BOUNCE_FAILURE:
		(void)buf_addf(out,
		    "Your message did not reach the recipients below: behind "
		    "each stands\nwhy.  %s is attached.\n\nTo ask for help, "
		    "write to the postmaster and add this report.\n\n",
		    n->is_whole ? "The message" : "The header of the message");
		break;
	case BOUNCE_DELAY:
		(void)buf_add_c(out,
		    "THIS IS ONLY A WARNING: YOU NEED NOT SEND THE MESSAGE "
		    "AGAIN.\n\nYour message has not reached the recipients "
		    "below yet: behind each stands\nwhy.  It is tried again");
		if (n->retry_until > 0) {
			char until[DATE_TEXT_MAX];
			date_format(n->retry_until, until);
			(void)buf_addf(out, "\nuntil %s", until);
		}
		(void)buf_add_c(out, ".\n\n");
		break;
	case BOUNCE_SUCCESS:
		(void)buf_add_c(out,
		    "Your message was delivered to the recipients below.  "
		    "Where it was passed\non to another host, that host may "
		    "or may not report in its turn.\n\n");
		break;
	}
	(void)buf_add_c(out, "                   The mail system\n");
}

static void
add_reason(const struct notice *n, const struct job_outcome *o, struct buf *out)
{
	const struct recipient *r = recipient_of(n, o);
	BUF_CLEANUP struct buf line = {0};
	buf_init(&line, 8192);

	if (r == NULL)
		return;
	(void)buf_addf(&line, "<%.*s>", STR_ARG(r->address));
	if (r->original.len > 0 && !str_eq_case(r->original, r->address))
		(void)buf_addf(
		    &line, " (expanded from <%.*s>)", STR_ARG(r->original));
	(void)buf_addf(&line, ": %.*s", STR_ARG(o->outcome.text));
	(void)buf_add_char(out, '\n');
	add_folded(out, 0, buf_str(&line));
}

static void
add_more(const struct notice *n, struct buf *out)
{
	if (n->n > NOTICE_LISTED_MAX)
		(void)buf_addf(out, "\n... and %zu more recipients.\n",
		    n->n - NOTICE_LISTED_MAX);
}

static size_t
count_listed(const struct notice *n)
{
	return n->n < NOTICE_LISTED_MAX ? n->n : NOTICE_LISTED_MAX;
}

/* RFC 3464 section 2.2. */
static void
add_message_fields(const struct notice *n, struct buf *out)
{
	const struct envelope *e = n->envelope;

	(void)buf_addf(out, "Reporting-MTA: dns; %.*s\n", STR_ARG(n->hostname));
	if (e->envid.len > 0) {
		(void)buf_add_c(out, "Original-Envelope-Id: ");
		add_clean(out, e->envid);
		(void)buf_add_char(out, '\n');
	}
	(void)buf_addf(out, "X-Valija-Queue-ID: %.*s\n", STR_ARG(e->id));
	add_typed_address(out, "X-Valija-Sender", e->sender);
	add_date(out, "Arrival-Date", e->arrival);
}

/* RFC 3464 section 2.3.6: "smtp" is for the reply of a server. */
static void
add_diagnostic(const struct outcome *o, struct buf *out)
{
	const char *type = o->diagnostic.len > 0 ? "smtp" : "X-Valija";
	struct str text = o->diagnostic.len > 0 ? o->diagnostic : o->text;
	size_t start = out->len;

	if (text.len == 0)
		return;
	(void)buf_addf(out, "Diagnostic-Code: %s; ", type);
	add_folded(out, out->len - start, text);
}

static const char *
action_of(const struct notice *n, const struct outcome *o)
{
	/* Another host has it, and promised no report (RFC 3461 section
	 * 5.2.1). */
	if (n->about == BOUNCE_SUCCESS && o->remote_mta.len > 0)
		return "relayed";
	return kinds[n->about].action;
}

static void
add_recipient_fields(
    const struct notice *n, const struct job_outcome *o, struct buf *out)
{
	const struct recipient *r = recipient_of(n, o);
	struct str status = o->outcome.dsn;

	if (r == NULL)
		return;
	(void)buf_add_char(out, '\n');
	if (r->orcpt.len > 0) {
		(void)buf_add_c(out, "Original-Recipient: ");
		add_clean(out, r->orcpt);
		(void)buf_add_char(out, '\n');
	} else if (r->original.len > 0) {
		add_typed_address(out, "Original-Recipient", r->original);
	}
	add_typed_address(out, "Final-Recipient", r->address);
	(void)buf_addf(out, "Action: %s\nStatus: ", action_of(n, &o->outcome));
	add_clean(out, status.len > 0 ? status : str_c(kinds[n->about].status));
	(void)buf_add_char(out, '\n');
	if (o->outcome.remote_mta.len > 0) {
		(void)buf_add_c(out, "Remote-MTA: dns; ");
		add_clean(out, o->outcome.remote_mta);
		(void)buf_add_char(out, '\n');
	}
	add_diagnostic(&o->outcome, out);
	if (n->about == BOUNCE_DELAY && n->retry_until > 0)
		add_date(out, "Will-Retry-Until", n->retry_until);
}

void
notice_begin(const struct notice *n, struct buf *out)
{
	const char *charset = is_8bit(n) ? "utf-8" : "us-ascii";
	const char *description = kinds[n->about].description;

	add_header(n, out);
	begin_part(n, out, "Notification", "text/plain; charset=", charset);
	add_words(n, out);
	for (size_t i = 0; i < count_listed(n); i++)
		add_reason(n, &n->outcomes[i], out);
	add_more(n, out);

	begin_part(n, out, "Delivery report", "message/delivery-status", "");
	add_message_fields(n, out);
	for (size_t i = 0; i < count_listed(n); i++)
		add_recipient_fields(n, &n->outcomes[i], out);

	BUF_CLEANUP struct buf text = {0};
	buf_init(&text, 64);
	(void)buf_addf(
	    &text, "%s%s", description, n->is_whole ? "" : " Headers");
	begin_part(n, out, text.p,
	    n->is_whole ? "message/rfc822" : "text/rfc822-headers", "");
	(void)buf_add_c(out, "Return-Path: <");
	add_address(out, n->envelope->sender);
	(void)buf_add_c(out, ">\n");
}

void
notice_end(const struct notice *n, struct buf *out)
{
	(void)buf_add_c(out, "\n--");
	add_boundary(n, out);
	(void)buf_add_c(out, "--\n");
}
