/* SPDX-License-Identifier: ISC */
/* returned - a notification in place of a message.  Owns nothing. */
#include "returned.h"

#include "base/log.h"
#include "mail/date.h"

#include <stdlib.h>

/* One notification while it is made. */
struct notice {
	const struct pickup *pickup;
	const struct maildrop_file *file;
	struct str status, text;
	struct addr to;
	struct str boundary;
	struct buf b;
};

static void
add_head(struct notice *n)
{
	const struct conf *c = n->pickup->conf;
	struct str host = conf_str(c, PARAM_myhostname);
	char date[DATE_TEXT_MAX];

	date_format(clock_wall(), date);
	buf_addf(&n->b, "Date: %s\n", date);
	buf_addf(&n->b, "From: MAILER-DAEMON@%.*s (Mail Delivery System)\n",
	    STR_ARG(conf_str(c, PARAM_myorigin)));
	buf_add_c(&n->b, "Subject: Undelivered Mail Returned to Sender\nTo: ");
	addr_format(n->to, &n->b);
	buf_addf(&n->b,
	    "\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\n"
	    "\tboundary=\"%.*s\"\nMessage-Id: <%.*s@%.*s>\n\n",
	    STR_ARG(n->boundary), STR_ARG(n->boundary), STR_ARG(host));
}

static void
add_text(struct notice *n)
{
	buf_addf(&n->b,
	    "--%.*s\nContent-Description: Notification\n"
	    "Content-Type: text/plain; charset=us-ascii\n\n"
	    "This is the mail system at host %.*s.\n\n"
	    "Your message could not be sent to one or more recipients:\n"
	    "it was left here while the mail system was down, and when it\n"
	    "was started it did not take it. Your message is attached.\n\n"
	    "    %.*s\n\n",
	    STR_ARG(n->boundary),
	    STR_ARG(conf_str(n->pickup->conf, PARAM_myhostname)),
	    STR_ARG(n->text));
}

static void
add_status(struct notice *n)
{
	const struct submit_message *m = &n->file->message;
	const struct recipient *r = m->recipients.p;

	buf_addf(&n->b,
	    "--%.*s\nContent-Description: Delivery report\n"
	    "Content-Type: message/delivery-status\n\n"
	    "Reporting-MTA: dns; %.*s\n",
	    STR_ARG(n->boundary),
	    STR_ARG(conf_str(n->pickup->conf, PARAM_myhostname)));
	for (size_t i = 0; i < m->recipients.n; i++)
		buf_addf(&n->b,
		    "\nFinal-Recipient: rfc822; %.*s\nAction: failed\n"
		    "Status: %.*s\nDiagnostic-Code: X-Valija; %.*s\n",
		    STR_ARG(r[i].address), STR_ARG(n->status),
		    STR_ARG(n->text));
	buf_add_c(&n->b, "\n");
}

static void
add_message(struct notice *n)
{
	char *room;
	ssize_t got;

	buf_addf(&n->b,
	    "--%.*s\nContent-Description: Undelivered Message\n"
	    "Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n",
	    STR_ARG(n->boundary));
	room = buf_room(&n->b, RETURNED_MAX);
	got = room == NULL ? 0 : maildrop_read(n->file, 0, room, RETURNED_MAX);
	if (got > 0)
		buf_grew(&n->b, (size_t)got);
	buf_addf(&n->b, "\n--%.*s--\n", STR_ARG(n->boundary));
}

/* A boundary that nobody who wrote the message could know. */
static struct str
make_boundary(struct arena *a)
{
	return arena_strf(
	    a, "%08x%08x%08x.valija", arc4random(), arc4random(), arc4random());
}

static bool
queue_it(struct notice *n)
{
	const struct intake_origin origin = {
	    .client = STR_NONE,
	    .client_name = STR_NONE,
	    .client_addr = STR_NONE,
	    .helo = STR_NONE,
	    .proto = STR_NONE,
	    .login = STR_NONE,
	    .full_name = STR_NONE,
	    .envid = STR_NONE,
	    .is_bounce = true,
	    .body_8bit = true,
	};
	struct recipient to = {
	    n->to.text, n->to.text, STR_NONE, NOTIFY_NEVER, {NULL, 0}};
	struct intake *t = intake_begin(n->pickup->taker, &origin);
	enum intake_result result;
	struct str dsn, text;

	log_info("%.*s: uid=%u from=<>", STR_ARG(intake_id(t)), n->file->uid);
	intake_recipient(t, &to);
	intake_bytes(t, buf_str(&n->b));
	result = intake_commit(t, &dsn, &text);
	if (result == INTAKE_REFUSED)
		log_warning("%.*s: notification refused: %.*s",
		    STR_ARG(intake_id(t)), STR_ARG(text));
	intake_end(&t);
	return result != INTAKE_RETRY;
}

bool
returned_send(const struct pickup *p, const struct maildrop_file *f,
    struct str why, struct arena *a)
{
	struct notice n = {.pickup = p, .file = f};
	enum find found = submission_sender(p, f->uid, &f->message, a, &n.to);
	bool is_done;

	if (found == FIND_RETRY)
		return false;
	/* Nobody is told that a message without sender did not go out. */
	if (found != FIND_YES || addr_is_null(n.to))
		return true;
	if (!str_cut(why, ' ', &n.status, &n.text) ||
	    !str_has_prefix(why, STR("5."))) {
		n.status = STR("5.0.0");
		n.text = why;
	}
	n.boundary = make_boundary(a);
	buf_init(&n.b, RETURNED_MAX + 64 * 1024 * 1024);
	add_head(&n);
	add_text(&n);
	add_status(&n);
	add_message(&n);
	is_done = queue_it(&n);
	buf_done(&n.b);
	return is_done;
}
