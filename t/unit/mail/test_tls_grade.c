/* SPDX-License-Identifier: ISC */
/* Protocols, grades and groups: what is understood, and what is not. */
#include "tap.h"

#include "mail/tls_grade.h"

#include <errno.h>

static void
test_protocols(void **state)
{
	static const struct {
		const char *list;
		int min, max; /* 0, 0: refused */
	} cases[] = {
	    {"", TLS_1_2, TLS_1_3},
	    {">=TLSv1", TLS_1_2, TLS_1_3},
	    {">=TLSv1.2", TLS_1_2, TLS_1_3},
	    {">=tlsv1.3", TLS_1_3, TLS_1_3},
	    {"<=TLSv1.2", TLS_1_2, TLS_1_2},
	    {">=TLSv1.2, <=TLSv1.2", TLS_1_2, TLS_1_2},
	    {"!SSLv2, !SSLv3", TLS_1_2, TLS_1_3},
	    {"!SSLv2:!SSLv3:!TLSv1:!TLSv1.1", TLS_1_2, TLS_1_3},
	    {"!TLSv1.3", TLS_1_2, TLS_1_2},
	    {"!TLSv1.2", TLS_1_3, TLS_1_3},
	    {"TLSv1.2", TLS_1_2, TLS_1_2},
	    {"TLSv1.2 TLSv1.3", TLS_1_2, TLS_1_3},
	    {"TLSv1, TLSv1.1, TLSv1.2", TLS_1_2, TLS_1_2},
	    {"TLSv1.3, !TLSv1.2", TLS_1_3, TLS_1_3},
	    {"TLSv1", 0, 0},
	    {"SSLv3, TLSv1.1", 0, 0},
	    {"<=TLSv1.1", 0, 0},
	    {"!TLSv1.2, !TLSv1.3", 0, 0},
	    {">=TLSv1.3, !TLSv1.3", 0, 0},
	    {"TLSv1.4", 0, 0},
	    {">TLSv1.2", 0, 0},
	    {"!", 0, 0},
	    {">=", 0, 0},
	    {"!>=TLSv1.2", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tls_grade g = {0};
		BUF_CLEANUP struct buf why = {0};
		int r;

		buf_init(&why, 1024);
		r = tls_grade_protocols(str_c(cases[i].list), &g, &why);
		if (cases[i].min == 0) {
			assert_int_equal(r, -EINVAL);
			assert_int_not_equal(why.len, 0);
			continue;
		}
		if (r < 0)
			fail_msg("%s: %s", cases[i].list, why.p);
		assert_int_equal(g.min, cases[i].min);
		assert_int_equal(g.max == 0 ? TLS_1_3 : g.max, cases[i].max);
	}
}

static struct conf *
read_conf(const char *main_cf)
{
	struct conf *c =
	    conf_from_text("/", str_c(main_cf), STR_NONE, NULL, NULL);

	assert_non_null(c);
	return c;
}

static void
test_ciphers(void **state)
{
	static const struct {
		const char *grade, *exclude, *list; /* NULL: refused */
	} cases[] = {
	    {"high", "", "H"},
	    {"medium", "", "M"},
	    {"HIGH", "aNULL, MD5:3DES", "H:!aNULL:!MD5:!3DES"},
	    {"low", "", "M"},
	    {"export", "", "M"},
	    {"null", "", NULL},
	    {"", "", NULL},
	    {"high", "!MD5", NULL},
	    {"high", "MD5 -AES", NULL},
	    {"high", "@STRENGTH", NULL},
	};
	struct conf *c =
	    read_conf("tls_high_cipherlist = H\ntls_medium_cipherlist = M\n");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tls_grade g = {0};
		BUF_CLEANUP struct buf why = {0};
		struct arena a;
		int r;

		buf_init(&why, 1024);
		arena_init(&a, 4096);
		r = tls_grade_ciphers(c, str_c(cases[i].grade),
		    str_c(cases[i].exclude), &a, &g, &why);
		assert_int_equal(r, cases[i].list == NULL ? -EINVAL : 0);
		if (r == 0)
			assert_string_equal(g.ciphers, cases[i].list);
		else
			assert_int_not_equal(why.len, 0);
		arena_done(&a);
	}
	conf_free(&c);
}

static void
test_groups(void **state)
{
	static const struct {
		const char *grade, *list;
	} cases[] = {
	    {"auto", "X25519:prime256v1:ffdhe2048"},
	    {"strong", "P-256:ffdhe2048"},
	    {"ultra", "P-384:ffdhe2048"},
	    {"none", "ffdhe2048"},
	    {"best", NULL},
	};
	struct conf *c =
	    read_conf("tls_eecdh_auto_curves = X25519, prime256v1\n"
		      "tls_eecdh_strong_curve = P-256\n"
		      "tls_eecdh_ultra_curve = P-384\n"
		      "tls_ffdhe_auto_groups = ffdhe2048\n");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		BUF_CLEANUP struct buf why = {0};
		const char *list = NULL;
		struct arena a;
		int r;

		buf_init(&why, 1024);
		arena_init(&a, 4096);
		r = tls_grade_groups(c, str_c(cases[i].grade), &a, &list, &why);
		assert_int_equal(r, cases[i].list == NULL ? -EINVAL : 0);
		if (r == 0)
			assert_string_equal(list, cases[i].list);
		arena_done(&a);
	}
	conf_free(&c);
}

static void
test_options(void **state)
{
	static const struct {
		const char *list;
		int options; /* -1: refused */
	} cases[] = {
	    {"", 0},
	    {"NO_COMPRESSION, NO_RENEGOTIATION", 0},
	    {"no_ticket", TLS_NO_TICKETS},
	    {"PRIORITIZE_CHACHA:LEGACY_SERVER_CONNECT NO_TICKET",
		TLS_CHACHA_FIRST | TLS_OLD_SERVERS | TLS_NO_TICKETS},
	    {"NO_TICKETS", -1},
	    {"NO_TICKET 0x4000", -1},
	    {"!NO_TICKET", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		BUF_CLEANUP struct buf why = {0};
		unsigned options;
		int r;

		buf_init(&why, 1024);
		r = tls_grade_options(str_c(cases[i].list), &options, &why);
		assert_int_equal(r, cases[i].options < 0 ? -EINVAL : 0);
		assert_int_equal(why.len > 0, cases[i].options < 0);
		if (r == 0)
			assert_int_equal(options, cases[i].options);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_protocols),
    cmocka_unit_test(test_ciphers),
    cmocka_unit_test(test_groups),
    cmocka_unit_test(test_options),
};
TAP_RUN(tests)
