/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "guard.h"
#include "log_line.h"

#define LONG   "4Zk2lD1nB7zKpQ9"
#define SYSLOG "Nov 24 09:00:01 mx postfix/"

static void
lines(void **state)
{
	static const struct {
		const char *line, *program, *id, *event;
	} good[] = {
	    {SYSLOG "smtpd[12]: " LONG ": client=a[192.0.2.1]", "smtpd", LONG,
		"client=a[192.0.2.1]"},
	    {"Nov  4 09:00:01 mx postfix/submission/smtpd[1]: 0A1B2C3: x",
		"smtpd", "0A1B2C3", "x"},
	    {"2026-11-24T09:00:01.123456+00:00 mx postfix/qmgr[7]: 0A1B2C: "
	     "removed",
		"qmgr", "0A1B2C", "removed"},
	    {"2026-11-24T09:00:01+0000 mx postfix/qmgr[7]: warning: 0A1B2C: x",
		"qmgr", "0A1B2C", "x"},
	    {"<22>" SYSLOG "cleanup[1]: 0A1B2C: message-id=<a@b>", "cleanup",
		"0A1B2C", "message-id=<a@b>"},
	    {SYSLOG "smtpd[1]: NOQUEUE: reject: RCPT", "smtpd", "NOQUEUE",
		"reject: RCPT"},
	    {SYSLOG "smtpd[1]: connect from a[192.0.2.1]", "smtpd", "",
		"connect from a[192.0.2.1]"},
	    {SYSLOG "postsuper: 0A1B2C: removed", "postsuper", "0A1B2C",
		"removed"},
	    {SYSLOG "qmgr[1]: error: 0A1B2C:", "qmgr", "0A1B2C", ""},
	    {SYSLOG "qmgr[1]: lower: x", "qmgr", "", "lower: x"},
	};
	static const char *const bad[] = {
	    "",
	    " ",
	    "<",
	    "<22>",
	    "Nov 24 09:00:01",
	    "Nov 24 09:00:01 ",
	    "Nov 24 09:00:01 mx",
	    "Nov 24 09:00:01 mx ",
	    "Nov 24 09:00:01 mx postfix/smtpd[1]",
	    "Nov 24 09:00:01 mx postfix/smtpd[1]:",
	    "Nov 24 09:00:01 mx postfix/[1]: x",
	    "Nov 24 09:00:01 mx two words[1]: x",
	    "Nov 24 09:00:01 mx : x",
	    "2026-11-24",
	    "2026-11-24T09:00:01",
	    "2026-11-24 09:00:01 mx postfix/qmgr[7]: x",
	    "postfix/smtpd: connect from",
	    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
	};
	struct log_line l;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct str s = guard_copy(str_c(good[i].line));

		assert_true(log_line_parse(s, &l));
		assert_true(str_eq(l.program, str_c(good[i].program)));
		assert_true(str_eq(l.id, str_c(good[i].id)));
		assert_true(str_eq(l.event, str_c(good[i].event)));
		guard_free(s);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct str s = guard_copy(str_c(bad[i]));

		assert_false(log_line_parse(s, &l));
		guard_free(s);
	}
}

static void
ids(void **state)
{
	static const char *const good[] = {
	    "0A1B2C", "ABCDEF0123", LONG, "4ZZZZZZZZZZZ"};
	static const char *const bad[] = {"", "0A1B2", "0a1b2c", "warning",
	    "NOQUEUE", "4ZZZZZZZZZZ", "4ZZZZZZZZZZa", "4ZZZZZZZZZZ ",
	    "0123456789ABCDEF0123456789ABCDEF0"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(log_line_is_id(str_c(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(log_line_is_id(str_c(bad[i])));
	assert_false(log_line_is_id(STR("0A1B2C\0D")));
}

static struct log_line
event(const char *text)
{
	return (struct log_line){
	    .id = STR(LONG), .event = guard_copy(str_c(text))};
}

static void
ties(void **state)
{
	static const struct {
		const char *event;
		enum log_tie tie;
		const char *id, *what;
	} cases[] = {
	    {"sender non-delivery notification: 0A1B2C", LOG_NOTIFIED, "0A1B2C",
		"sender non-delivery notification"},
	    {"postmaster non-delivery notification: 0A1B2C", LOG_NOTIFIED,
		"0A1B2C", "postmaster non-delivery notification"},
	    {"sender non-delivery notification: not now", LOG_NO_TIE, "", ""},
	    {"sender non-delivery notification:", LOG_NO_TIE, "", ""},
	    {"to=<a@b>, relay=local, delay=1, delays=0/0/0/0, dsn=2.0.0, "
	     "status=sent (forwarded as 0A1B2C)",
		LOG_FORWARDED, "0A1B2C", ""},
	    {"to=<a@b>, relay=127.0.0.1[127.0.0.1]:10025, dsn=2.0.0, "
	     "status=sent (250 2.0.0 Ok: queued as 0A1B2C)",
		LOG_HANDED_ON, "0A1B2C", ""},
	    {"to=<a@b>, relay=h[::1]:25, status=sent (250 queued as 0A1B2C x)",
		LOG_HANDED_ON, "0A1B2C", ""},
	    {"to=<a@b>, relay=mx.b[192.0.2.9]:25, dsn=2.0.0, "
	     "status=sent (250 2.0.0 Ok: queued as 0A1B2C)",
		LOG_NO_TIE, "", ""},
	    {"to=<a@b>, relay=127.0.0.1[127.0.0.1]:25, status=deferred (450 "
	     "queued as 0A1B2C)",
		LOG_NO_TIE, "", ""},
	    {"to=<a@b>, relay=local, status=bounced (x, status=sent (forwarded "
	     "as 0A1B2C)",
		LOG_NO_TIE, "", ""},
	    {"uid=0 from=<a@b> orig_id=0A1B2C", LOG_REQUEUED, "0A1B2C", ""},
	    {"client=a[127.0.0.1], orig_queue_id=0A1B2C, orig_client=x",
		LOG_REQUEUED, "0A1B2C", ""},
	    {"from=<a@b>, orig_id=0A1B2C", LOG_NO_TIE, "", ""},
	    {"removed", LOG_NO_TIE, "", ""},
	    {"", LOG_NO_TIE, "", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct log_line l = event(cases[i].event);
		struct str id = STR_NONE, what;

		assert_int_equal(log_line_tie(&l, &id, &what), cases[i].tie);
		if (cases[i].tie != LOG_NO_TIE)
			assert_true(str_eq(id, str_c(cases[i].id)));
		if (cases[i].tie != LOG_NO_TIE)
			assert_true(str_eq(what, str_c(cases[i].what)));
		guard_free(l.event);
	}
}

static void
names(void **state)
{
	static const struct {
		const char *event, *who;
		bool is;
	} cases[] = {
	    {"from=<a@b.example>, size=1", "a@b.example", true},
	    {"from=<a@b.example>, size=1", "A@B.example", true},
	    {"from=<a@b.example>, size=1", "@b.example", true},
	    {"from=<a@sub.b.example>, size=1", "@b.example", false},
	    {"from=<aa@b.example>, size=1", "a@b.example", false},
	    {"to=<x@y>, orig_to=<o@y>, relay=none", "o@y", true},
	    {"message-id=<1@m>", "1@m", true},
	    {"resent-message-id=<1@m>", "1@m", true},
	    {"message-id=<a<1>b@m>", "a<1>b@m", true},
	    {"from=<\"a>b\"@c>, size=1", "\"a>b\"@c", true},
	    {"reject: RCPT from x: 550 <q@y>: no; from=<a@b> to=<q@y> "
	     "proto=SMTP helo=<h@y>",
		"q@y", true},
	    {"reject: from=<a@b> to=<q@y> helo=<h@y>", "h@y", false},
	    {"from=<", "a", false},
	    {"from=<a", "a", true},
	    {"=<a>", "a", false},
	    {"from=<>", "a", false},
	    {"", "a", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct log_line l = event(cases[i].event);

		assert_int_equal(
		    log_line_names(&l, str_c(cases[i].who)), cases[i].is);
		guard_free(l.event);
	}
}

static void
states(void **state)
{
	struct log_line l = event("to=<a@b>, relay=none, status=deferred (x)");

	(void)state;
	assert_true(str_eq(log_line_status(&l), STR("deferred")));
	guard_free(l.event);
	l = event("to=<a@b>, status=");
	assert_true(str_is_empty(log_line_status(&l)));
	guard_free(l.event);
	l = event("from=<a@b>, status=expired, returned to sender");
	assert_true(str_is_empty(log_line_status(&l)));
	guard_free(l.event);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(lines),
    cmocka_unit_test(ids),
    cmocka_unit_test(ties),
    cmocka_unit_test(names),
    cmocka_unit_test(states),
};

TAP_RUN(tests)
