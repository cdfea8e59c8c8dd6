/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "base/clock.h"
#include "mail/date.h"
#include "mail/received.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define WHEN (INT64_C(1793779501) * CLOCK_SEC) /* 2026-11-04 08:05:01 UTC */

static void
use_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

static void
test_date(void **state)
{
	char text[DATE_TEXT_MAX];

	(void)state;
	use_zone("CET-1CEST,M3.5.0,M10.5.0/3");
	date_format(WHEN, text);
	assert_string_equal(text, "Wed,  4 Nov 2026 09:05:01 +0100 (CET)");
	use_zone("NST+3:30");
	date_format(WHEN, text);
	assert_string_equal(text, "Wed,  4 Nov 2026 04:35:01 -0330 (NST)");
	use_zone("UTC");
	date_format(0, text);
	assert_string_equal(text, "Thu,  1 Jan 1970 00:00:00 +0000 (UTC)");
	date_format(INT64_MAX, text); /* whatever it is, it fits */
}

static void
test_client(void **state)
{
	struct received r = {
	    .hostname = STR("mx.example"),
	    .mail_name = STR("Postfix"),
	    .helo = STR("client.example"),
	    .client_name = STR("unknown"),
	    .client_addr = STR("2001:db8::1"),
	    .proto = STR("ESMTP"),
	    .id = STR("0000000000z000000"),
	    .recipient = STR("joe@b.example"),
	    .arrival = WHEN,
	};
	struct buf b;

	(void)state;
	use_zone("UTC");
	buf_init(&b, 4096);
	assert_int_equal(received_format(&r, &b), 0);
	assert_string_equal(b.p,
	    "Received: from client.example (unknown [IPv6:2001:db8::1])\n"
	    "\tby mx.example (Postfix) with ESMTP id 0000000000z000000\n"
	    "\tfor <joe@b.example>; Wed,  4 Nov 2026 08:05:01 +0000 (UTC)\n");
	buf_reset(&b);
	r.recipient = STR_NONE;
	r.helo = STR("x) by evil (\r\n\xff;@<>");
	r.client_addr = STR("192.0.2.1");
	assert_int_equal(received_format(&r, &b), 0);
	assert_string_equal(b.p,
	    "Received: from x??by?evil????????? (unknown [192.0.2.1])\n"
	    "\tby mx.example (Postfix) with ESMTP id 0000000000z000000; "
	    "Wed,  4 Nov 2026 08:05:01 +0000 (UTC)\n");
	buf_done(&b);
	buf_init(&b, 50);
	assert_int_equal(received_format(&r, &b), -EMSGSIZE);
	assert_int_equal(b.len, 0);
	buf_done(&b);
}

static void
test_local(void **state)
{
	struct received r = {
	    .from = RECEIVED_FROM_USER,
	    .hostname = STR("mx.example"),
	    .mail_name = STR("Postfix"),
	    .uid = 1000,
	    .id = STR("0000000000z000000"),
	    .arrival = WHEN,
	};
	struct buf b;

	(void)state;
	use_zone("UTC");
	buf_init(&b, 4096);
	assert_int_equal(received_format(&r, &b), 0);
	assert_string_equal(b.p,
	    "Received: by mx.example (Postfix, from userid 1000)\n"
	    "\tid 0000000000z000000; Wed,  4 Nov 2026 08:05:01 +0000 (UTC)\n");
	buf_reset(&b);
	r.from = RECEIVED_FROM_SUITE;
	assert_int_equal(received_format(&r, &b), 0);
	assert_string_equal(b.p,
	    "Received: by mx.example (Postfix)\n"
	    "\tid 0000000000z000000; Wed,  4 Nov 2026 08:05:01 +0000 (UTC)\n");
	buf_done(&b);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_date),
    cmocka_unit_test(test_client),
    cmocka_unit_test(test_local),
};
TAP_RUN(tests)
