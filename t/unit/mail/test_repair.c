/* SPDX-License-Identifier: ISC */
#include "guard.h"
#include "tap.h"

#include "base/clock.h"
#include "mail/repair.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define WHEN (INT64_C(1793779501) * CLOCK_SEC) /* 2026-11-04 08:05:01 UTC */

#define ADDED_ID   "Message-Id: <20261104080501.QID@h.example>\n"
#define ADDED_DATE "Date: Wed,  4 Nov 2026 08:05:01 +0000 (UTC)\n"
#define ADDED_FROM "From: joe@o.example\n"

enum {
	LOCAL = 1,
	COMPLETE = 2,
	MISSING = 4,
	EXTRACT = 8
};

struct result {
	struct str out; /* in the arena */
	struct str message_id;
	uint64_t hops;
	size_t nloops;
	struct str loop; /* the first */
	int error;
	struct buf rcpts;
};

static void
take_recipient(void *arg, struct addr a, bool is_resent)
{
	buf_addf(arg, "%s%.*s;", is_resent ? "R:" : "", STR_ARG(a.text));
}

static void
run(struct str in, int how, const char *full_name, struct arena *a,
    struct result *ret)
{
	struct repair_rule rule = {
	    .add_missing = (how & MISSING) != 0,
	    .is_local = (how & LOCAL) != 0,
	    .complete = (how & COMPLETE) != 0,
	    .origin = STR("o.example"),
	    .mydomain = STR("d.example"),
	    .field_max = 200,
	    .id = STR("QID"),
	    .hostname = STR("h.example"),
	    .sender = STR("joe@o.example"),
	    .full_name = str_c(full_name),
	    .undisclosed = STR("To: undisclosed-recipients:;"),
	    .arrival = WHEN,
	};
	struct content_builder *b = content_builder_new(1 << 22);
	struct repair r;
	struct str line, view;
	struct content *c;

	*ret = (struct result){.loop = STR_NONE};
	buf_init(&ret->rcpts, 4096);
	if ((how & EXTRACT) != 0) {
		rule.recipient = take_recipient;
		rule.arg = &ret->rcpts;
	}
	repair_init(&r, &rule, b, a);
	while (str_line(&in, &line)) {
		struct str copy = guard_copy(line);

		if (repair_line(&r, copy) == REPAIR_BODY) {
			content_append(b, line);
			content_append(b, STR("\n"));
		}
		guard_free(copy);
	}
	repair_end(&r);
	c = content_finish(&b);
	assert_int_equal(content_view(c, 0, &view), 0);
	ret->out = arena_str(a, view);
	content_unref(&c);
	ret->message_id = r.message_id;
	ret->hops = r.hops;
	ret->nloops = r.nloops;
	if (r.nloops > 0)
		ret->loop = r.loops[0].address;
	ret->error = r.error;
	repair_done(&r);
}

static const struct {
	const char *in;
	int how;
	const char *out;
} rows[] = {
    /* What is none of our business passes as it is. */
    {"Subject: x\n folded\nX-Y:z\n\nbody\n\n.\n", 0,
	"Subject: x\n folded\nX-Y:z\n\nbody\n\n.\n"},
    {"\nbody: x\n", 0, "\nbody: x\n"},
    {"", 0, ""},
    {"To: joe\nFrom: two words here\n\n", 0,
	"To: joe\nFrom: two words here\n\n"},
    {"X: Message-Id: 1\n\nBcc: x\n", 0, "X: Message-Id: 1\n\nBcc: x\n"},
    /* What does not go on. */
    {"Bcc: a@b\n folded\nSubject: x\nReturn-Path: <x>\n"
     "Content-Length: 5\nresent-bcc: x\n\nb\n",
	0, "Subject: x\n\nb\n"},
    {"Bcc: a@b\n\nb\n", COMPLETE | EXTRACT, "\nb\n"},
    /* A body without an empty line before it gets one. */
    {"Subject: x\nno field\n", 0, "Subject: x\n\nno field\n"},
    {"no field\n", 0, "\nno field\n"},
    {" folded at once\n", 0, "\n folded at once\n"},
    /* A mailbox's separator. */
    {"From joe Wed Nov  4 08:05:01 2026\n>From x\nA: b\n\n", LOCAL, "A: b\n\n"},
    {"From joe Wed Nov  4 08:05:01 2026\nA: b\n\nFrom x\n", 0,
	"X-Mailbox-Line: From joe Wed Nov  4 08:05:01 2026\nA: b\n\n"
	"From x\n"},
    /* Addresses. */
    {"To: joe,\n\tann@b\nCc: x@y.example\nReply-To: (\nSubject: joe\n\n",
	COMPLETE,
	"To: joe@o.example,\n\tann@b.d.example\nCc: x@y.example\n"
	"Reply-To: (\nSubject: joe\n\n"},
    /* What is missing. */
    {"Subject: x\n\nb\n", MISSING,
	"Subject: x\n" ADDED_ID ADDED_DATE ADDED_FROM
	"To: undisclosed-recipients:;\n\nb\n"},
    {"Subject: x\n", MISSING,
	"Subject: x\n" ADDED_ID ADDED_DATE ADDED_FROM
	"To: undisclosed-recipients:;\n"},
    {"", MISSING,
	ADDED_ID ADDED_DATE ADDED_FROM "To: undisclosed-recipients:;\n"},
    {"DATE: x\nmessage-id: <1>\nfrom: x\nbcc: y\n\n", MISSING,
	"DATE: x\nmessage-id: <1>\nfrom: x\n\n"},
    {"Date: x\nMessage-Id: <1>\nFrom: x\nTo: y\nResent-To: z\n\n", MISSING,
	"Date: x\nMessage-Id: <1>\nFrom: x\nTo: y\nResent-To: z\n"
	"Resent-" ADDED_ID "Resent-" ADDED_DATE "Resent-" ADDED_FROM "\n"},
};

static void
test_rows(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct result r;
		struct arena a;

		arena_init(&a, 1 << 20);
		run(str_c(rows[i].in), rows[i].how, "", &a, &r);
		assert_int_equal(r.error, 0);
		assert_str(r.out, rows[i].out);
		buf_done(&r.rcpts);
		arena_done(&a);
	}
}

static void
test_full_name(void **state)
{
	static const struct {
		const char *name, *from;
	} names[] = {
	    {"Joe Smith", "From: Joe Smith <joe@o.example>\n"},
	    {"Joe \"the\" Smith, Dr.",
		"From: \"Joe \\\"the\\\" Smith, Dr.\" <joe@o.example>\n"},
	    {"x\\", "From: \"x\\\\\" <joe@o.example>\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct result r;
		struct arena a;

		arena_init(&a, 1 << 20);
		run(STR("Date: x\nMessage-Id: x\nTo: x\n"), MISSING,
		    names[i].name, &a, &r);
		assert_str(str_from(r.out, 28), names[i].from);
		buf_done(&r.rcpts);
		arena_done(&a);
	}
}

static void
test_notes(void **state)
{
	struct result r;
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	run(STR("Received: a\nReceived: b\n\tmore\nMessage-ID:\n <1@x> \n"
		"Delivered-To: Joe@B.example\nDelivered-To: (\x01\n"
		"Delivered-To:\n\nReceived: body\nDelivered-To: x\n"),
	    0, "", &a, &r);
	assert_int_equal(r.hops, 2);
	assert_str(r.message_id, "<1@x>");
	assert_int_equal(r.nloops, 1);
	assert_str(r.loop, "joe@b.example");
	buf_done(&r.rcpts);
	arena_reset(&a);
	run(STR("Resent-Message-Id: <2>\nMessage-Id: <1>\n"), 0, "", &a, &r);
	assert_str(r.message_id, "<2>");
	buf_done(&r.rcpts);
	arena_done(&a);
}

static void
test_extract(void **state)
{
	struct result r;
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	run(STR("To: Joe <joe@a>, ann\nCc: G: b@b;\nbcc: c\nFrom: x\n"
		"Resent-To: d\n\nTo: body\n"),
	    EXTRACT, "", &a, &r);
	assert_int_equal(r.error, 0);
	assert_string_equal(r.rcpts.p, "joe@a;ann;b@b;c;R:d;");
	buf_done(&r.rcpts);
	run(STR("To: two words\n\n"), EXTRACT, "", &a, &r);
	assert_int_equal(r.error, -EINVAL);
	buf_done(&r.rcpts);
	arena_done(&a);
}

static void
test_limits(void **state)
{
	struct buf b;
	struct result r;
	struct arena a;

	(void)state;
	arena_init(&a, 16 << 20);
	buf_init(&b, 8 << 20);
	buf_add_c(&b, "Message-Id: ");
	for (size_t i = 0; i < 20; i++)
		buf_add_c(&b, "1234567890\n ");
	buf_add_c(&b, "\n\n");
	run(buf_str(&b), 0, "", &a, &r);
	assert_int_equal(r.error, -EMSGSIZE);
	buf_done(&r.rcpts);
	/* The same in a field that is of no interest. */
	buf_reset(&b);
	buf_add_c(&b, "Subject: ");
	for (size_t i = 0; i < 20; i++)
		buf_add_c(&b, "1234567890\n ");
	buf_add_c(&b, "\n\n");
	run(buf_str(&b), 0, "", &a, &r);
	assert_int_equal(r.error, 0);
	buf_done(&r.rcpts);
	buf_reset(&b);
	for (size_t i = 0; i <= REPAIR_FIELDS_MAX; i++)
		buf_add_c(&b, "A: b\n");
	run(buf_str(&b), 0, "", &a, &r);
	assert_int_equal(r.error, -EMSGSIZE);
	buf_done(&r.rcpts);
	buf_reset(&b);
	buf_add_c(&b, "A: b\n");
	for (size_t i = 0; i < REPAIR_BYTES_MAX / 10; i++)
		buf_add_c(&b, " 123456789\n");
	run(buf_str(&b), 0, "", &a, &r);
	assert_int_equal(r.error, -EMSGSIZE);
	buf_done(&r.rcpts);
	/* More marks of loops than are kept. */
	buf_reset(&b);
	for (size_t i = 0; i < ENVELOPE_LOOPS_MAX + 10; i++)
		buf_addf(&b, "Delivered-To: u%zu@b\n", i);
	run(buf_str(&b), 0, "", &a, &r);
	assert_int_equal(r.error, 0);
	assert_int_equal(r.nloops, ENVELOPE_LOOPS_MAX);
	buf_done(&r.rcpts);
	buf_done(&b);
	arena_done(&a);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_rows),
    cmocka_unit_test(test_full_name),
    cmocka_unit_test(test_notes),
    cmocka_unit_test(test_extract),
    cmocka_unit_test(test_limits),
};
TAP_RUN(tests)
