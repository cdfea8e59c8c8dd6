/* SPDX-License-Identifier: ISC */
/* What stands behind MAIL and RCPT, well and badly made. */
#include "guard.h"
#include "tap.h"

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
    {"RET=FULL", -EOPNOTSUPP, 0, false, "RET=FULL"},
    {"=", -EOPNOTSUPP, 0, false, "="},
};

static void
test_mail(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++) {
		struct str in = guard_copy(str_c(mails[i].text));
		struct params p;
		struct str bad;
		const char *why = NULL;
		int r = params_mail(in, &p, &bad, &why);

		assert_int_equal(r, mails[i].result);
		if (r == 0) {
			assert_int_equal(p.size, mails[i].size);
			assert_int_equal(p.body_8bit, mails[i].body_8bit);
		} else {
			assert_str(bad, mails[i].bad);
			assert_int_equal(r == -EINVAL, why != NULL);
		}
		guard_free(in);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_paths),
    cmocka_unit_test(test_mail),
};
TAP_RUN(tests)
