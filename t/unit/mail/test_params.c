/* SPDX-License-Identifier: ISC */
/* What stands behind MAIL and RCPT, well and badly made. */
#include "guard.h"
#include "tap.h"

#include "mail/bounds.h"
#include "mail/envelope.h"
#include "mail/params.h"

#include <errno.h>

static const struct {
	const char *args;
	bool strict;
	int result;
	const char *address, *params;
} paths[] = {
    {"FROM:<a@b.test>", true, 0, "a@b.test", ""},
    {"from:<a@b.test>", true, 0, "a@b.test", ""},
    {"FROM:<a@b.test> SIZE=1", true, 0, "a@b.test", "SIZE=1"},
    {"FROM: <a@b.test>", false, 0, "a@b.test", ""},
    {"FROM : <a@b.test>", false, 0, "a@b.test", ""},
    {"FROM: <a@b.test>", true, -EBADMSG, NULL, NULL},
    {"FROM:a@b.test", false, 0, "a@b.test", ""},
    {"FROM:a@b.test", true, -EBADMSG, NULL, NULL},
    {"FROM:<>", true, 0, "", ""},
    {"FROM:<@x.test,@y.test:a@b.test>", true, 0, "a@b.test", ""},
    {"FROM:<\"a b\"@b.test>", true, 0, "a b@b.test", ""},
    {"FROM:<a@b.test>SIZE=1", true, -EBADMSG, NULL, NULL},
    {"FROM:<a@b.test", true, -EBADMSG, NULL, NULL},
    {"FROM:<a@b@c.test>", true, -EBADMSG, NULL, NULL},
    {"FROM:<a@b.test>>", true, -EBADMSG, NULL, NULL},
    {"FROM:", true, -EINVAL, NULL, NULL},
    {"FROM", true, -EINVAL, NULL, NULL},
    {"FRO", true, -EINVAL, NULL, NULL},
    {"", true, -EINVAL, NULL, NULL},
    {"TO:<a@b.test>", true, -EINVAL, NULL, NULL},
    {"FROM<a@b.test>", true, -EINVAL, NULL, NULL},
    {"FROM:\"", false, -EBADMSG, NULL, NULL},
    {"FROM:<\"", true, -EBADMSG, NULL, NULL},
    {"FROM:<\\", true, -EBADMSG, NULL, NULL},
    {"FROM:<@", true, -EBADMSG, NULL, NULL},
    {"FROM:<a@[", true, -EBADMSG, NULL, NULL},
};

static void
test_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		ARENA_CLEANUP struct arena a = {0};
		struct str in = guard_copy(str_c(paths[i].args));
		struct addr addr;
		struct str rest;
		int r;

		arena_init(&a, 4096);
		r = params_path(
		    in, STR("FROM"), paths[i].strict, &a, &addr, &rest);
		assert_int_equal(r, paths[i].result);
		if (r == 0) {
			assert_str(addr.text, paths[i].address);
			assert_str(rest, paths[i].params);
		}
		guard_free(in);
	}
}

static const struct {
	const char *text;
	int result;
	uint64_t size;
	bool body_8bit;
	const char *bad;
	uint64_t ret;
	const char *envid;
} mails[] = {
    {"", 0, 0, false, NULL},
    {"SIZE=0", 0, 0, false, NULL},
    {"size=1000 body=8bitmime", 0, 1000, true, NULL},
    {"BODY=7BIT \t SIZE=12", 0, 12, false, NULL},
    {"SIZE=99999999999999999999", 0, PARAMS_SIZE_MAX, false, NULL},
    {"SIZE=999999999999999999999", -EINVAL, 0, false,
	"SIZE=999999999999999999999"},
    {"SIZE=", -EINVAL, 0, false, "SIZE="},
    {"SIZE", -EINVAL, 0, false, "SIZE"},
    {"SIZE=-1", -EINVAL, 0, false, "SIZE=-1"},
    {"SIZE=+1", -EINVAL, 0, false, "SIZE=+1"},
    {"SIZE=0x10", -EINVAL, 0, false, "SIZE=0x10"},
    {"SIZE=1 SIZE=1a", -EINVAL, 0, false, "SIZE=1a"},
    {"BODY=", -EINVAL, 0, false, "BODY="},
    {"BODY=BINARYMIME", -EINVAL, 0, false, "BODY=BINARYMIME"},
    {"SMTPUTF8", -EOPNOTSUPP, 0, false, "SMTPUTF8"},
    {"ret=full", 0, 0, false, NULL, RET_FULL, NULL},
    {"RET=HDRS ENVID=QQ314159", 0, 0, false, NULL, RET_HDRS, "QQ314159"},
    {"ENVID=a+20b+2Bc+3Dd+7e", 0, 0, false, NULL, 0, "a b+c=d~"},
    {"ENVID=a+2bc", 0, 0, false, NULL, 0, "a+c"},
    {"RET=", -EINVAL, 0, false, "RET="},
    {"RET", -EINVAL, 0, false, "RET"},
    {"RET=HEADERS", -EINVAL, 0, false, "RET=HEADERS"},
    {"RET=FULL RET=FULL", -EINVAL, 0, false, "RET=FULL"},
    {"ENVID=", -EINVAL, 0, false, "ENVID="},
    {"ENVID", -EINVAL, 0, false, "ENVID"},
    {"ENVID=a ENVID=b", -EINVAL, 0, false, "ENVID=b"},
    {"ENVID=a=b", -EINVAL, 0, false, "ENVID=a=b"},
    {"ENVID=a+", -EINVAL, 0, false, "ENVID=a+"},
    {"ENVID=a+4", -EINVAL, 0, false, "ENVID=a+4"},
    {"ENVID=a+4G", -EINVAL, 0, false, "ENVID=a+4G"},
    {"ENVID=a+ 41", -EINVAL, 0, false, "ENVID=a+"},
    {"ENVID=a+0Ab", -EINVAL, 0, false, "ENVID=a+0Ab"},
    {"ENVID=a+0Db", -EINVAL, 0, false, "ENVID=a+0Db"},
    {"ENVID=a+00b", -EINVAL, 0, false, "ENVID=a+00b"},
    {"ENVID=a+7Fb", -EINVAL, 0, false, "ENVID=a+7Fb"},
    {"ENVID=a+C3+BC", -EINVAL, 0, false, "ENVID=a+C3+BC"},
    {"ENVID=\xc3\xbc", -EINVAL, 0, false, "ENVID=\xc3\xbc"},
    {"NOTIFY=NEVER", -EOPNOTSUPP, 0, false, "NOTIFY=NEVER"},
    {"=", -EOPNOTSUPP, 0, false, "="},
};

static void
test_mail(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++) {
		ARENA_CLEANUP struct arena a = {0};
		struct str in = guard_copy(str_c(mails[i].text));
		struct params p;
		struct str bad;
		const char *why = NULL;
		int r;

		arena_init(&a, 4096);
		r = params_mail(in, &a, &p, &bad, &why);

		assert_int_equal(r, mails[i].result);
		if (r == 0) {
			assert_int_equal(p.size, mails[i].size);
			assert_int_equal(p.body_8bit, mails[i].body_8bit);
			assert_int_equal(p.ret, mails[i].ret);
			assert_str(p.envid,
			    mails[i].envid == NULL ? "" : mails[i].envid);
			assert_int_equal(
			    p.has_dsn, p.ret != 0 || p.envid.len > 0);
		} else {
			assert_str(bad, mails[i].bad);
			assert_int_equal(r == -EINVAL, why != NULL);
		}
		guard_free(in);
	}
}

/* RFC 3461 sections 4.1 and 4.2. */
static const struct {
	const char *text;
	int result;
	uint64_t notify;
	const char *orcpt, *bad;
} rcpts[] = {
    {"", 0, 0, "", NULL},
    {"NOTIFY=NEVER", 0, NOTIFY_NEVER, "", NULL},
    {"notify=success", 0, NOTIFY_SUCCESS, "", NULL},
    {"NOTIFY=SUCCESS,FAILURE,DELAY", 0,
	NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY, "", NULL},
    {"NOTIFY=DELAY ORCPT=rfc822;Bob@x.test", 0, NOTIFY_DELAY,
	"rfc822;Bob@x.test", NULL},
    {"ORCPT=rfc822;Carol+2BX@x.test", 0, 0, "rfc822;Carol+X@x.test", NULL},
    {"ORCPT=X-400;/c=us", -EINVAL, 0, NULL, "ORCPT=X-400;/c=us"},
    {"ORCPT=X-400;/c+3Dus+3Ba", 0, 0, "X-400;/c=us;a", NULL},
    {"ORCPT=utf-8;a\\x{FC}@x.test", 0, 0, "utf-8;a\\x{FC}@x.test", NULL},
    {"NOTIFY=", -EINVAL, 0, NULL, "NOTIFY="},
    {"NOTIFY", -EINVAL, 0, NULL, "NOTIFY"},
    {"NOTIFY=NEVER,FAILURE", -EINVAL, 0, NULL, "NOTIFY=NEVER,FAILURE"},
    {"NOTIFY=FAILURE,NEVER", -EINVAL, 0, NULL, "NOTIFY=FAILURE,NEVER"},
    {"NOTIFY=FAILURE,", -EINVAL, 0, NULL, "NOTIFY=FAILURE,"},
    {"NOTIFY=,FAILURE", -EINVAL, 0, NULL, "NOTIFY=,FAILURE"},
    {"NOTIFY=FAILURE, DELAY", -EINVAL, 0, NULL, "NOTIFY=FAILURE,"},
    {"NOTIFY=SOMETIMES", -EINVAL, 0, NULL, "NOTIFY=SOMETIMES"},
    {"NOTIFY=DELAY NOTIFY=DELAY", -EINVAL, 0, NULL, "NOTIFY=DELAY"},
    {"ORCPT=", -EINVAL, 0, NULL, "ORCPT="},
    {"ORCPT", -EINVAL, 0, NULL, "ORCPT"},
    {"ORCPT=a@x.test", -EINVAL, 0, NULL, "ORCPT=a@x.test"},
    {"ORCPT=;a@x.test", -EINVAL, 0, NULL, "ORCPT=;a@x.test"},
    {"ORCPT=rfc822;", -EINVAL, 0, NULL, "ORCPT=rfc822;"},
    {"ORCPT=rf+63;a", -EINVAL, 0, NULL, "ORCPT=rf+63;a"},
    {"ORCPT=rfc822;a+0D+0Ab", -EINVAL, 0, NULL, "ORCPT=rfc822;a+0D+0Ab"},
    {"ORCPT=rfc822;a+", -EINVAL, 0, NULL, "ORCPT=rfc822;a+"},
    {"ORCPT=a;b ORCPT=a;b", -EINVAL, 0, NULL, "ORCPT=a;b"},
    {"RET=FULL", -EOPNOTSUPP, 0, NULL, "RET=FULL"},
    {"SIZE=1", -EOPNOTSUPP, 0, NULL, "SIZE=1"},
};

static void
test_rcpt(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rcpts) / sizeof(rcpts[0]); i++) {
		ARENA_CLEANUP struct arena a = {0};
		struct str in = guard_copy(str_c(rcpts[i].text));
		struct params_rcpt p;
		struct str bad;
		const char *why = NULL;
		int r;

		arena_init(&a, 4096);
		r = params_rcpt(in, &a, &p, &bad, &why);
		assert_int_equal(r, rcpts[i].result);
		if (r == 0) {
			assert_int_equal(p.notify, rcpts[i].notify);
			assert_str(p.orcpt, rcpts[i].orcpt);
			assert_int_equal(p.has_dsn, in.len > 0);
		} else {
			assert_str(bad, rcpts[i].bad);
			assert_int_equal(r == -EINVAL, why != NULL);
		}
		guard_free(in);
	}
}

/* What is longer than an envelope can hold is refused. */
static void
test_bounds(void **state)
{
	static const struct {
		const char *front;
		size_t n;
		int result;
	} cases[] = {
	    {"ENVID=", BOUND_ENVID, 0},
	    {"ENVID=", BOUND_ENVID + 1, -EINVAL},
	    {"ENVID=", 4 * BOUND_ENVID, -EINVAL},
	    {"ORCPT=rfc822;", BOUND_ORCPT - 7, 0},
	    {"ORCPT=rfc822;", BOUND_ORCPT - 6, -EINVAL},
	    {"ORCPT=rfc822;", 4 * BOUND_ORCPT, -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ARENA_CLEANUP struct arena a = {0};
		BUF_CLEANUP struct buf text = {0};
		struct params_rcpt rcpt;
		struct params mail;
		struct str bad;
		const char *why;
		int r;

		arena_init(&a, 16384);
		buf_init(&text, 8192);
		buf_add_c(&text, cases[i].front);
		for (size_t n = 0; n < cases[i].n; n++)
			buf_add_char(&text, 'x');
		r = cases[i].front[0] == 'E'
		        ? params_mail(buf_str(&text), &a, &mail, &bad, &why)
		        : params_rcpt(buf_str(&text), &a, &rcpt, &bad, &why);
		assert_int_equal(r, cases[i].result);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_paths),
    cmocka_unit_test(test_mail),
    cmocka_unit_test(test_rcpt),
    cmocka_unit_test(test_bounds),
};
TAP_RUN(tests)
