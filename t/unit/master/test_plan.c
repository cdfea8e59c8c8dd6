/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "plan.h"

#include "mail/proto/keys.h"

#include <string.h>

/* What was said against the configuration. */
static unsigned errors;

static void
count_errors(void *arg, const struct conf_remark *r)
{
	(void)arg;
	errors += r->severity == CONF_ERROR;
}

static struct plan *
make(const char *main_cf, const char *master_cf)
{
	struct conf *c = conf_from_text(
	    "/nowhere", str_c(main_cf), str_c(master_cf), count_errors, NULL);
	struct master_cf *m = master_cf_from_text(
	    str_c(master_cf), STR("master.cf"), 100, count_errors, NULL);
	struct plan *p;

	errors = 0;
	assert_non_null(c);
	assert_non_null(m);
	p = plan_make(c, m, count_errors, NULL);
	master_cf_free(&m);
	return p;
}

static size_t
count(const struct plan *p)
{
	const struct service *s;
	size_t n = 0;

	TAILQ_FOREACH (s, &p->services, next)
		n++;
	return n;
}

static const struct service *
find_inet(const struct plan *p, const char *name)
{
	struct service like = {.name = str_c(name), .is_inet = true};

	return plan_find_like(p, &like);
}

static bool
has_file(const struct service *s, const char *path)
{
	for (size_t i = 0; i < s->nfiles; i++)
		if (str_eq(s->files[i].path, str_c(path)))
			return true;
	return false;
}

static void
the_fixed_ones_are_always_there(void **state)
{
	static const char *const names[] = {"qmgr", "dns", "lookup", "local",
	    "mda", "bounce", "pickup", "smtp", "relay", "lmtp", "keys", "auth",
	    "pam", "memo"};
	struct plan *p = make("", "");

	(void)state;
	assert_non_null(p);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_non_null(plan_find(p, str_c(names[i])));
	assert_int_equal(count(p), sizeof(names) / sizeof(names[0]));
	plan_unref(&p);
	assert_null(p);
}

static void
an_inet_line_is_a_service_of_its_own(void **state)
{
	struct plan *p =
	    make("smtpd_banner = a\n", "smtp inet n - y - - smtpd\n"
				       "[::1]:587 inet n - y - - smtpd\n"
				       "  -o smtpd_banner=b\n"
				       "  -o syslog_name=postfix/submission\n");
	const struct service *smtp, *submission;
	struct conf *c;

	(void)state;
	smtp = find_inet(p, "smtp");
	submission = find_inet(p, "[::1]:587");
	assert_non_null(smtp);
	assert_non_null(submission);
	assert_string_equal(smtp->program->name, "smtpd");
	c = conf_decode(smtp->config);
	assert_non_null(c);
	assert_str(conf_str(c, PARAM_smtpd_banner), "a");
	conf_free(&c);
	c = conf_decode(submission->config);
	assert_non_null(c);
	assert_str(conf_str(c, PARAM_smtpd_banner), "b");
	assert_str(submission->syslog_name, "postfix/submission");
	assert_str(smtp->syslog_name, "postfix");
	conf_free(&c);
	plan_unref(&p);
}

/* SECURITY: a program reaches what its own configuration names. */
static void
endpoints_are_those_of_a_service(void **state)
{
	struct plan *p = make("smtpd_restriction_classes = grey\n"
			      "grey = check_policy_service unix:private/x\n",
	    "smtp inet n - y - - smtpd\n"
	    "a:587 inet n - y - - smtpd\n"
	    "  -o { smtpd_client_restrictions = check_policy_service "
	    "{ inet:h:1, timeout=3s }, permit }\n");
	const struct service *smtp = find_inet(p, "smtp");
	const struct service *other = find_inet(p, "a:587");

	(void)state;
	assert_int_equal(smtp->nendpoints, 1);
	assert_str(smtp->endpoints[0], "unix:private/x");
	assert_int_equal(other->nendpoints, 2);
	assert_str(other->endpoints[0], "inet:h:1");
	assert_int_equal(plan_find(p, STR("qmgr"))->nendpoints, 0);
	plan_unref(&p);
}

static void
a_limit_is_what_somebody_wrote(void **state)
{
	static const char lines[] = "a inet n - y - - smtpd\n"
				    "b inet n - y - 7 smtpd\n"
				    "c inet n - y - 0 smtpd\n";
	struct plan *p = make("", lines);
	struct plan *q = make("default_process_limit = 100\n", lines);

	(void)state;
	assert_int_equal(find_inet(p, "a")->limit, 0);
	assert_int_equal(find_inet(p, "b")->limit, 7);
	assert_int_equal(find_inet(p, "c")->limit, 0);
	assert_int_equal(find_inet(q, "a")->limit, 100);
	assert_int_equal(find_inet(q, "b")->limit, 7);
	plan_unref(&p);
	plan_unref(&q);
}

/* What qmgr is told of the transports that it drives. */
static void
limits_reach_qmgr(void **state)
{
	static const char lines[] = "smtp unix - - y - 7 smtp\n"
				    "slow unix - - y - 2 smtp\n"
				    "fast unix - - y - 0 smtp\n"
				    "relay unix - - y - - smtp\n";
	static const struct {
		const char *name, *bare, *said;
	} want[] = {{"smtp_process_limit", "7", "7"},
	    {"slow_process_limit", "2", "2"}, {"fast_process_limit", "", ""},
	    {"relay_process_limit", "", "100"},
	    {"local_process_limit", "", "100"}};
	struct plan *plans[] = {
	    make("", lines), make("default_process_limit = 100\n", lines)};
	struct str value;
	struct conf *c;

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		c = conf_decode(plan_find(plans[k], STR("qmgr"))->config);
		assert_non_null(c);
		for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
			value = STR_NONE;
			conf_by_name(c, str_c(want[i].name), &value);
			assert_str(value, k == 0 ? want[i].bare : want[i].said);
		}
		conf_free(&c);
		c = conf_decode(plan_find(plans[k], STR("smtp"))->config);
		assert_false(
		    conf_by_name(c, STR("smtp_process_limit"), &value));
		conf_free(&c);
		plan_unref(&plans[k]);
	}
}

/* The unix transport and the port have the same name in every master.cf. */
static void
nobody_links_to_a_port(void **state)
{
	struct plan *p = make("", "smtp inet n - y - - smtpd\n"
				  "smtp unix - - y - - smtp\n");
	const struct service *s = plan_find(p, STR("smtp"));

	(void)state;
	assert_string_equal(s->program->name, "smtp");
	assert_false(s->is_inet);
	assert_null(plan_find(p, STR("smtpd")));
	plan_unref(&p);
}

static void
transports_have_their_settings(void **state)
{
	struct plan *p =
	    make("", "slow unix - - y - 1 smtp -o smtp_connect_timeout=7\n"
		     "relay unix - - y - - error\n");
	const struct service *s = plan_find(p, STR("slow"));
	struct conf *c;

	(void)state;
	assert_non_null(s);
	assert_true(s->program->is_on_demand);
	c = conf_decode(s->config);
	assert_int_equal(
	    conf_time(c, PARAM_smtp_connect_timeout) / 1000000000, 7);
	conf_free(&c);
	/* qmgr does what error does: there is nothing to start. */
	assert_null(plan_find(p, STR("relay")));
	plan_unref(&p);
}

static void
virtual_is_done_by_local(void **state)
{
	struct plan *p = make("", "virtual unix - n n - - virtual\n");

	(void)state;
	assert_ptr_equal(
	    plan_find(p, STR("virtual")), plan_find(p, STR("local")));
	assert_string_equal(
	    plan_find(p, STR("virtual"))->program->name, "local");
	plan_unref(&p);
}

static void
postfix_services_without_a_program_are_accepted(void **state)
{
	struct plan *p = make("", "cleanup unix n - y - 0 cleanup\n"
				  "qmgr unix n - n 300 1 qmgr\n"
				  "tlsmgr unix - - y 1000? 1 tlsmgr\n"
				  "rewrite unix - - y - - trivial-rewrite\n"
				  "bounce unix - - y - 0 bounce\n"
				  "defer unix - - y - 0 bounce\n"
				  "showq unix n - y - - showq\n"
				  "anvil unix - - y - 1 anvil\n"
				  "postlog unix-dgram n - n - 1 postlogd\n");

	(void)state;
	assert_non_null(p);
	assert_int_equal(errors, 0);
	assert_int_equal(count(p), 14);
	plan_unref(&p);
}

static void
tables_go_to_those_who_use_them(void **state)
{
	struct plan *p = make("alias_maps = hash:/etc/a\n"
			      "transport_maps = texthash:/etc/t\n"
			      "mydestination = /etc/names\n",
	    "smtp inet n - y - - smtpd\n");

	(void)state;
	assert_true(has_file(plan_find(p, STR("local")), "/etc/a.cdb"));
	assert_true(has_file(plan_find(p, STR("qmgr")), "/etc/t"));
	assert_true(has_file(find_inet(p, "smtp"), "/etc/names"));
	assert_false(has_file(plan_find(p, STR("mda")), "/etc/a.cdb"));
	assert_true(has_file(plan_find(p, STR("dns")), "/etc/resolv.conf"));
	assert_false(has_file(plan_find(p, STR("smtp")), "/etc/a.cdb"));
	plan_unref(&p);
}

static const struct keys_service *
find_row(const struct keys_config *c, const char *client)
{
	const struct keys_service *row = c->services.p;

	for (size_t i = 0; i < c->services.n; i++)
		if (str_eq(row[i].client, str_c(client)))
			return &row[i];
	return NULL;
}

static void
check_source(const struct keys_service *row, size_t i, const char *file,
    const char *key_file)
{
	const struct keys_source *source = row->sources.p;
	const struct keys_file *f;

	assert_true(i < row->sources.n);
	f = source[i].files.p;
	assert_str(f->path, file);
	assert_str(source[i].key_file, key_file);
}

/* Each service has the keys that its own settings name; keys alone is handed
 * the files, and no other program. */
static void
keys_go_to_keys_alone(void **state)
{
	struct plan *p =
	    make("smtpd_tls_cert_file = /etc/c\n"
		 "smtpd_tls_eckey_file = /etc/ek\n"
		 "smtp_tls_chain_files = /etc/out1, /etc/out2\n"
		 "lmtp_tls_cert_file = /etc/l\n"
		 "lmtp_tls_key_file = /etc/lk\n"
		 "tls_server_sni_maps = hash:/etc/names "
		 "inline:{ {a.test = /etc/ak /etc/ac} {b.test = QUJD} }\n",
		"smtp inet n - y - - smtpd\n"
		"submission inet n - y - - smtpd\n"
		" -o smtpd_tls_chain_files=/etc/own\n"
		"quiet inet n - y - - smtpd -o smtpd_tls_cert_file=none\n"
		" -o smtpd_tls_security_level=may\n"
		"bare inet n - y - - smtpd -o smtpd_tls_cert_file=\n"
		"none inet n - y - - smtpd -o smtpd_tls_cert_file=\n"
		" -o smtpd_tls_security_level=None\n"
		"own inet n - y - - smtpd -o smtpd_tls_cert_file=\n"
		" -o smtpd_tls_security_level=may\n"
		"smtp unix - - y - - smtp\n"
		"lmtp unix - - y - - lmtp\n");
	static const char *const files[] = {"/etc/c", "/etc/out1", "/etc/out2",
	    "/etc/l", "/etc/lk", "/etc/own", "/etc/names.cdb", "/etc/ak",
	    "/etc/ac"};
	ARENA_CLEANUP struct arena a = {0};
	const struct keys_service *row;
	struct keys_config c;
	const struct service *s;
	const char *why;

	(void)state;
	arena_init(&a, 10000000);
	assert_non_null(p);
	s = plan_find(p, STR("keys"));
	assert_int_equal(
	    shape_decode(&keys_config_shape, s->config, &a, &c, &why), 0);
	row = find_row(&c, "smtpd/smtp");
	assert_int_equal(row->role, KEYS_SERVER);
	assert_int_equal(row->sources.n, 1);
	check_source(row, 0, "/etc/c", "/etc/c");
	assert_true(str_has_prefix(row->names, STR("hash:/etc/names ")));
	row = find_row(&c, "smtpd/submission");
	assert_int_equal(row->sources.n, 1);
	check_source(row, 0, "/etc/own", "");
	row = find_row(&c, "smtpd/quiet");
	assert_int_equal(row->sources.n, 0);
	assert_int_equal(row->own, 0);
	/* One of the host's own where TLS is offered, and nowhere else. */
	assert_int_equal(find_row(&c, "smtpd/bare")->own, 0);
	assert_int_equal(find_row(&c, "smtpd/none")->own, 0);
	assert_int_equal(find_row(&c, "smtpd/own")->own, 1);
	row = find_row(&c, "smtp/smtp");
	assert_int_equal(row->role, KEYS_CLIENT);
	assert_int_equal(row->own, 0);
	check_source(row, 0, "/etc/out1", "");
	check_source(find_row(&c, "smtp/relay"), 0, "/etc/out1", "");
	check_source(find_row(&c, "smtp/lmtp"), 0, "/etc/l", "/etc/lk");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const struct service *other;

		TAILQ_FOREACH (other, &p->services, next)
			assert_int_equal(has_file(other, files[i]), other == s);
	}
	plan_unref(&p);
}

static void
a_bad_setting_of_a_service_is_an_error(void **state)
{
	struct plan *p =
	    make("", "smtp inet n - y - - smtpd -o smtpd_timeout=fast\n");

	(void)state;
	assert_null(p);
	assert_int_equal(errors, 1);
}

static void
a_tool_gets_the_queue_and_what_it_asks(void **state)
{
	struct plan *p = make("", "smtp inet n - y - - smtpd\n");

	(void)state;
	plan_keep_queue(p);
	assert_int_equal(count(p), 2);
	assert_non_null(plan_find(p, STR("qmgr")));
	assert_non_null(plan_find(p, STR("lookup")));
	plan_unref(&p);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_fixed_ones_are_always_there),
    cmocka_unit_test(an_inet_line_is_a_service_of_its_own),
    cmocka_unit_test(a_limit_is_what_somebody_wrote),
    cmocka_unit_test(limits_reach_qmgr),
    cmocka_unit_test(endpoints_are_those_of_a_service),
    cmocka_unit_test(nobody_links_to_a_port),
    cmocka_unit_test(transports_have_their_settings),
    cmocka_unit_test(virtual_is_done_by_local),
    cmocka_unit_test(postfix_services_without_a_program_are_accepted),
    cmocka_unit_test(tables_go_to_those_who_use_them),
    cmocka_unit_test(keys_go_to_keys_alone),
    cmocka_unit_test(a_bad_setting_of_a_service_is_an_error),
    cmocka_unit_test(a_tool_gets_the_queue_and_what_it_asks),
};

TAP_RUN(tests)
