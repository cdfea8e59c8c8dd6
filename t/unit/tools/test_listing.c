/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "base/clock.h"
#include "listing.h"

#include <stdlib.h>
#include <time.h>

#define WHEN (INT64_C(1793779501) * CLOCK_SEC) /* 2026-11-04 08:05:01 UTC */

static struct admin_recipient some[] = {
    {{"a@a.example", 11}, {"", 0}},
    {{"b@b.example", 11}, {"connect to b: timed out", 23}},
    {{"c@b.example", 11}, {"connect to b: timed out", 23}},
    {{"d\x1b[31m\"\xc3\xa9@d", 11}, {"no\nroute\\\xe9\x9b\xc2\x9b", 13}},
};

static struct admin_entry
entry(const char *queue, const char *sender, size_t n)
{
	return (struct admin_entry){
	    .queue = str_c(queue),
	    .id = STR("0000015VzmzHJ8lkc"),
	    .arrival = WHEN,
	    .size = 1536,
	    .sender = str_c(sender),
	    .recipients = {some, n},
	};
}

static char *
show(void (*fn)(struct listing *l))
{
	struct listing l = {0};
	char *text;
	size_t n;

	l.out = open_memstream(&text, &n);
	fn(&l);
	fclose(l.out);
	return text;
}

static void
show_two(struct listing *l)
{
	struct admin_entry e = entry("deferred", "s@s.example", 3);

	listing_entry(l, &e);
	e = entry("active", "", 1);
	listing_entry(l, &e);
	listing_end(l);
}

static void
show_one(struct listing *l)
{
	struct admin_entry e = entry("hold", "x@y", 4);

	listing_entry(l, &e);
	listing_end(l);
}

static void
show_json(struct listing *l)
{
	struct admin_entry e = entry("deferred", "s@s.example", 2);

	listing_json(l, &e);
	e = entry("hold", "", 0);
	e.forced_expire = 1;
	listing_json(l, &e);
	e.recipients = (struct rows){&some[3], 1};
	listing_json(l, &e);
}

static void
test_people(void **state)
{
	char *text = show(show_two);

	(void)state;
	assert_string_equal(text,
	    "----Queue ID----- --Size-- ---Arrival Time---- "
	    "--Sender/Recipient------\n"
	    "0000015VzmzHJ8lkc     1536 Wed Nov  4 08:05:01 s@s.example\n"
	    "                                                     "
	    "(connect to b: timed out)\n"
	    "                                               b@b.example\n"
	    "                                               c@b.example\n"
	    "                                               a@a.example\n"
	    "\n"
	    "0000015VzmzHJ8lkc*     1536 Wed Nov  4 08:05:01 "
	    "MAILER-DAEMON\n"
	    "                                               a@a.example\n"
	    "\n"
	    "-- 3 Kbytes in 2 Requests.\n");
	free(text);
	text = show(listing_end);
	assert_string_equal(text, "Mail queue is empty\n");
	free(text);
}

/* SECURITY: it is shown on terminals. */
static void
test_control(void **state)
{
	char *text = show(show_one);

	(void)state;
	assert_null(strchr(text, '\x1b'));
	assert_non_null(strstr(text, "(no?route\\?\?\?\?)\n"));
	assert_non_null(strstr(text, " d?[31m\"\xc3\xa9@d\n"));
	assert_non_null(strstr(text, "\n-- 1 Kbytes in 1 Request.\n"));
	assert_non_null(strstr(text, "\n0000015VzmzHJ8lkc!"));
	free(text);
}

static void
test_json(void **state)
{
	char *text = show(show_json);

	(void)state;
	assert_string_equal(text,
	    "{\"queue_name\": \"deferred\", \"queue_id\": "
	    "\"0000015VzmzHJ8lkc\", \"arrival_time\": 1793779501, "
	    "\"message_size\": 1536, \"forced_expire\": false, "
	    "\"sender\": \"s@s.example\", \"recipients\": ["
	    "{\"address\": \"a@a.example\"}, {\"address\": \"b@b.example\", "
	    "\"delay_reason\": \"connect to b: timed out\"}]}\n"
	    "{\"queue_name\": \"hold\", \"queue_id\": "
	    "\"0000015VzmzHJ8lkc\", \"arrival_time\": 1793779501, "
	    "\"message_size\": 1536, \"forced_expire\": true, "
	    "\"sender\": \"MAILER-DAEMON\", \"recipients\": []}\n"
	    "{\"queue_name\": \"hold\", \"queue_id\": "
	    "\"0000015VzmzHJ8lkc\", \"arrival_time\": 1793779501, "
	    "\"message_size\": 1536, \"forced_expire\": true, "
	    "\"sender\": \"MAILER-DAEMON\", \"recipients\": ["
	    "{\"address\": \"d\\u001b[31m\\\"\xc3\xa9@d\", "
	    "\"delay_reason\": \"no\\nroute\\\\????\"}]}\n");
	free(text);
}

static int
use_utc(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_people),
	    cmocka_unit_test(test_control),
	    cmocka_unit_test(test_json),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, use_utc, NULL);
}
