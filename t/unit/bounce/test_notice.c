/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "notice.h"

#include <stdio.h>

#define SECOND INT64_C(1000000000)

static const struct template template = {
    .charset = {"us-ascii", 8},
    .from = {"MAILER-DAEMON (Mail Delivery System)", 36},
    .subject = {"Undelivered Mail", 16},
    .postmaster_subject = {"Copy", 4},
    .text = {"The text.\n", 10},
};

static struct job_bounce job;
static struct job_report reports[2];
static struct notice notice;

/* A message to two, of which one failed. */
static int
set_up(void **state)
{
	(void)state;
	reports[0] = (struct job_report){
	    .recipient = {.address = STR("b@far.example"),
		.original = STR("list@here.example"),
		.orcpt = STR("rfc822;list@here.example")},
	    .outcome =
		{
		    .state = OUTCOME_BOUNCED,
		    .dsn = STR("5.1.1"),
		    .text = STR("host mx.far.example[192.0.2.1] said: 550 "
				"5.1.1 no such user here (in reply to RCPT TO "
				"command)"),
		    .remote_mta = STR("mx.far.example"),
		    .diagnostic = STR("550 5.1.1 no such user here"),
		},
	    .for_sender = true,
	};
	reports[1] = (struct job_report){
	    .recipient = {.address = STR("a@far.example"),
		.original = STR("a@far.example")},
	    .outcome = {.state = OUTCOME_BOUNCED,
		.text = STR("unknown user: \"a\"")},
	};
	job = (struct job_bounce){
	    .about = BOUNCE_FAILURE,
	    .envelope =
		{
		    .id = STR("4ParentXyz"),
		    .sender = STR("me@here.example"),
		    .arrival = 1700000000 * SECOND,
		},
	    .reports = {reports, 2},
	};
	notice = (struct notice){
	    .job = &job,
	    .template = &template,
	    .to = STR("me@here.example"),
	    .id = STR("4ChildXyz"),
	    .hostname = STR("mx.here.example"),
	    .origin = STR("here.example"),
	    .now = 1700000060 * SECOND,
	    .is_whole = true,
	};
	return 0;
}

static void
make(struct buf *out)
{
	buf_init(out, NOTICE_MAX);
	notice_begin(&notice, out);
	(void)buf_add_c(out, "Subject: x\n\nbody\n");
	notice_end(&notice, out);
	assert_false(out->full);
}

static void
test_whole(void **state)
{
	static const char want[] =
	    "Date: Tue, 14 Nov 2023 22:14:20 +0000 (UTC)\n"
	    "From: MAILER-DAEMON@here.example (Mail Delivery System)\n"
	    "Subject: Undelivered Mail\n"
	    "To: me@here.example\n"
	    "Auto-Submitted: auto-replied\n"
	    "MIME-Version: 1.0\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\n"
	    "    boundary=\"4ChildXyz.4ParentXyz\"\n"
	    "Message-Id: <4ChildXyz@mx.here.example>\n"
	    "\n"
	    "This is a message in several parts (MIME).\n"
	    "\n"
	    "--4ChildXyz.4ParentXyz\n"
	    "Content-Description: Notification\n"
	    "Content-Type: text/plain; charset=us-ascii\n"
	    "\n"
	    "The text.\n"
	    "\n"
	    "<b@far.example> (expanded from <list@here.example>): host\n"
	    "    mx.far.example[192.0.2.1] said: 550 5.1.1 no such user here "
	    "(in reply to\n"
	    "    RCPT TO command)\n"
	    "\n"
	    "--4ChildXyz.4ParentXyz\n"
	    "Content-Description: Delivery report\n"
	    "Content-Type: message/delivery-status\n"
	    "\n"
	    "Reporting-MTA: dns; mx.here.example\n"
	    "X-Valija-Queue-ID: 4ParentXyz\n"
	    "X-Valija-Sender: rfc822; me@here.example\n"
	    "Arrival-Date: Tue, 14 Nov 2023 22:13:20 +0000 (UTC)\n"
	    "\n"
	    "Original-Recipient: rfc822;list@here.example\n"
	    "Final-Recipient: rfc822; b@far.example\n"
	    "Action: failed\n"
	    "Status: 5.1.1\n"
	    "Remote-MTA: dns; mx.far.example\n"
	    "Diagnostic-Code: smtp; 550 5.1.1 no such user here\n"
	    "\n"
	    "--4ChildXyz.4ParentXyz\n"
	    "Content-Description: Undelivered Message\n"
	    "Content-Type: message/rfc822\n"
	    "\n"
	    "Return-Path: <me@here.example>\n"
	    "Subject: x\n"
	    "\n"
	    "body\n"
	    "\n"
	    "--4ChildXyz.4ParentXyz--\n";
	struct buf out;

	(void)state;
	make(&out);
	assert_string_equal(out.p, want);
	buf_done(&out);
}

static void
test_own_reason(void **state)
{
	struct buf out;

	(void)state;
	reports[1].for_sender = true;
	make(&out);
	assert_non_null(strstr(out.p, "\n<a@far.example>: unknown user: "
				      "\"a\"\n"));
	assert_non_null(strstr(out.p,
	    "\nOriginal-Recipient: rfc822; a@far.example\n"
	    "Final-Recipient: rfc822; a@far.example\nAction: failed\n"
	    "Status: 5.0.0\nDiagnostic-Code: X-Valija; unknown user: "
	    "\"a\"\n\n"));
	buf_done(&out);
}

/* A copy for a postmaster: all recipients, its own subject, no text. */
static void
test_postmaster(void **state)
{
	struct buf out;

	(void)state;
	notice.for_postmaster = true;
	notice.to = STR("postmaster@here.example");
	job.envelope.sender = STR_NONE;
	make(&out);
	assert_non_null(strstr(out.p, "\nSubject: Copy\n"
				      "To: postmaster@here.example\n"));
	assert_null(strstr(out.p, "The text."));
	assert_non_null(strstr(out.p, "\n<a@far.example>: unknown"));
	assert_non_null(strstr(out.p, "\n<b@far.example> (expanded"));
	assert_null(strstr(out.p, "X-Valija-Sender"));
	assert_non_null(strstr(out.p, "\nReturn-Path: <>\n"));
	buf_done(&out);
}

static const struct {
	const char *from, *want;
} froms[] = {
    {"MAILER-DAEMON", "\nFrom: MAILER-DAEMON@here.example\n"},
    {"MAILER-DAEMON (Post)", "\nFrom: MAILER-DAEMON@here.example (Post)\n"},
    {"Post <MAILER-DAEMON>", "\nFrom: Post <MAILER-DAEMON@here.example>\n"},
    {"Post <a@b.example>", "\nFrom: Post <a@b.example>\n"},
    {"a@b.example (Post)", "\nFrom: a@b.example (Post)\n"},
    {"><", "\nFrom: ><@here.example\n"},
};

static void
test_from(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(froms) / sizeof(froms[0]); i++) {
		struct template own = template;
		struct buf out;

		own.from = str_c(froms[i].from);
		notice.template = &own;
		make(&out);
		assert_non_null(strstr(out.p, froms[i].want));
		buf_done(&out);
	}
}

static void
test_delay(void **state)
{
	struct buf out;

	(void)state;
	job.about = BOUNCE_DELAY;
	notice.is_whole = false;
	notice.retry_until = 1700432000 * SECOND;
	make(&out);
	assert_non_null(strstr(out.p, "\nAction: delayed\n"));
	assert_non_null(strstr(out.p, "\nWill-Retry-Until: Sun, 19 Nov 2023 "
				      "22:13:20 +0000 (UTC)\n"));
	assert_non_null(
	    strstr(out.p, "Content-Description: Delayed Message Headers\n"
			  "Content-Type: text/rfc822-headers\n\n"));
	buf_done(&out);
}

static void
test_success(void **state)
{
	static const char *const words[] = {
	    [OUTCOME_DELIVERED] = "\nAction: delivered\nStatus: 2.0.0\n",
	    [OUTCOME_RELAYED] = "\nAction: relayed\nStatus: 2.0.0\n",
	    [OUTCOME_EXPANDED] = "\nAction: expanded\nStatus: 2.0.0\n",
	};
	struct buf out;

	(void)state;
	job.about = BOUNCE_SUCCESS;
	job.envelope.envid = STR("job 17");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		reports[0].outcome.dsn = STR("2.0.0");
		reports[0].outcome.how = i;
		make(&out);
		assert_non_null(
		    strstr(out.p, "\nOriginal-Envelope-Id: job 17\n"));
		assert_non_null(strstr(out.p, words[i]));
		buf_done(&out);
	}
}

/* What others wrote stays in its line, whatever it holds. */
static void
test_hostile(void **state)
{
	static const char evil[] = "550 a\r\n--4ChildXyz.4ParentXyz\r\n\r\n"
				   "Bcc: x@y\n.\n\t\x7f\x01 e";
	struct buf out;
	size_t lines = 0;

	(void)state;
	reports[0].outcome.text = str_c(evil);
	reports[0].outcome.diagnostic = str_c(evil);
	reports[0].outcome.remote_mta = str_c(evil);
	reports[0].outcome.dsn = str_c("5\n.1");
	reports[0].recipient.orcpt = str_c(evil);
	job.envelope.envid = str_c(evil);
	job.envelope.sender = STR("\"a\r\nb\"@here.example");
	notice.to = job.envelope.sender;
	make(&out);
	for (size_t i = 0; i < out.len; i++) {
		char c = out.p[i];
		assert_true(
		    c == '\n' || ((unsigned char)c >= ' ' && c != 0x7f));
		if (c == '\n' &&
		    strncmp(out.p + i, "\n--4ChildXyz.4ParentXyz", 23) == 0)
			lines++;
	}
	assert_int_equal(lines, 4);
	assert_null(strstr(out.p, "\nBcc:"));
	assert_null(strstr(out.p, "\n.\n"));
	buf_done(&out);
}

static void
test_eight_bit(void **state)
{
	struct buf out;

	(void)state;
	reports[0].outcome.text = STR("nicht gefunden: \xc3\xbc");
	make(&out);
	assert_non_null(strstr(out.p, "\nContent-Transfer-Encoding: 8bit\n"
				      "Message-Id:"));
	assert_non_null(strstr(out.p, "charset=utf-8\n"
				      "Content-Transfer-Encoding: 8bit\n"));
	buf_done(&out);
}

static void
test_many(void **state)
{
	struct buf out;

	(void)state;
	job.more = 9;
	job.more_for_sender = 7;
	make(&out);
	assert_non_null(strstr(out.p, "\n... and 7 more recipients, "));
	buf_done(&out);
	notice.for_postmaster = true;
	make(&out);
	assert_non_null(strstr(out.p, "\n... and 9 more recipients, "));
	buf_done(&out);
}

static void
test_thread(void **state)
{
	struct arena a;
	struct buf out;

	(void)state;
	arena_init(&a, 1 << 20);
	notice_thread(&notice,
	    STR("Subject: x\nMessage-ID: <1@x>\nReferences: <a@x>\n <b@x>\n\n"
		"Message-ID: <body@x>\n"),
	    &a);
	make(&out);
	assert_non_null(strstr(out.p, "\nReferences: <a@x> <b@x>\n    <1@x>\n"
				      "In-Reply-To: <1@x>\n"));
	buf_done(&out);

	/* One that would be another header is not taken. */
	notice.message_id = notice.references = STR_NONE;
	notice_thread(&notice, STR("Message-ID: <1@x>\r\r\rBcc: y\n\n"), &a);
	assert_int_equal(notice.message_id.len, 0);
	arena_done(&a);
}

static void
test_is_whole(void **state)
{
	(void)state;
	assert_true(notice_is_whole(&job, false, 100, 100));
	assert_false(notice_is_whole(&job, false, 101, 100));
	/* The postmaster has no one's mail but that of nobody. */
	assert_false(notice_is_whole(&job, true, 10, 100));
	job.envelope.sender = STR_NONE;
	assert_true(notice_is_whole(&job, true, 10, 100));
	job.cut = true;
	assert_false(notice_is_whole(&job, false, 10, 100));
	job.cut = false;
	job.envelope.ret = RET_HDRS;
	assert_false(notice_is_whole(&job, false, 10, 100));
	job.envelope.ret = 1;
	job.about = BOUNCE_DELAY;
	assert_false(notice_is_whole(&job, false, 10, 100));
	job.about = BOUNCE_SUCCESS;
	assert_false(notice_is_whole(&job, false, 10, 100));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(test_whole, set_up),
    cmocka_unit_test_setup(test_own_reason, set_up),
    cmocka_unit_test_setup(test_delay, set_up),
    cmocka_unit_test_setup(test_success, set_up),
    cmocka_unit_test_setup(test_hostile, set_up),
    cmocka_unit_test_setup(test_eight_bit, set_up),
    cmocka_unit_test_setup(test_many, set_up),
    cmocka_unit_test_setup(test_thread, set_up),
    cmocka_unit_test_setup(test_is_whole, set_up),
    cmocka_unit_test_setup(test_postmaster, set_up),
    cmocka_unit_test_setup(test_from, set_up),
};
TAP_RUN(tests)
