/* SPDX-License-Identifier: ISC */
#include "conf_help.h"
#include "guard.h"

#include "mail/master_cf.h"

static struct master_cf *
read_text(const char *text, struct remarks *said)
{
	struct str at_guard = guard_copy(str_c(text));
	struct master_cf *m;

	*said = (struct remarks){0};
	m = master_cf_from_text(at_guard, STR("m"), 100, gather, said);
	guard_free(at_guard);
	return m;
}

static void
test_services(void **state)
{
	struct remarks said;
	struct master_cf *m = read_text(
	    "# services\n"
	    "smtp inet n - y - - smtpd\n"
	    "127.0.0.1:2525 inet n - - - 5 smtpd -v\n"
	    "  -o syslog_name=postfix/x -osmtpd_timeout=5\n"
	    "# a comment between\n"
	    "  -o { smtpd_relay_restrictions = permit_mynetworks, reject }\n"
	    "  { -o smtpd_banner = a b }\n"
	    "qmgr unix n - n 300? 1 qmgr\n"
	    "relay unix - - - - 0 smtp -o smtp_fallback_relay=\n",
	    &said);
	const struct master_service *s;

	(void)state;
	assert_string_equal(said.text, "");
	assert_non_null(m);
	/* All but relay and qmgr of what is needed comes by itself. */
	assert_int_equal(master_cf_count(m), 4 + 13);
	s = master_cf_at(m, 0);
	assert_str(s->name, "smtp");
	assert_int_equal(s->processes, 100);
	assert_int_equal(s->nsettings, 0);
	assert_int_equal(s->line, 2);
	assert_int_equal(s->known->users, USER_SMTPD);
	s = master_cf_at(m, 1);
	assert_str(s->name, "127.0.0.1:2525");
	assert_int_equal(s->processes, 5);
	assert_int_equal(s->narguments, 1);
	assert_str(s->arguments[0], "-v");
	assert_int_equal(s->nsettings, 4);
	assert_str(s->settings[0].name, "syslog_name");
	assert_str(s->settings[0].value, "postfix/x");
	assert_str(s->settings[1].name, "smtpd_timeout");
	assert_str(s->settings[1].value, "5");
	assert_str(s->settings[2].value, "permit_mynetworks, reject");
	assert_str(s->settings[3].name, "smtpd_banner");
	assert_str(s->settings[3].value, "a b");
	assert_int_equal(s->settings[3].line, 3);
	assert_str(master_cf_at(m, 2)->columns[3], "300?");
	s = master_cf_find(m, STR("relay"));
	assert_non_null(s);
	assert_int_equal(s->processes, 0);
	assert_str(master_cf_find(m, STR("smtp"))->type, "unix");
	assert_null(master_cf_find(m, STR("127.0.0.1:2525")));
	assert_non_null(master_cf_find(m, STR("mda")));
	assert_int_equal(master_cf_find(m, STR("mda"))->line, 0);
	master_cf_free(&m);
	master_cf_free(&m);
}

static void
test_malformed(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
	    {"smtp inet n - y - smtpd",
		"E 1 there are fewer than 8 columns (name, type, private, "
		"unprivileged, chroot, wakeup, processes, command)\n"},
	    {"smtp", "E 1 there are fewer than 8 columns (name, type, "
		     "private, unprivileged, chroot, wakeup, processes, "
		     "command)\n"},
	    {"smtp tcp n - y - - smtpd",
		"E 1 the type (column 2) must be inet, unix, fifo, "
		"unix-dgram or pass\n"},
	    {"smtp inet x - y - - smtpd",
		"E 1 private (column 3) must be y, n or -\n"},
	    {"smtp inet n x y - - smtpd",
		"E 1 unprivileged (column 4) must be y, n or -\n"},
	    {"smtp inet n - x - - smtpd",
		"E 1 chroot (column 5) must be y, n or -\n"},
	    {"smtp inet n - y soon - smtpd",
		"E 1 wakeup (column 6) must be a number of seconds, perhaps "
		"with a ?, or -\n"},
	    {"smtp inet n - y - many smtpd",
		"E 1 processes (column 7) must be a number or -\n"},
	    {"smtp inet n - y - - /bin/sh",
		"E 1 the command (column 8) must be the name of a program, "
		"without a path\n"},
	    {"smtp inet n - y - - smtpdd",
		"E 1 there is no program smtpdd: did you mean smtpd?\n"},
	    {"smtp inet n - y - - frobnicator",
		"E 1 there is no program frobnicator\n"},
	    {"a inet n - y - - smtpd\na inet n - y - - smtpd",
		"E 2 the service a inet stands already in line 1\n"},
	    {"a inet n - y - - smtpd -o",
		"E 1 nothing stands behind the last -o\n"},
	    {"a inet n - y - - smtpd -o x",
		"E 1 -o x: there is no '=' behind the parameter's name\n"},
	    {"a inet n - y - - smtpd -o { x = y",
		"E 1 there is a { without its }\n"},
	    {" a inet n - y - - smtpd",
		"E 1 this line begins with a blank, but there is no line "
		"before it that it could continue\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct remarks said;
		assert_null(read_text(cases[i].text, &said));
		assert_string_equal(said.text, cases[i].want);
	}
}

/* What Debian's own master.cf has, and the commonest additions. */
static void
test_postfix(void **state)
{
	struct remarks said, quiet;
	struct master_cf *m = read_text(
	    "smtp inet n - y - - smtpd\n"
	    "cleanup unix n - y - 0 cleanup -o hopcount_limit=7\n"
	    "outclean unix n - n - 0 cleanup -o header_size_limit=2000\n"
	    "submission inet n - y - - smtpd\n"
	    " -o cleanup_service_name=outclean\n"
	    " -o smtpd_timeout=9\n"
	    "rewrite unix - - y - - trivial-rewrite -o relayhost=[r]\n"
	    "tlsmgr unix - - y 1000? 1 tlsmgr\n"
	    "virtual unix - n n - - virtual\n"
	    "postlog unix-dgram n - n - 1 postlogd\n"
	    "maildrop unix - n n - - pipe\n"
	    "  flags=DRXhu user=vmail argv=/usr/bin/maildrop -d ${recipient}\n",
	    &said);
	struct conf *c = conf_of("", &quiet), *over;

	(void)state;
	assert_string_equal(said.text, "");
	assert_non_null(m);
	over = master_cf_conf(m, master_cf_at(m, 0), c, gather, &said);
	assert_non_null(over);
	assert_int_equal(conf_int(over, PARAM_header_size_limit), 102400);
	assert_int_equal(conf_int(over, PARAM_hopcount_limit), 50);
	assert_int_equal(conf_int(conf_cleanup(over), PARAM_hopcount_limit), 7);
	assert_str(conf_str(over, PARAM_relayhost), "[r]");
	assert_str(conf_str(over, PARAM_service_name), "smtp");
	conf_free(&over);
	over = master_cf_conf(m, master_cf_at(m, 3), c, gather, &said);
	assert_non_null(over);
	/* Of the message, and not of whom smtpd lets in. */
	assert_int_equal(conf_int(over, PARAM_header_size_limit), 102400);
	assert_int_equal(
	    conf_int(conf_cleanup(over), PARAM_header_size_limit), 2000);
	assert_int_equal(
	    conf_int(conf_cleanup(over), PARAM_hopcount_limit), 50);
	assert_true(conf_time(conf_cleanup(over), PARAM_smtpd_timeout) ==
		    9 * INT64_C(1000000000));
	assert_true(
	    conf_time(over, PARAM_smtpd_timeout) == 9 * INT64_C(1000000000));
	conf_free(&over);

	assert_true(master_cf_check(m, c, gather, &said));
	assert_non_null(strstr(said.text, "N 2 cleanup cleanup: smtpd, "));
	assert_non_null(strstr(said.text, "W 11 maildrop pipe: pipe does not "
					  "work yet"));
	assert_null(strstr(said.text, "flags="));
	master_cf_free(&m);
	conf_free(&c);
}

static void
test_settings(void **state)
{
	static const struct {
		const char *set, *want;
	} cases[] = {
	    {"smtpd_timeout=5", ""},
	    {"smtpd_timeout=x",
		"E 1 smtpd_timeout: \"x\" must be a number and one of s, m, h, "
		"d, w: \"30s\"\n"},
	    {"smtpd_helo_requierd=yes",
		"E 1 a: -o smtpd_helo_requierd: unknown parameter: did you "
		"mean smtpd_helo_required?\n"},
	    {"smtpd_client_restrictions=rejekt",
		"E 1 smtpd_client_restrictions: unknown restriction "
		"\"rejekt\": did you mean reject?\n"},
	    {"smtpd_relay_restrictions=permit",
		"E 1 smtpd_relay_restrictions or "
		"smtpd_recipient_restrictions must hold "
		"reject_unauth_destination or defer_unauth_destination (or "
		"reject, defer), else anyone could send to anywhere\n"},
	    {"smtpd_upstream_proxy_protocol=haproxy",
		"W 1 smtpd_upstream_proxy_protocol has no effect: the PROXY "
		"protocol does not work yet: let clients connect to smtpd "
		"itself\n"},
	    {"content_filter=", ""},
	};
	struct remarks none;
	struct conf *away = conf_of("default_transport = uucp:host\n"
				    "virtual_transport = error:no",
	    &none);
	struct master_cf *plain = read_text("a inet n - y - - smtpd\n", &none);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct remarks said, quiet;
		struct conf *c = conf_of("", &quiet);
		char text[256];
		(void)snprintf(text, sizeof(text),
		    "a inet n - y - - smtpd -o %s\n", cases[i].set);
		struct master_cf *m = read_text(text, &said);
		assert_non_null(m);
		bool ok = master_cf_check(m, c, gather, &said);
		assert_string_equal(said.text, cases[i].want);
		assert_int_equal(ok, said.errors == 0);
		master_cf_free(&m);
		conf_free(&c);
	}
	assert_true(master_cf_check(plain, away, gather, &none));
	assert_string_equal(none.text,
	    "W 1 default_transport: there is no service uucp in master.cf: "
	    "mail for it waits\n");
	master_cf_free(&plain);
	conf_free(&away);
}

/* Names of main.cf that only master.cf uses, and those nobody does. */
static void
test_references(void **state)
{
	struct remarks said = {0};
	struct str master =
	    STR("a inet n - y - - smtpd -o relayhost=$mua_relay\n"
		"bulk unix - - - - - smtp\n");
	struct conf *c = conf_from_text("/x",
	    STR("myhostname = a.example\nmua_relay = [x]\n"
		"bulk_destination_recipient_limit = 2\n"
		"bluk_destination_recipient_limit = 2\n"),
	    master, gather, &said);

	(void)state;
	assert_non_null(c);
	assert_string_equal(said.text,
	    "W 4 bluk_destination_recipient_limit: there is no service bluk "
	    "in master.cf\n");
	conf_free(&c);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_services),
    cmocka_unit_test(test_malformed),
    cmocka_unit_test(test_postfix),
    cmocka_unit_test(test_settings),
    cmocka_unit_test(test_references),
};
TAP_RUN(tests)
