/* SPDX-License-Identifier: ISC */
/* Which trouble a reply tells of; no password is kept. */
#include "tap.h"

#include "mail/notice_class.h"
#include "session.h"
#include "trouble.h"

static const struct {
	const char *reply;
	unsigned class;
} replies[] = {
    {"", 0},
    {"5", 0},
    {"550", 0},
    {"250 2.0.0 Ok", 0},
    {"354 go on", 0},
    {"500 5.5.2 Error: bad syntax", NOTICE_PROTOCOL},
    {"501 5.1.7 Bad sender address syntax", NOTICE_PROTOCOL},
    {"503 5.5.1 Error: need MAIL command", NOTICE_PROTOCOL},
    {"555 5.5.4 Unsupported option: X", NOTICE_PROTOCOL},
    {"550 5.5.2 host Error: bare <LF> received", NOTICE_PROTOCOL},
    {"452 4.3.1 Insufficient system storage", NOTICE_RESOURCE},
    {"451 4.3.5 Server configuration error", NOTICE_SOFTWARE},
    {"451 4.3.0 <x>: Temporary lookup failure", 0},
    {"421 4.3.2 host Service shutting down", 0},
    {"421 4.4.2 host Error: timeout exceeded", 0},
    {"552 5.3.4 Message size exceeds fixed limit", NOTICE_BOUNCE},
    {"554 5.4.6 Error: too many hops", NOTICE_BOUNCE},
    {"554 5.7.1 <x>: Relay access denied", NOTICE_POLICY},
    {"450 4.1.8 <x>: Sender address rejected", NOTICE_POLICY},
    {"421 4.7.0 host Error: too many errors", NOTICE_POLICY},
};

static void
test_classes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
		assert_int_equal(
		    trouble_class(str_c(replies[i].reply)), replies[i].class);
}

static void
test_no_password(void **state)
{
	static struct session s;

	(void)state;
	transcript_init(&s.transcript, NOTICE_POLICY);
	trouble_heard(&s, STR("auth PLAIN c2VjcmV0"));
	trouble_said(&s, STR("554 5.7.1 no"));
	assert_string_equal(
	    s.transcript.lines.p, " In:  AUTH ...\n Out: 554 5.7.1 no\n");
	assert_int_equal(transcript_about(&s.transcript), NOTICE_POLICY);
	transcript_done(&s.transcript);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_classes),
    cmocka_unit_test(test_no_password),
};
TAP_RUN(tests)
