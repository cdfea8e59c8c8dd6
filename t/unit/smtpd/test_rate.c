/* SPDX-License-Identifier: ISC */
/* Logins held to their limits, and what of AUTH and STARTTLS is counted: at
 * the functions, with a session of the desk's. */
#include "tap.h"

#include "desk.h"
#include "net/stream.h"
#include "rate.h"
#include "reply.h"
#include "session.h"

#include <stdio.h>

static const char base_cf[] = "myhostname = mail.example.com\n"
			      "mydestination = example.com\n"
			      "mynetworks = 10.0.0.0/8\n"
			      "local_recipient_maps =\n"
			      "alias_maps =\n"
			      "smtpd_peername_lookup = no\n"
			      "smtpd_error_sleep_time = 0s\n";

struct test {
	const char *main_cf;
	void (*fn)(struct stream *client, struct session *s);
	const char *address;
};

static void
hear(struct stream *client, const char *want)
{
	struct str line = STR_NONE;
	bool crlf;

	stream_deadline(client, clock_after(10 * CLOCK_SEC));
	assert_int_equal(stream_read_line(client, 1000, &line, &crlf), 0);
	if (!str_has_prefix(line, str_c(want)))
		fail_msg("heard %.*s, not %s", STR_ARG(line), want);
}

static void
say(struct stream *client, const char *line, const char *want)
{
	assert_int_equal(stream_writef(client, "%s\r\n", line), 0);
	assert_int_equal(stream_flush(client), 0);
	hear(client, want);
}

static void
expect_log(const char *line, bool is_there)
{
	bool found = str_find_str(desk_log(), str_c(line)) >= 0;

	if (found != is_there)
		fail_msg("%s in the log: %s\n%.*s", is_there ? "not" : "is",
		    line, STR_ARG(desk_log()));
}

static void
play(void *arg)
{
	const struct test *t = arg;
	struct stream client;
	char cf[2000];

	snprintf(cf, sizeof(cf), "%s%s", base_cf, t->main_cf);
	desk_open(cf);
	assert_int_equal(
	    stream_init(&client, desk_connect(str_c(t->address))), 0);
	hear(&client, "220 ");
	say(&client, "HELO x.test", "250 ");
	t->fn(&client, LIST_FIRST(&desk_server()->sessions));
	stream_done(&client);
	desk_close();
}

static void
run(const struct test *t)
{
	desk_run(play, (void *)(uintptr_t)t);
}

static void
send_to(struct stream *client, unsigned recipients)
{
	say(client, "MAIL FROM:<a@out.test>", "250 ");
	for (unsigned i = 0; i < recipients; i++)
		say(client, "RCPT TO:<user@example.com>", "250 ");
	say(client, "DATA", "354 ");
	say(client, "x\r\n.", "250 2.0.0 Ok: queued");
}

static bool
is_held(size_t i)
{
	return str_has_suffix(
	    buf_str(&desk_message(i)->envelope), STR("; held"));
}

static bool
is_notice(size_t i)
{
	return str_has_prefix(buf_str(&desk_message(i)->envelope),
	    STR("double-bounce@mail.example.com -> postmaster"));
}

static void
a_thief(struct stream *client, struct session *s)
{
	static const char *const words[] = {
	    " SMTP server: mail of login ann is put on hold",
	    "more than 5 recipients",
	    "unknown[192.0.2.1]",
	};

	s->login.user = STR("ann");
	send_to(client, 3);
	send_to(client, 2);
	assert_int_equal(desk_messages(), 2);
	assert_false(is_held(0) || is_held(1));
	/* The one that goes past it is told of, and no other. */
	send_to(client, 1);
	assert_int_equal(desk_messages(), 4);
	assert_true(is_notice(2) && is_held(3));
	for (size_t i = 0; i < 3; i++)
		assert_true(str_find_str(buf_str(&desk_message(2)->content),
				str_c(words[i])) >= 0);
	expect_log(": hold: END-OF-MESSAGE from unknown[192.0.2.1]: Recipient "
		   "rate limit of login ann exceeded: 6; from=<a@out.test>",
	    true);
	send_to(client, 2);
	assert_int_equal(desk_messages(), 5);
	assert_true(is_held(4));
	/* Somebody else, nobody, and one who may. */
	s->login.user = STR("bob");
	send_to(client, 5);
	s->login.user = STR_NONE;
	send_to(client, 9);
	s->login.user = STR("list");
	send_to(client, 9);
	assert_int_equal(desk_messages(), 8);
	assert_false(is_held(5) || is_held(6) || is_held(7));
}

static void
test_hold(void **state)
{
	static const struct test t = {
	    "smtpd_login_recipient_rate_limit = 5\n"
	    "smtpd_login_rate_limit_exceptions = list, other\n",
	    a_thief, "192.0.2.1"};

	(void)state;
	run(&t);
}

/* A login counts wherever it comes from: also by a web mailer of this host. */
static void
a_thief_at_home(struct stream *client, struct session *s)
{
	s->login.user = STR("ann");
	send_to(client, 6);
	assert_int_equal(desk_messages(), 2);
	assert_true(is_held(1));
}

static void
test_hold_exempt_clients(void **state)
{
	static const struct test t = {"smtpd_login_recipient_rate_limit = 5\n",
	    a_thief_at_home, "10.0.0.1"};

	(void)state;
	run(&t);
}

static void
no_limit(struct stream *client, struct session *s)
{
	s->login.user = STR("ann");
	for (int i = 0; i < 3; i++)
		send_to(client, 100);
	assert_int_equal(desk_messages(), 3);
	assert_false(is_held(2));
}

static void
test_no_limit(void **state)
{
	static const struct test t = {
	    "smtpd_login_recipient_rate_limit = 0\n", no_limit, "192.0.2.1"};

	(void)state;
	run(&t);
}

static void
memo_is_away(struct stream *client, struct session *s)
{
	desk_memo_down(true);
	s->login.user = STR("ann");
	send_to(client, 6);
	assert_int_equal(desk_messages(), 1);
	assert_false(is_held(0));
	assert_true(rate_auth(s));
	assert_true(rate_login(s, STR("ann")));
	rate_auth_failed(s, STR("ann"));
	assert_true(rate_starttls(s) && rate_new_tls(s));
	expect_log("warning: memo does not answer", true);
}

static void
test_away(void **state)
{
	/* No client is counted, so that memo is not asked before. */
	static const struct test t = {
	    "smtpd_client_connection_count_limit = 0\n"
	    "smtpd_login_recipient_rate_limit = 5\n",
	    memo_is_away, "192.0.2.1"};

	(void)state;
	run(&t);
}

static void
auths(struct stream *client, struct session *s)
{
	for (int i = 0; i < 2; i++)
		assert_true(rate_auth(s));
	assert_false(rate_auth(s));
	reply_flush(s);
	hear(client, "450 4.7.1 Error: too many AUTH commands from 192.0.2.1");
	expect_log("warning: AUTH command rate limit exceeded: 3 from "
		   "unknown[192.0.2.1] for service smtp",
	    true);
	assert_int_equal(s->end, SESSION_GOES_ON);
}

static void
test_auths(void **state)
{
	static const struct test t = {
	    "smtpd_client_auth_rate_limit = 2\n", auths, "192.0.2.1"};

	(void)state;
	run(&t);
}

static void
a_guesser(struct stream *client, struct session *s)
{
	for (int i = 0; i < 3; i++) {
		assert_true(rate_auth(s));
		rate_auth_failed(s, STR("ann"));
	}
	assert_false(rate_auth(s));
	reply_flush(s);
	hear(client, "421 4.7.0 mail.example.com Error: too many "
		     "authentication failures from 192.0.2.1");
	expect_log("warning: Authentication failure limit exceeded: 3 from "
		   "unknown[192.0.2.1] for service smtp",
	    true);
	assert_int_equal(s->end, SESSION_REFUSED);
	s->end = SESSION_GOES_ON;
}

static void
test_a_guesser(void **state)
{
	static const struct test t = {
	    "smtpd_client_auth_failure_limit = 3\n", a_guesser, "192.0.2.1"};
	static const struct test all_off = {
	    "smtpd_client_auth_failure_limit = 3\n"
	    "smtpd_client_connection_count_limit = 0\n",
	    a_guesser, "192.0.2.1"};

	(void)state;
	run(&t);
	run(&all_off);
}

static void
a_friend_guesses(struct stream *client, struct session *s)
{
	(void)client;
	for (int i = 0; i < 10; i++) {
		assert_true(rate_auth(s));
		rate_auth_failed(s, STR("ann"));
	}
	assert_true(rate_auth(s));
	assert_true(rate_login(s, STR("ann")));
}

static void
test_exempt(void **state)
{
	static const struct test t = {"smtpd_client_auth_failure_limit = 3\n"
				      "smtpd_client_auth_rate_limit = 2\n"
				      "smtpd_login_auth_failure_limit = 3\n",
	    a_friend_guesses, "10.0.0.1"};

	(void)state;
	run(&t);
}

static void
come_from(struct session *s, const char *address)
{
	assert_int_equal(ip_parse(str_c(address), &s->client.ip), 0);
}

/* What others try does not lock a login out of where it is at home. */
static void
many_guess_one(struct stream *client, struct session *s)
{
	/* SECURITY: what a stranger says that his name is. */
	static const char odd[] = "an\r\nn\0\xff";
	static char huge[5000];
	static const struct str spelt[] = {STR("ann"), STR("ANN"), STR("Ann")};

	come_from(s, "198.51.100.1");
	assert_true(rate_login(s, STR("ann")));
	for (int i = 0; i < 3; i++) {
		come_from(s, "192.0.2.1");
		rate_auth_failed(s, spelt[i]);
	}
	assert_false(rate_login(s, STR("ann")));
	reply_flush(s);
	hear(client, "454 4.7.0 Temporary authentication failure");
	assert_true(rate_login(s, STR("bob")));
	come_from(s, "198.51.100.1");
	assert_true(rate_login(s, STR("ann")));
	come_from(s, "192.0.2.1");
	assert_false(rate_login(s, STR("aNN"))); /* and is no stranger's */
	for (size_t i = 0; i < sizeof(huge); i++)
		huge[i] = '\n';
	for (int i = 0; i < 3; i++) {
		rate_auth_failed(s, str_n(odd, sizeof(odd)));
		rate_auth_failed(s, str_n(huge, sizeof(huge)));
		rate_auth_failed(s, STR_NONE);
	}
	assert_false(rate_login(s, str_n(odd, sizeof(odd))));
	assert_false(rate_login(s, str_n(huge, sizeof(huge))));
	assert_true(rate_login(s, STR("an")));
}

static void
test_login_failures(void **state)
{
	static const struct test t = {"smtpd_login_auth_failure_limit = 3\n"
				      "smtpd_client_auth_failure_limit = 0\n",
	    many_guess_one, "192.0.2.1"};

	(void)state;
	run(&t);
}

static void
handshakes(struct stream *client, struct session *s)
{
	assert_true(rate_starttls(s) && rate_new_tls(s));
	assert_true(rate_starttls(s) && rate_new_tls(s));
	assert_true(rate_starttls(s));
	assert_false(rate_new_tls(s));
	assert_int_equal(s->end, SESSION_REFUSED);
	s->end = SESSION_GOES_ON;
	assert_false(rate_starttls(s));
	assert_int_equal(s->end, SESSION_GOES_ON);
	reply_flush(s);
	hear(client, "421 4.7.0 mail.example.com Error: too many new TLS "
		     "sessions from unknown[192.0.2.1]");
	hear(client, "454 4.7.0 Error: too many new TLS sessions from "
		     "unknown[192.0.2.1]");
	expect_log("warning: New TLS session rate limit exceeded: 3 from "
		   "unknown[192.0.2.1] for service smtp",
	    true);
	expect_log("warning: Refusing STARTTLS request from "
		   "unknown[192.0.2.1] for service smtp",
	    true);
}

static void
test_handshakes(void **state)
{
	static const struct test t = {
	    "smtpd_client_new_tls_session_rate_limit = 2\n", handshakes,
	    "192.0.2.1"};

	(void)state;
	run(&t);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_hold),
    cmocka_unit_test(test_hold_exempt_clients),
    cmocka_unit_test(test_no_limit),
    cmocka_unit_test(test_away),
    cmocka_unit_test(test_auths),
    cmocka_unit_test(test_a_guesser),
    cmocka_unit_test(test_exempt),
    cmocka_unit_test(test_login_failures),
    cmocka_unit_test(test_handshakes),
};
TAP_RUN(tests)
