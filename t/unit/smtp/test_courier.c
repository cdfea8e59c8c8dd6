/* SPDX-License-Identifier: ISC */
/*
 * Letters on their way: two servers, 127.0.0.2 and 127.0.0.3, that speak from
 * scripts, and what becomes of each recipient.
 */
#include "tap.h"

#include "names.h"
#include "server.h"

#include "courier.h"

#define HELLO  "S: 220 one.test ESMTP\nC: EHLO me.test\n"
#define PLAIN  HELLO "S: 250 one.test\n"
#define PIPED  HELLO "S: 250-one.test\nS: 250-SIZE 1000\nS: 250 PIPELINING\n"
#define MAIL   "C: MAIL FROM:<s@me.test>\nS: 250 2.1.0 Ok\n"
#define RCPT_A "C: RCPT TO:<a@x.test>\nS: 250 2.1.5 Ok\n"
#define RCPT_B "C: RCPT TO:<b@x.test>\nS: 250 2.1.5 Ok\n"
#define BODY   "C: DATA\nS: 354 go\nD: Subject: x\n\n..dot\n"
#define GOOD   PLAIN MAIL RCPT_A RCPT_B BODY "S: 250 2.0.0 Ok: queued as 1\n"

/* A failed assert would jump off the task's stack: what is wrong is noted,
 * and told by run(). */
#define expect(what)                                                           \
	do {                                                                   \
		if (!(what))                                                   \
			script_fails(#what, STR("something else"));            \
	} while (0)

static const struct name_row zone[] = {
    {"x.test", DNS_MX, "10 one.test"},
    {"x.test", DNS_MX, "20 two.test"},
    {"only.test", DNS_MX, "10 one.test"},
    {"one.test", DNS_A, "127.0.0.2"},
    {"alias.test", DNS_A, "127.0.0.2"},
    {"two.test", DNS_A, "127.0.0.3"},
    {NULL, 0, NULL},
};

static struct server one, two;
static struct settings settings;
static struct courier courier;
static struct job_outcome results[3];
static unsigned reused;
static uint16_t port;

static struct settings
default_settings(void)
{
	return (struct settings){
	    .myhostname = STR("me.test"),
	    .helo_name = STR("me.test"),
	    .inet_interfaces = STR("192.0.2.1"),
	    .use_ipv4 = true,
	    .lookup_dns = true,
	    .address_limit = 5,
	    .session_limit = 2,
	    .skip_5xx_greeting = true,
	    .skip_quit_reply = true,
	    .always_ehlo = true,
	    .connect_time = CLOCK_SEC,
	    .helo_time = 300 * CLOCK_MS,
	    .mail_time = 300 * CLOCK_MS,
	    .rcpt_time = 300 * CLOCK_MS,
	    .data_init_time = 300 * CLOCK_MS,
	    .data_block_time = 300 * CLOCK_MS,
	    .data_done_time = 300 * CLOCK_MS,
	    .rset_time = 300 * CLOCK_MS,
	    .quit_time = 300 * CLOCK_MS,
	    .reuse_time = 300 * CLOCK_SEC,
	};
}

static struct arena kept; /* of the results */

/* To a@x.test, b@x.test (and c@x.test); the results are copies. */
static void
deliver(const char *nexthop, size_t n, const char *text)
{
	static struct job_recipient rows[3];
	static const char *const names[] = {"a@x.test", "b@x.test", "c@x.test"};
	ARENA_CLEANUP struct arena a = {0};
	struct job_deliver job = {
	    .id = STR("QID"),
	    .nexthop = str_c(nexthop),
	    .sender = STR("s@me.test"),
	    .recipients = {rows, n},
	};
	struct letter l;

	for (size_t i = 0; i < n; i++)
		rows[i] = (struct job_recipient){
		    .index = i, .recipient = {.address = str_c(names[i])}};
	arena_init(&a, letter_room(&job));
	struct content *content = content_from_str(str_c(text));
	letter_init(&l, &job, content, &a);
	reused = courier_deliver(&courier, &l);
	expect((l.left) == (0));
	for (size_t i = 0; i < n; i++) {
		results[i].index = l.outcomes[i].index;
		shape_copy(&outcome_shape, &l.outcomes[i].outcome, &kept,
		    &results[i].outcome);
	}
	letter_done(&l);
	content_unref(&content);
}

static void
send_two(const char *nexthop)
{
	deliver(nexthop, 2, "Subject: x\n\n.dot\n");
}

/* "state dsn text", with the port as PORT. */
static void
check(size_t i, enum outcome_state state, const char *dsn, const char *text)
{
	BUF_CLEANUP struct buf want = {0};
	const struct outcome *o = &results[i].outcome;
	struct str rest = str_c(text);

	buf_init(&want, 4096);
	ptrdiff_t at = str_find_str(rest, STR("PORT"));
	if (at >= 0) {
		buf_addf(&want, "%.*s%u", (int)at, text, port);
		rest = str_from(rest, (size_t)at + 4);
	}
	buf_add_str(&want, rest);
	if (o->state != state || !str_eq(o->dsn, str_c(dsn)) ||
	    !str_eq(o->text, buf_str(&want)))
		script_fails(want.p, o->text);
}

static void
check_relay(size_t i, const char *host)
{
	BUF_CLEANUP struct buf want = {0};

	buf_init(&want, 100);
	buf_addf(&want, "%s:%u", host, port);
	expect(str_eq(results[i].outcome.relay, str_c(want.p)));
}

/* ---- the cases; each in a task ---- */

static void
sent(void)
{
	one.scripts[0] = GOOD;
	send_two("x.test");
	check(0, OUTCOME_SENT, "2.0.0", "250 2.0.0 Ok: queued as 1");
	check(1, OUTCOME_SENT, "2.0.0", "250 2.0.0 Ok: queued as 1");
	check_relay(0, "one.test[127.0.0.2]");
	expect(str_eq(results[0].outcome.remote_mta, str_c("one.test")));
	expect((results[0].outcome.conn_use) == (1));
	expect((reused) == (0));
}

static void
literal(void)
{
	char nexthop[40];

	snprintf(nexthop, sizeof(nexthop), "[127.0.0.2]:%u", port);
	one.scripts[0] = GOOD;
	send_two(nexthop);
	check_relay(1, "127.0.0.2[127.0.0.2]");
}

static void
pipelined(void)
{
	/* The server speaks only once it has heard all. */
	one.scripts[0] = PIPED "C: MAIL FROM:<s@me.test> SIZE=17\n"
			       "C: RCPT TO:<a@x.test>\n"
			       "C: RCPT TO:<b@x.test>\nC: DATA\n"
			       "S: 250 Ok\nS: 250 Ok\nS: 550 5.1.1 no b\n"
			       "S: 354 go\nD: Subject: x\n\n..dot\n"
			       "S: 250 fine\n";
	send_two("x.test");
	check(0, OUTCOME_SENT, "2.0.0", "250 fine");
	check(1, OUTCOME_BOUNCED, "5.1.1",
	    "host one.test[127.0.0.2] said: 550 5.1.1 no b "
	    "(in reply to RCPT TO command)");
	expect(str_eq(results[1].outcome.diagnostic, str_c("550 5.1.1 no b")));
	expect((two.connections) == (0));
}

static void
pipelined_all_refused(void)
{
	one.scripts[0] = PIPED "C: MAIL*\nC: RCPT*\nC: RCPT*\nC: DATA\n"
			       "S: 250 Ok\nS: 550 no a\nS: 551 no b\n"
			       "S: 354 go\nC: .\nS: 554 nobody\n"
			       "C: RSET\nS: 250 Ok\nC: MAIL*\nC: RCPT*\n"
			       "C: RCPT*\nC: DATA\nS: 250 Ok\nS: 250 Ok\n"
			       "S: 250 Ok\nS: 354 go\n"
			       "D: Subject: x\n\n..dot\nS: 250 fine\n";
	send_two("x.test");
	check(0, OUTCOME_BOUNCED, "5.0.0",
	    "host one.test[127.0.0.2] said: 550 no a "
	    "(in reply to RCPT TO command)");
	check(1, OUTCOME_BOUNCED, "5.0.0",
	    "host one.test[127.0.0.2] said: 551 no b "
	    "(in reply to RCPT TO command)");
	send_two("x.test");
	check(1, OUTCOME_SENT, "2.0.0", "250 fine");
	expect((reused) == (1));
	expect((results[1].outcome.conn_use) == (2));
}

/* Refused, and then taken: it is not told where the message ends. */
static void
pipelined_mail_refused(void)
{
	one.scripts[0] = PIPED "C: MAIL*\nC: RCPT*\nC: RCPT*\nC: DATA\n"
			       "S: 550 5.7.1 not you\nS: 250 Ok\nS: 250 Ok\n"
			       "S: 354 go\nC: (no more)\n";
	send_two("x.test");
	check(0, OUTCOME_BOUNCED, "5.7.1",
	    "host one.test[127.0.0.2] said: 550 5.7.1 not you "
	    "(in reply to MAIL FROM command)");
	expect((courier.pool.n) == (0));
	task_sleep(clock_after(20 * CLOCK_MS));
	expect((one.open) == (0));
	script_error[0] = '\0'; /* "(no more)" did not come, as it should */
}

static void
refused_for_now(void)
{
	one.scripts[0] = PLAIN MAIL "C: RCPT TO:<a@x.test>\nS: 450 busy\n"
				    "C: RCPT TO:<b@x.test>\nS: 250 Ok\n" BODY
				    "S: 250 first\n";
	two.scripts[0] = PLAIN MAIL RCPT_A BODY "S: 250 second\n";
	send_two("x.test");
	check(0, OUTCOME_SENT, "2.0.0", "250 second");
	check_relay(0, "two.test[127.0.0.3]");
	check(1, OUTCOME_SENT, "2.0.0", "250 first");
	check_relay(1, "one.test[127.0.0.2]");
}

static void
refused_by_both(void)
{
	one.scripts[0] = PLAIN "C: MAIL*\nS: 451 4.3.0 later\n";
	two.scripts[0] = PLAIN MAIL "C: RCPT*\nS: 452 4.2.2 full\n"
				    "C: RCPT*\nS: 550 5.1.1 none\n";
	send_two("x.test");
	check(0, OUTCOME_DEFERRED, "4.2.2",
	    "host two.test[127.0.0.3] said: 452 4.2.2 full "
	    "(in reply to RCPT TO command)");
	check(1, OUTCOME_BOUNCED, "5.1.1",
	    "host two.test[127.0.0.3] said: 550 5.1.1 none "
	    "(in reply to RCPT TO command)");
}

static void
data_refused(void)
{
	one.scripts[0] = PLAIN MAIL "C: RCPT*\nS: 450 busy\n"
				    "C: RCPT*\nS: 250 Ok\n"
				    "C: DATA\nS: 554-5.6.0 no\n"
				    "S: 554 5.6.0 never\n";
	two.scripts[0] = PLAIN MAIL RCPT_A BODY "S: 552 5.3.4 too big\n";
	send_two("x.test");
	check(0, OUTCOME_BOUNCED, "5.3.4",
	    "host two.test[127.0.0.3] said: 552 5.3.4 too big "
	    "(in reply to end of DATA command)");
	check(1, OUTCOME_BOUNCED, "5.6.0",
	    "host one.test[127.0.0.2] said: 554-5.6.0 no 554 5.6.0 never "
	    "(in reply to DATA command)");
}

static void
greetings(void)
{
	one.scripts[0] = "S: 554 5.3.2 go away\n";
	two.scripts[0] =
	    "S: 220 two.test\nC: EHLO me.test\nS: 502 what?\n"
	    "C: HELO me.test\nS: 250 two.test\n" MAIL RCPT_A RCPT_B BODY
	    "S: 250 by HELO\n";
	send_two("x.test");
	check(0, OUTCOME_SENT, "2.0.0", "250 by HELO");
	check_relay(0, "two.test[127.0.0.3]");

	one.scripts[1] = "S: 554 5.3.2 go away\n";
	send_two("only.test");
	check(0, OUTCOME_DEFERRED, "4.3.2",
	    "host one.test[127.0.0.2] refused to talk to me: "
	    "554 5.3.2 go away");
	settings.skip_5xx_greeting = false;
	one.scripts[2] = "S: 554 5.3.2 go away\n";
	send_two("x.test");
	check(0, OUTCOME_BOUNCED, "5.3.2",
	    "host one.test[127.0.0.2] refused to talk to me: "
	    "554 5.3.2 go away");
	one.scripts[3] = HELLO "S: 421 4.3.2 bye\n";
	send_two("only.test");
	check(0, OUTCOME_DEFERRED, "4.3.2",
	    "host one.test[127.0.0.2] refused to talk to me: "
	    "421 4.3.2 bye");
}

static void
breaks(void)
{
	static const struct {
		const char *script, *text, *dsn;
	} rows[] = {
	    {"X\n",
		"lost connection with one.test[127.0.0.2] while receiving "
		"the initial server greeting",
		"4.4.2"},
	    {"H\n",
		"conversation with one.test[127.0.0.2] timed out while "
		"receiving the initial server greeting",
		"4.4.2"},
	    {HELLO "X\n",
		"lost connection with one.test[127.0.0.2] while performing "
		"the EHLO handshake",
		"4.4.2"},
	    {PLAIN MAIL "C: RCPT*\nX\n",
		"lost connection with one.test[127.0.0.2] while sending RCPT "
		"TO",
		"4.4.2"},
	    {PLAIN MAIL RCPT_A RCPT_B "C: DATA\nH\n",
		"conversation with one.test[127.0.0.2] timed out while "
		"sending DATA command",
		"4.4.2"},
	    {PLAIN MAIL RCPT_A RCPT_B "C: DATA\nS: 354 go\nH\n",
		"conversation with one.test[127.0.0.2] timed out while "
		"sending end of data -- message may be sent more than once",
		"4.4.2"},
	    {PLAIN MAIL RCPT_A RCPT_B
		"C: DATA\nS: 354 go\nD: Subject: x\n\n..dot\nS: HTTP/1.1\nH\n",
		"host one.test[127.0.0.2] said what is not SMTP: HTTP/1.1 "
		"(while sending end of data -- message may be sent more than "
		"once)",
		"4.5.0"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		one.scripts[i] = rows[i].script;
		send_two("only.test");
		check(0, OUTCOME_DEFERRED, rows[i].dsn, rows[i].text);
		check(1, OUTCOME_DEFERRED, rows[i].dsn, rows[i].text);
		expect((courier.pool.n) == (0));
	}
}

/* 421 in the middle: who was asked, and who was not, waits for the next. */
static void
goodbye(void)
{
	one.scripts[0] = PLAIN MAIL RCPT_A "C: RCPT*\nS: 421 4.7.0 enough\n";
	two.scripts[0] = PLAIN MAIL RCPT_A RCPT_B
	    "C: RCPT TO:<c@x.test>\nS: 250 Ok\n" BODY "S: 250 second\n";
	deliver("x.test", 3, "Subject: x\n\n.dot\n");
	for (size_t i = 0; i < 3; i++)
		check(i, OUTCOME_SENT, "2.0.0", "250 second");
}

/* What follows: not a server, but the way to one. */
static void
unreachable(void)
{
	task_yield(); /* until it listens */
	io_done(&one.listener);
	two.scripts[0] = GOOD;
	send_two("x.test");
	check_relay(0, "two.test[127.0.0.3]");
	send_two("only.test");
	check(0, OUTCOME_DEFERRED, "4.4.1",
	    "connect to one.test[127.0.0.2]:PORT: Connection refused");
	expect(str_eq(results[0].outcome.relay, str_c("none")));
	settings.relayhost = STR("nowhere.test");
	send_two("nowhere.test");
	check(0, OUTCOME_DEFERRED, "4.3.5",
	    "Host or domain name not found. Name service error for "
	    "name=nowhere.test type=MX: Host not found");
	send_two("elsewhere.test");
	check(0, OUTCOME_BOUNCED, "5.4.4",
	    "Host or domain name not found. Name service error for "
	    "name=elsewhere.test type=MX: Host not found");
	send_two("[bad");
	check(0, OUTCOME_DEFERRED, "4.3.5", "bad next hop \"[bad\"");
}

static void
fallback(void)
{
	settings.fallback = STR("nowhere.test, [two.test]");
	one.scripts[0] = PLAIN "C: MAIL*\nS: 451 later\nX\n";
	two.scripts[0] = GOOD;
	send_two("only.test");
	task_sleep(clock_after(10 * CLOCK_MS));
	check_relay(0, "two.test[127.0.0.3]");
	one.scripts[1] = PLAIN "C: MAIL*\nS: 551 never\n";
	send_two("only.test");
	check(0, OUTCOME_BOUNCED, "5.0.0",
	    "host one.test[127.0.0.2] said: 551 never "
	    "(in reply to MAIL FROM command)");
}

static void
ourselves(void)
{
	one.scripts[0] = HELLO "S: 250 me.test greets you\n";
	send_two("only.test");
	check(0, OUTCOME_BOUNCED, "5.4.6",
	    "mail for only.test loops back to myself");
	settings.inet_interfaces = STR("127.0.0.3");
	courier.has_own = courier.reads_own = false;
	one.scripts[1] = PLAIN "C: MAIL*\nS: 451 later\n";
	send_two("x.test");
	check(0, OUTCOME_DEFERRED, "4.0.0",
	    "host one.test[127.0.0.2] said: 451 later "
	    "(in reply to MAIL FROM command)");
	expect((two.connections) == (0));
}

static void
reuse(void)
{
	one.scripts[0] = GOOD MAIL RCPT_A RCPT_B BODY
	    "S: 250 again\n" MAIL "C: RCPT*\nS: 450 no\nC: RCPT*\nS: 450 no\n"
	    "C: RSET\nS: 250 Ok\n" MAIL RCPT_A RCPT_B BODY "S: 250 reset\nX\n";
	one.scripts[1] = GOOD "S: 421 idle for too long\nX\n";
	one.scripts[2] = GOOD;
	send_two("only.test");
	names_asked = 0;
	send_two("ONLY.test");
	check(0, OUTCOME_SENT, "2.0.0", "250 again");
	expect((results[0].outcome.conn_use) == (2));
	expect((reused) == (1));
	expect((names_asked) == (0));
	send_two("only.test");
	check(0, OUTCOME_DEFERRED, "4.0.0",
	    "host one.test[127.0.0.2] said: 450 no "
	    "(in reply to RCPT TO command)");
	send_two("[alias.test]"); /* another name for the same address */
	check(0, OUTCOME_SENT, "2.0.0", "250 reset");
	expect((results[0].outcome.conn_use) == (4));
	check_relay(0, "alias.test[127.0.0.2]");

	/* It left: a new one, and nobody notices. */
	task_sleep(clock_after(10 * CLOCK_MS));
	send_two("only.test");
	check(0, OUTCOME_SENT, "2.0.0", "250 2.0.0 Ok: queued as 1");
	expect((results[0].outcome.conn_use) == (1));
	task_sleep(clock_after(10 * CLOCK_MS));
	send_two("only.test");
	expect((results[0].outcome.conn_use) == (1));
	expect((one.connections) == (3));
}

/* The server leaves just when it is asked again. */
static void
reuse_too_late(void)
{
	one.scripts[0] = GOOD "C: MAIL*\nX\n";
	one.scripts[1] = GOOD "C: MAIL*\nS: 421 too late\nX\n";
	one.scripts[2] = GOOD;
	for (int i = 0; i < 3; i++) {
		send_two("only.test");
		check(1, OUTCOME_SENT, "2.0.0", "250 2.0.0 Ok: queued as 1");
		expect((results[1].outcome.conn_use) == (1));
	}
	expect((one.connections) == (3));
}

static void
limits(void)
{
	settings.reuse_limit = 1;
	one.scripts[0] = GOOD "C: QUIT\n";
	one.scripts[1] = GOOD "C: QUIT\n";
	send_two("only.test");
	send_two("only.test");
	expect((courier.pool.n) == (0));
	settings.session_limit = 1;
	one.scripts[2] = PLAIN "C: MAIL*\nS: 451 later\n";
	send_two("x.test");
	check(0, OUTCOME_DEFERRED, "4.0.0",
	    "host one.test[127.0.0.2] said: 451 later "
	    "(in reply to MAIL FROM command)");
	expect((two.connections) == (0));
}

static void
sizes(void)
{
	one.scripts[0] = PIPED;
	char big[2000];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	deliver("only.test", 1, big);
	check(0, OUTCOME_BOUNCED, "5.3.4",
	    "message size 1999 exceeds size limit 1000 of server "
	    "one.test[127.0.0.2]");
}

static void
closes_in_time(void)
{
	one.scripts[0] = GOOD "C: QUIT\n";
	send_two("only.test");
	expect((courier.pool.n) == (1));
	pool_close(&courier.pool);
	expect((courier.pool.n) == (0));
	task_sleep(clock_after(20 * CLOCK_MS));
	expect((one.open) == (0));
}

/* ---- running them ---- */

static void (*running)(void);

static void
run_task(void *arg)
{
	(void)arg;
	one = two = (struct server){.connections = 0};
	script_error[0] = '\0';
	name_rows = zone;
	do {
		port = server_start(&one, 2, 0);
		assert(port != 0);
		if (server_start(&two, 3, port) != 0)
			break;
		io_done(&one.listener);
	} while (true);
	settings = default_settings();
	settings.port = port;
	courier_init(&courier, &settings, NULL, NULL, NULL);
	running();
	courier_done(&courier);
	io_done(&one.listener);
	io_done(&two.listener);
	task_sleep(clock_after(10 * CLOCK_MS));
}

static void
run(void (*fn)(void))
{
	running = fn;
	arena_init(&kept, 1 << 20);
	assert_int_equal(loop_init(), 0);
	task_start(run_task, NULL);
	loop_run();
	arena_done(&kept);
	if (script_error[0] != '\0')
		fail_msg("%s", script_error);
}

#define CASE(name)                                                             \
	static void test_##name(void **state)                                  \
	{                                                                      \
		(void)state;                                                   \
		run(name);                                                     \
	}
#define CASES(X)                                                               \
	X(sent)                                                                \
	X(literal)                                                             \
	X(pipelined)                                                           \
	X(pipelined_all_refused)                                               \
	X(pipelined_mail_refused)                                              \
	X(refused_for_now)                                                     \
	X(refused_by_both)                                                     \
	X(data_refused)                                                        \
	X(greetings)                                                           \
	X(breaks)                                                              \
	X(goodbye)                                                             \
	X(unreachable)                                                         \
	X(fallback)                                                            \
	X(ourselves)                                                           \
	X(reuse)                                                               \
	X(reuse_too_late)                                                      \
	X(limits)                                                              \
	X(sizes)                                                               \
	X(closes_in_time)

CASES(CASE)

#define ROW(name) cmocka_unit_test(test_##name),
static const struct CMUnitTest tests[] = {CASES(ROW)};

TAP_RUN(tests)
