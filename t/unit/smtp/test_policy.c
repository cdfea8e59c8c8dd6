/* SPDX-License-Identifier: ISC */
/* Policies out of parameters and a table. */
#include "tap.h"

#include "policy.h"

#include <stdio.h>
#include <string.h>

static struct conf *conf;
static struct policies policies;
static struct arena arena;
static struct buf why;

static bool
open_from(const char *main_cf)
{
	conf = conf_from_text("/nowhere", str_c(main_cf), STR_NONE, NULL, NULL);
	assert_non_null(conf);
	buf_init(&why, 4096);
	arena_init(&arena, POLICY_ROOM);
	return policies_open(&policies, conf, &dict_env_tool, &why);
}

static void
done(void)
{
	policies_done(&policies);
	arena_done(&arena);
	buf_done(&why);
	conf_free(&conf);
}

static enum find
get(const char *nexthop, struct tls_policy *ret)
{
	arena_reset(&arena);
	buf_reset(&why);
	return policy_get(
	    &policies, STR("mx.host.test"), str_c(nexthop), &arena, ret, &why);
}

static void
test_levels(void **state)
{
	static const struct {
		const char *main_cf;
		enum policy_level level;
	} cases[] = {
	    {"", POLICY_MAY},
	    {"smtp_enforce_tls = yes", POLICY_VERIFY},
	    {"smtp_enforce_tls = yes\nsmtp_tls_enforce_peername = no",
		POLICY_ENCRYPT},
	    {"smtp_enforce_tls = yes\nsmtp_tls_security_level = none",
		POLICY_NONE},
	    {"process_name = lmtp", POLICY_NONE},
	    {"process_name = lmtp\nlmtp_use_tls = yes", POLICY_MAY},
	    {"process_name = lmtp\nsmtp_tls_security_level = secure",
		POLICY_NONE},
	    {"process_name = lmtp\nlmtp_tls_security_level = secure",
		POLICY_SECURE},
	    {"smtp_tls_security_level = none", POLICY_NONE},
	    {"smtp_tls_security_level = may", POLICY_MAY},
	    {"smtp_tls_security_level = dane", POLICY_MAY},
	    {"smtp_tls_security_level = encrypt", POLICY_ENCRYPT},
	    {"smtp_tls_security_level = fingerprint", POLICY_FINGERPRINT},
	    {"smtp_tls_security_level = verify", POLICY_VERIFY},
	    {"smtp_tls_security_level = secure", POLICY_SECURE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tls_policy p;

		assert_true(open_from(cases[i].main_cf));
		assert_int_equal(get("some.test", &p), FIND_YES);
		if (p.level != cases[i].level)
			fail_msg("%s: level %d", cases[i].main_cf, p.level);
		done();
	}
}

#define TABLE                                                                  \
	"smtp_tls_policy_maps = inline:{ "                                     \
	"{ example.com = secure } { .example.com = encrypt } "                 \
	"{ [example.com]:587 = verify match=hostname:.a.test match=b.test } "  \
	"{ print.test = fingerprint match=AA:BB|CC:DD match=EE:FF } "          \
	"{ grades.test = encrypt protocols=TLSv1.3 ciphers=high "              \
	"exclude=aDSS:kDHE servername=nexthop connection_reuse=no } "          \
	"{ low.test = may servername=x.test } "

static void
test_table(void **state)
{
	struct tls_policy p, q;

	(void)state;
	assert_true(open_from(TABLE "}\n"));
	assert_int_equal(get("example.com", &p), FIND_YES);
	assert_int_equal(p.level, POLICY_SECURE);
	assert_str(p.match, "example.com .example.com ");
	assert_true(p.keeps);
	assert_int_equal(get("sub.example.com", &p), FIND_YES);
	assert_int_equal(p.level, POLICY_ENCRYPT);
	/* Not what has a port or brackets. */
	assert_int_equal(get("sub.example.com:587", &p), FIND_YES);
	assert_int_equal(p.level, POLICY_MAY);
	assert_int_equal(get("[sub.example.com]", &p), FIND_YES);
	assert_int_equal(p.level, POLICY_MAY);
	assert_int_equal(get("[example.com]:587", &p), FIND_YES);
	assert_int_equal(p.level, POLICY_VERIFY);
	assert_str(p.match, "mx.host.test .a.test b.test ");
	assert_int_equal(get("print.test", &p), FIND_YES);
	assert_str(p.match, "AA:BB CC:DD EE:FF ");
	assert_int_equal(get("grades.test", &p), FIND_YES);
	assert_int_equal(p.grade.min, TLS_1_3);
	assert_non_null(strstr(p.grade.ciphers, "HIGH"));
	assert_non_null(strstr(p.grade.ciphers, ":!aDSS:!kDHE"));
	assert_str(p.server_name, "grades.test");
	assert_false(p.keeps);
	done();

	/* Other terms are other keys, the same are the same. */
	assert_true(open_from(TABLE "}\n"));
	static const char *const hops[] = {"example.com", "sub.example.com",
	    "[example.com]:587", "print.test", "grades.test", "low.test",
	    "else.test"};
	for (size_t i = 0; i < sizeof(hops) / sizeof(hops[0]); i++)
		for (size_t k = 0; k < sizeof(hops) / sizeof(hops[0]); k++) {
			char key[4096];

			get(hops[i], &p);
			snprintf(key, sizeof(key), "%.*s", STR_ARG(p.key));
			get(hops[k], &q);
			assert_int_equal(str_eq(str_c(key), q.key), i == k);
		}
	done();
}

/* Nothing is sent where it is not understood. */
static void
test_wrong(void **state)
{
	static const char *const bad[] = {
	    "sometimes",
	    "dane-only",
	    "encrypt x",
	    "encrypt match=a.test",
	    "may match=a.test",
	    "secure match",
	    "secure match=",
	    "secure =x",
	    "encrypt protocols=SSLv3",
	    "encrypt protocols=TLSv9",
	    "encrypt ciphers=null",
	    "encrypt exclude=!x",
	    "verify tafile=/etc/x",
	    "encrypt colour=green",
	    "encrypt connection_reuse=maybe",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct tls_policy p;
		char main_cf[512];

		snprintf(main_cf, sizeof(main_cf),
		    "smtp_tls_policy_maps = inline:{ { x.test = %s } }\n",
		    bad[i]);
		assert_true(open_from(main_cf));
		if (get("x.test", &p) != FIND_BROKEN)
			fail_msg("\"%s\" was understood", bad[i]);
		assert_true(why.len > 0);
		done();
	}
	static const char *const wrong[] = {
	    "smtp_tls_protocols = TLSv7\n",
	    "smtp_tls_mandatory_protocols = !TLSv1.2, !TLSv1.3\n",
	    "smtp_tls_exclude_ciphers = -x\n",
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_false(open_from(wrong[i]));
		assert_true(why.len > 0);
		done();
	}
}

static void
test_bound(void **state)
{
	static char main_cf[60000];
	struct tls_policy p;

	(void)state;
	memset(main_cf, 'a', sizeof(main_cf) - 1);
	memcpy(main_cf,
	    "smtp_tls_policy_maps = inline:{ { x.test = secure match=",
	    strlen("smtp_tls_policy_maps = inline:{ { x.test = secure match="));
	memcpy(main_cf + sizeof(main_cf) - 6, " } }\n", 5);
	assert_true(open_from(main_cf));
	assert_int_equal(get("x.test", &p), FIND_BROKEN);
	done();
}

static void
test_drop(void **state)
{
	struct tls_policy p;

	(void)state;
	assert_true(open_from(""));
	get("x.test", &p);
	policy_drop(&p);
	assert_int_equal(p.level, POLICY_NONE);
	assert_false(p.keeps || p.wraps);
	assert_true(p.key.len > 0);
	done();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_levels),
    cmocka_unit_test(test_table),
    cmocka_unit_test(test_wrong),
    cmocka_unit_test(test_bound),
    cmocka_unit_test(test_drop),
};

TAP_RUN(tests)
