/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "notice.h"

#include <stdio.h>

#define SECOND INT64_C(1000000000)

static struct recipient recipients[] = {
    {.address = {"a@far.example", 13}, .original = {"a@far.example", 13}},
    {.address = {"b@far.example", 13},
	.original = {"list@here.example", 17},
	.orcpt = {"rfc822;list@here.example", 24}},
};

static struct envelope envelope;
static struct job_outcome outcomes[2];
static struct notice notice;

/* A message to two, of which one failed. */
static int
set_up(void **state)
{
	(void)state;
	envelope = (struct envelope){
	    .id = STR("4ParentXyz"),
	    .sender = STR("me@here.example"),
	    .arrival = 1700000000 * SECOND,
	    .recipients = {recipients, 2},
	};
	outcomes[0] = (struct job_outcome){
	    .index = 1,
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
	};
	outcomes[1] = (struct job_outcome){
	    .index = 0,
	    .outcome = {.state = OUTCOME_BOUNCED,
		.text = STR("unknown user: \"a\"")},
	};
	notice = (struct notice){
	    .about = BOUNCE_FAILURE,
	    .envelope = &envelope,
	    .outcomes = outcomes,
	    .n = 1,
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
	    "Subject: Undelivered Mail Returned to Sender\n"
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
	    "This is the mail system at host mx.here.example.\n"
	    "\n"
	    "Your message did not reach the recipients below: behind each "
	    "stands\n"
	    "why.  The message is attached.\n"
	    "\n"
	    "To ask for help, write to the postmaster and add this report.\n"
	    "\n"
	    "                   The mail system\n"
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
	notice.outcomes = &outcomes[1];
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

static void
test_delay(void **state)
{
	struct buf out;

	(void)state;
	notice.about = BOUNCE_DELAY;
	notice.is_whole = false;
	notice.retry_until = 1700432000 * SECOND;
	make(&out);
	assert_non_null(strstr(out.p, "Subject: Delayed Mail (still being "
				      "retried)\n"));
	assert_non_null(strstr(out.p, "until Sun, 19 Nov 2023 22:13:20 +0000 "
				      "(UTC).\n"));
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
	struct buf out;

	(void)state;
	notice.about = BOUNCE_SUCCESS;
	notice.n = 2;
	outcomes[0].outcome.dsn = STR("2.0.0");
	envelope.envid = STR("job 17");
	make(&out);
	assert_non_null(strstr(out.p, "\nOriginal-Envelope-Id: job 17\n"));
	assert_non_null(strstr(out.p, "\nAction: relayed\nStatus: 2.0.0\n"));
	assert_non_null(strstr(out.p, "\nAction: delivered\nStatus: 2.0.0\n"));
	buf_done(&out);
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
	outcomes[0].outcome.text = str_c(evil);
	outcomes[0].outcome.diagnostic = str_c(evil);
	outcomes[0].outcome.remote_mta = str_c(evil);
	outcomes[0].outcome.dsn = str_c("5\n.1");
	recipients[1].orcpt = str_c(evil);
	envelope.envid = str_c(evil);
	envelope.sender = STR("\"a\r\nb\"@here.example");
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
	recipients[1].orcpt = STR("rfc822;list@here.example");
	buf_done(&out);
}

static void
test_eight_bit(void **state)
{
	struct buf out;

	(void)state;
	outcomes[1].outcome.text = STR("nicht gefunden: \xc3\xbc");
	notice.n = 2;
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
	size_t n = NOTICE_LISTED_MAX + 7;
	struct job_outcome *many = calloc(n, sizeof(*many));
	struct buf out;
	size_t listed = 0;

	(void)state;
	assert_non_null(many);
	for (size_t i = 0; i < n; i++)
		many[i] = outcomes[0];
	/* One that the envelope does not have is left out. */
	many[3].index = 99;
	notice.outcomes = many;
	notice.n = n;
	make(&out);
	assert_non_null(strstr(out.p, "\n... and 7 more recipients.\n"));
	for (const char *p = out.p;
	     (p = strstr(p, "\nFinal-Recipient:")) != NULL; p++)
		listed++;
	assert_int_equal(listed, NOTICE_LISTED_MAX - 1);
	buf_done(&out);
	free(many);
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
	struct envelope e = {.ret = 0};

	(void)state;
	assert_true(notice_is_whole(BOUNCE_FAILURE, &e, 100, 100));
	assert_false(notice_is_whole(BOUNCE_FAILURE, &e, 101, 100));
	assert_false(notice_is_whole(BOUNCE_DELAY, &e, 10, 100));
	assert_false(notice_is_whole(BOUNCE_SUCCESS, &e, 10, 100));
	e.ret = 2;
	assert_false(notice_is_whole(BOUNCE_FAILURE, &e, 10, 100));
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
    cmocka_unit_test(test_is_whole),
};
TAP_RUN(tests)
