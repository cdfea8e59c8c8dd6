/* SPDX-License-Identifier: ISC */
#include "conf_help.h"

#include "base/clock.h"

#include <errno.h>
#include <unistd.h>

static void
test_defaults(void **state)
{
	struct remarks said;
	struct conf *c = conf_of("", &said);

	(void)state;
	assert_non_null(c);
	assert_string_equal(said.text, "");
	assert_str(conf_str(c, PARAM_myhostname), "mail.example.com");
	assert_str(conf_str(c, PARAM_mydomain), "example.com");
	assert_str(conf_str(c, PARAM_myorigin), "mail.example.com");
	assert_str(conf_str(c, PARAM_mydestination),
	    "mail.example.com, localhost.example.com, localhost");
	assert_str(conf_str(c, PARAM_mynetworks),
	    "127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128");
	assert_str(
	    conf_str(c, PARAM_smtpd_banner), "mail.example.com ESMTP Valija");
	assert_str(conf_str(c, PARAM_relay_domains), "");
	assert_str(conf_str(c, PARAM_config_directory), "/nonexistent");
	assert_str(conf_str(c, PARAM_syslog_name), "postfix");
	assert_false(conf_bool(c, PARAM_append_dot_mydomain));
	assert_true(conf_bool(c, PARAM_append_at_myorigin));
	assert_int_equal(conf_int(c, PARAM_message_size_limit), 10240000);
	assert_int_equal(conf_int(c, PARAM_queue_journal_size), 1 << 30);
	assert_int_equal(conf_time(c, PARAM_smtpd_timeout), 300 * CLOCK_SEC);
	assert_int_equal(
	    conf_time(c, PARAM_maximal_queue_lifetime), 5 * 86400 * CLOCK_SEC);
	assert_true(conf_check(c, gather, &said));
	assert_string_equal(said.text, "");
	conf_free(&c);
	assert_null(c);
	conf_free(&c);
}

#define FEEDBACK "\"0.5\", \"1/4\", \"1/concurrency\", \"1/sqrt_concurrency\""

static void
test_values(void **state)
{
	/* error NULL: taken; else the remark, without its "E LINE name: ". */
	static const struct {
		const char *line, *error;
	} cases[] = {
	    {"smtpd_helo_required = yes", NULL},
	    {"smtpd_helo_required = NO", NULL},
	    {"smtpd_helo_required = maybe", "\"maybe\" must be yes or no"},
	    {"smtpd_helo_required =", "\"\" must be yes or no"},
	    {"hopcount_limit = 1", NULL},
	    {"hopcount_limit = 0", "\"0\" must be from 1 to 1000"},
	    {"hopcount_limit = 1001", "\"1001\" must be from 1 to 1000"},
	    {"default_destination_concurrency_negative_feedback = 2",
		"\"2\" must be a number from 0 to 1: " FEEDBACK},
	    {"slow_destination_concurrency_positive_feedback = 1/x",
		"\"1/x\" must be a number from 0 to 1: " FEEDBACK},
	    {"hopcount_limit = -1", "\"-1\" must be a number, of digits only"},
	    {"hopcount_limit = 5x", "\"5x\" must be a number, of digits only"},
	    {"hopcount_limit = 99999999999999999999",
		"\"99999999999999999999\" must be from 1 to 1000"},
	    {"hopcount_limit = 1k", "\"1k\" must be a number, of digits only"},
	    {"queue_journal_size = 64M", NULL},
	    {"queue_journal_size = 1g", NULL},
	    {"queue_journal_size = 65536k", NULL},
	    {"queue_journal_size = 63M",
		"\"63M\" must be from 67108864 to 9223372036854775807"},
	    {"queue_journal_size = 9999999999G",
		"\"9999999999G\" must be from 67108864 to "
		"9223372036854775807"},
	    {"queue_journal_size = M",
		"\"M\" must be a number of bytes: \"10240000\", \"64M\""},
	    {"queue_journal_size = 1T",
		"\"1T\" must be a number of bytes: \"10240000\", \"64M\""},
	    {"smtpd_timeout = 30", NULL},
	    {"smtpd_timeout = 30s", NULL},
	    {"smtpd_timeout = 1h", NULL},
	    {"smtpd_timeout = 1H", NULL},
	    {"smtpd_timeout = 0", "\"0\" must be from 1s to 86400s"},
	    {"smtpd_timeout = 2d", "\"2d\" must be from 1s to 86400s"},
	    {"smtpd_timeout = 30y",
		"\"30y\" must be a number and one of s, m, h, d, w: \"30s\""},
	    {"smtpd_timeout = s",
		"\"s\" must be a number and one of s, m, h, d, w: \"30s\""},
	    {"smtpd_timeout =",
		"\"\" must be a number and one of s, m, h, d, w: \"30s\""},
	    {"smtp_address_preference = ipv6", NULL},
	    {"smtp_address_preference = ipv5",
		"\"ipv5\" must be one of any | ipv4 | ipv6"},
	    {"smtpd_banner =", "\"\" must not be empty"},
	    {"mydestination = a, { b", "\"a, { b\" has a { without its }, or "
				       "a } without its {"},
	    {"mydomain = a b", "\"a b\" is not a host or domain name"},
	    {"relayhost = ${x", "a ${ without its }"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct remarks said;
		struct conf *c = conf_of(cases[i].line, &said);
		if (cases[i].error == NULL) {
			assert_non_null(c);
			assert_string_equal(said.text, "");
		} else {
			char want[512];
			(void)snprintf(want, sizeof(want), "E 1 %.*s: %s\n",
			    (int)strcspn(cases[i].line, " "), cases[i].line,
			    cases[i].error);
			assert_null(c);
			assert_string_equal(said.text, want);
		}
		conf_free(&c);
	}
}

static void
test_units(void **state)
{
	struct remarks said;
	struct conf *c = conf_of("maximal_queue_lifetime = 2\n"
				 "bounce_queue_lifetime = 4\n"
				 "smtpd_timeout = 7\n"
				 "minimal_backoff_time = 2m\n",
	    &said);

	(void)state;
	assert_non_null(c);
	assert_int_equal(
	    conf_time(c, PARAM_maximal_queue_lifetime), 2 * 86400 * CLOCK_SEC);
	assert_int_equal(
	    conf_time(c, PARAM_bounce_queue_lifetime), 4 * 86400 * CLOCK_SEC);
	assert_int_equal(conf_time(c, PARAM_smtpd_timeout), 7 * CLOCK_SEC);
	assert_int_equal(
	    conf_time(c, PARAM_minimal_backoff_time), 120 * CLOCK_SEC);
	conf_free(&c);
}

static void
test_remarks(void **state)
{
	static const struct {
		const char *text, *want;
		bool refused;
	} cases[] = {
	    {"relayhost = a\n\nrelayhost = b",
		"W 3 relayhost was already set in line 1; this line counts\n",
		false},
	    {"relayhots = a",
		"E 1 relayhots: unknown parameter: did you mean relayhost?\n",
		true},
	    {"# x\nfrobnicate_widgets = a",
		"W 2 frobnicate_widgets: unknown parameter, to which no other "
		"value refers\n",
		false},
	    {"mine = a.example\nrelay_domains = $mine", "", false},
	    {"ours = permit\nsmtpd_restriction_classes = ours", "", false},
	    {"  a = b",
		"E 1 this line begins with a blank, but there is no "
		"line before it that it could continue\n",
		true},
	    {"relayhost a",
		"E 1 there is no '=' behind the parameter's name: \"relayhost "
		"a\"\n",
		true},
	    {"relayhost = a # no",
		"W 1 relayhost: text behind a value is part of it, also behind "
		"a #: a comment needs a line of its own\n",
		false},
	    {"myorigin = /nonexistent/mailname",
		"E 1 myorigin: /nonexistent/mailname: No such file or "
		"directory\n",
		true},
	    {"myorigin = /dev/null",
		"E 1 myorigin: /dev/null: it is not a file\n", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct remarks said;
		struct conf *c = conf_of(cases[i].text, &said);
		assert_string_equal(said.text, cases[i].want);
		assert_int_equal(c == NULL, cases[i].refused);
		conf_free(&c);
	}
}

static void
test_check(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
	    {"smtpd_recipient_restrictions = permit_mynetworks, "
	     "reject_unauth_destinations",
		"E 1 smtpd_recipient_restrictions: unknown restriction "
		"\"reject_unauth_destinations\": did you mean "
		"reject_unauth_destination?\n"},
	    {"smtpd_sender_restrictions = frobnicate",
		"E 1 smtpd_sender_restrictions: unknown restriction "
		"\"frobnicate\"\n"},
	    {"smtpd_sender_restrictions = check_sender_access",
		"E 1 smtpd_sender_restrictions: nothing stands behind "
		"check_sender_access\n"},
	    {"smtpd_sender_restrictions = check_sender_access permit",
		"E 1 smtpd_sender_restrictions: behind check_sender_access "
		"must stand a table, type:name, not \"permit\"\n"},
	    {"smtpd_sender_restrictions = check_sender_access hsah:/x",
		"E 1 smtpd_sender_restrictions: there is no table type "
		"\"hsah\" (in hsah:/x): postconf -m lists those there are\n"},
	    {"smtpd_sender_restrictions = check_sender_access proxy:hash:/x",
		""},
	    {"smtpd_restriction_classes = ours\nours = permit_mynetwork",
		"E 2 ours: unknown restriction \"permit_mynetwork\": did you "
		"mean permit_mynetworks?\n"},
	    {"smtpd_restriction_classes = ours",
		"E 1 smtpd_restriction_classes: nothing says what ours is\n"},
	    {"smtpd_relay_restrictions = permit_mynetworks",
		"E 1 smtpd_relay_restrictions or smtpd_recipient_restrictions "
		"must hold reject_unauth_destination or "
		"defer_unauth_destination (or reject, defer), else anyone "
		"could send to anywhere\n"},
	    {"smtpd_relay_restrictions =\nsmtpd_recipient_restrictions = "
	     "reject_unauth_destination",
		""},
	    {"smtpd_restriction_classes = ours\nours = reject\n"
	     "smtpd_relay_restrictions = permit_mynetworks, ours",
		""},
	    {"alias_maps = nis:mail.aliases",
		"E 1 alias_maps: there is no table type \"nis\" (in "
		"nis:mail.aliases): postconf -m lists those there are\n"},
	    {"mynetworks = 127.0.0.0/8, !10.0.0.1, [::1]/128, cidr:/x, /y", ""},
	    {"mynetworks = 10.0.0.1/8",
		"E 1 mynetworks: 10.0.0.1/8 has bits set behind its prefix: "
		"is 10.0.0.0/8 meant?\n"},
	    {"mynetworks = localhost",
		"E 1 mynetworks: localhost is not a network (10.0.0.0/8, "
		"[fd00::]/8), a table or a file\n"},
	    {"inet_protocols = ipv4, ipv5",
		"E 1 inet_protocols: \"ipv5\" is not a word for it: the "
		"first of them is all\n"},
	    {"receive_override_options = no_milters, no_adress_mappings",
		"E 1 receive_override_options: \"no_adress_mappings\" is "
		"not a word for it: the first of them is "
		"no_address_mappings\n"},
	    {"smtpd_tls_protocols = !SSLv2, !SSLv3", ""},
	    {"smtpd_tls_protocols = TLSv1.1",
		"E 1 smtpd_tls_protocols: \"TLSv1.1\" leaves no protocol: "
		"there are TLSv1.2 and TLSv1.3\n"},
	    {"smtpd_tls_mandatory_protocols = >TLSv1.2",
		"E 1 smtpd_tls_mandatory_protocols: \">TLSv1.2\" is no "
		"protocol: TLSv1.2 and TLSv1.3 are, with >=, <= or ! in "
		"front\n"},
	    {"smtpd_tls_exclude_ciphers = aNULL, !MD5",
		"E 1 smtpd_tls_exclude_ciphers: \"!MD5\": a cipher to exclude "
		"has no sign in front\n"},
	    {"smtpd_tls_CAfile = ca.pem",
		"E 1 smtpd_tls_CAfile: \"ca.pem\" must begin with a '/'\n"},
	    {"smtpd_tls_fingerprint_digest = sha255",
		"E 1 smtpd_tls_fingerprint_digest: \"sha255\" is no digest "
		"that is known: sha256 is\n"},
	    {"queue_directory = spool",
		"E 1 queue_directory: \"spool\" must begin with a '/'\n"},
	    {"maillog_file =", ""},
	    {"syslog_facility = post",
		"E 1 syslog_facility: \"post\" is not a facility of "
		"syslog(3)\n"},
	    {"mydestination = a.test, b.test\n"
	     "virtual_mailbox_domains = x.test, hash:/b.test, A.test\n"
	     "virtual_alias_domains = y.test",
		"W 2 virtual_mailbox_domains: A.test stands in mydestination "
		"too, which counts: name it in one of them\n"},
	    {"relay_domains = $mydestination", ""},
	    {"soft_bounce = no", ""},
	    {"biff = no", "N 1 biff has no effect: no comsat notices are "
			  "sent; use a mail reader that watches the "
			  "mailbox\n"},
	    {"notify_classes = bounce, 2bounce", ""},
	    {"notify_classes = bounce, everything",
		"E 1 notify_classes: everything is none of bounce, 2bounce, "
		"data, delay, policy, protocol, resource, software\n"},
	    {"soft_bounce = yes",
		"W 1 soft_bounce has no effect: use defer_transports or a "
		"longer maximal_queue_lifetime to keep mail; refusals are "
		"what the tables say\n"},
	    {"x_time_limit = 30", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct remarks said;
		struct conf *c = conf_of(cases[i].text, &said);
		if (c == NULL)
			fail_msg("%s: %s", cases[i].text, said.text);
		bool ok = conf_check(c, gather, &said);
		assert_string_equal(said.text, cases[i].want);
		assert_int_equal(ok, said.errors == 0);
		conf_free(&c);
	}
}

static void
test_names(void **state)
{
	struct remarks said;
	struct str value, file;
	unsigned line;
	struct conf *c = conf_of("relay_destination_recipient_limit = 7\n"
				 "lmtp_destination_recipient_limit = $own\n"
				 "own = 1\n"
				 "relay_destination_concurrency_positive_"
				 "feedback = $own / concurrency\n"
				 "mailbox_command = /bin/x \"$EXTENSION\"\n",
	    &said);

	(void)state;
	assert_non_null(c);
	assert_int_equal(conf_transport(c, STR("relay"),
			     PARAM_default_destination_recipient_limit),
	    7);
	assert_int_equal(conf_transport(c, STR("lmtp"),
			     PARAM_default_destination_recipient_limit),
	    1);
	assert_int_equal(conf_transport(c, STR("local"),
			     PARAM_default_destination_recipient_limit),
	    1);
	assert_int_equal(conf_transport(c, STR("local"),
			     PARAM_default_destination_concurrency_limit),
	    2);
	assert_int_equal(conf_transport(c, STR("smtp"),
			     PARAM_default_destination_recipient_limit),
	    50);
	assert_int_equal(conf_transport(c, STR("smtp"),
			     PARAM_initial_destination_concurrency),
	    5);
	assert_str(conf_transport_str(c, STR("relay"),
		       PARAM_default_destination_concurrency_positive_feedback),
	    "1 / concurrency");
	assert_str(conf_transport_str(c, STR("smtp"),
		       PARAM_default_destination_concurrency_positive_feedback),
	    "1");
	assert_true(conf_by_name(c, STR("own"), &value));
	assert_str(value, "1");
	assert_true(
	    conf_by_name(c, STR("lmtp_destination_recipient_limit"), &value));
	assert_str(value, "1");
	assert_false(conf_by_name(c, STR("relayhost"), &value));
	assert_str(
	    conf_raw(c, STR("lmtp_destination_recipient_limit")), "$own");
	assert_str(conf_raw(c, STR("myorigin")), "$myhostname");
	assert_str(conf_raw(c, STR("nobody")), "");
	assert_str(conf_str(c, PARAM_mailbox_command), "/bin/x \"$EXTENSION\"");
	assert_true(conf_where(c, STR("own"), &file, &line));
	assert_str(file, "/nonexistent/main.cf");
	assert_int_equal(line, 3);
	assert_false(conf_where(c, STR("relayhost"), &file, &line));
	conf_free(&c);
}

static void
test_host(void **state)
{
	struct remarks said = {0};
	struct conf *c = conf_from_text(
	    "/x", STR("myhostname = one\n"), STR_NONE, gather, &said);

	(void)state;
	assert_non_null(c);
	assert_str(conf_str(c, PARAM_myhostname), "one");
	assert_str(conf_str(c, PARAM_mydomain), "localdomain");
	conf_free(&c);
	c = conf_from_text(
	    "/x", STR("mydomain = two.example\n"), STR_NONE, gather, &said);
	assert_non_null(c);
	assert_str(conf_str(c, PARAM_mydomain), "two.example");
	assert_true(str_has_char(conf_str(c, PARAM_myhostname), '.'));
	conf_free(&c);
	assert_string_equal(said.text, "");
}

static void
test_overlay(void **state)
{
	struct remarks said;
	struct conf *c = conf_of("class = reject\nrelayhost = a\n", &said);
	struct conf_setting s[] = {
	    {.name = STR("smtpd_client_restrictions"), .value = STR("$class")},
	    {.name = STR("relayhost"), .value = STR("b")},
	};

	(void)state;
	assert_non_null(c);
	said.text[0] = '\0'; /* that nothing refers to "class" */
	struct conf *over = conf_overlay(c, s, 2, gather, &said);
	assert_non_null(over);
	assert_str(conf_str(over, PARAM_smtpd_client_restrictions), "reject");
	assert_str(conf_str(over, PARAM_relayhost), "b");
	assert_str(conf_str(over, PARAM_myhostname), "mail.example.com");
	assert_str(conf_str(c, PARAM_relayhost), "a");
	conf_free(&over);
	assert_null(conf_override(c, STR("smtpd_timeout"), STR("x")));
	over = conf_override(c, STR("smtpd_timeout"), STR("5"));
	assert_int_equal(conf_time(over, PARAM_smtpd_timeout), 5 * CLOCK_SEC);
	conf_free(&over);
	conf_free(&c);
	assert_string_equal(said.text, "");
}

static void
test_wire(void **state)
{
	char path[] = "/tmp/test_conf.XXXXXX";
	int fd = mkstemp(path);
	struct remarks said;
	char text[256];
	struct buf b;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "origin.example\nmore\n", 20), 20);
	(void)snprintf(text, sizeof(text),
	    "own = a, b\nmyorigin = %s\nmydestination = $own\n", path);
	struct conf *c = conf_of(text, &said);
	assert_non_null(c);
	assert_str(conf_str(c, PARAM_myorigin), "origin.example");
	(void)close(fd);
	(void)unlink(path);

	/* The file is gone; what it said travels. */
	buf_init(&b, 1 << 20);
	assert_int_equal(conf_encode(c, &b), 0);
	struct conf *d = conf_decode(buf_str(&b));
	assert_non_null(d);
	for (unsigned i = 0; i < PARAM_COUNT; i++)
		if (param_works((enum param)i))
			assert_true(str_eq(conf_str(c, (enum param)i),
			    conf_str(d, (enum param)i)));
	struct conf *over = conf_override(d, STR("relayhost"), STR("x"));
	assert_str(conf_str(over, PARAM_myorigin), "origin.example");
	conf_free(&over);
	conf_free(&d);

	/* Any cut, and any changed byte, is refused or harmless. */
	for (size_t n = 0; n < b.len; n++)
		assert_null(conf_decode(str_n(b.p, n)));
	for (size_t i = 0; i < b.len; i++) {
		b.p[i] = (char)(b.p[i] ^ 1);
		d = conf_decode(buf_str(&b));
		conf_free(&d);
		b.p[i] = (char)(b.p[i] ^ 1);
	}
	buf_done(&b);
	conf_free(&c);
}

static void
add_table(void *arg, struct str table)
{
	struct buf *b = arg;

	(void)buf_addf(b, "%.*s ", STR_ARG(table));
}

static void
test_tables(void **state)
{
	struct remarks said;
	struct buf b;
	struct conf *c = conf_of("mydestination = /etc/dests, one.example\n"
				 "mynetworks = !10.0.0.1, !/etc/bad, cidr:/n\n"
				 "virtual_alias_maps = hash:/v, {regexp:/r}\n"
				 "smtpd_restriction_classes = ours\n"
				 "ours = check_client_access hash:/c\n"
				 "local_recipient_maps =\n"
				 "smtpd_client_restrictions = ours\n",
	    &said);

	(void)state;
	assert_non_null(c);
	buf_init(&b, 4096);
	conf_each_table(c, USER_SMTPD, add_table, &b);
	assert_non_null(strstr(b.p, "/etc/dests "));
	assert_non_null(strstr(b.p, "/etc/bad "));
	assert_non_null(strstr(b.p, "cidr:/n "));
	assert_non_null(strstr(b.p, "hash:/v regexp:/r "));
	assert_non_null(strstr(b.p, "hash:/c "));
	assert_null(strstr(b.p, "one.example"));
	buf_reset(&b);
	conf_each_table(c, USER_DNS, add_table, &b);
	assert_null(strstr(b.p, "hash:"));
	buf_done(&b);
	conf_free(&c);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_defaults),
    cmocka_unit_test(test_values),
    cmocka_unit_test(test_units),
    cmocka_unit_test(test_remarks),
    cmocka_unit_test(test_check),
    cmocka_unit_test(test_names),
    cmocka_unit_test(test_host),
    cmocka_unit_test(test_overlay),
    cmocka_unit_test(test_wire),
    cmocka_unit_test(test_tables),
};
TAP_RUN(tests)
