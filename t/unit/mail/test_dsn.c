/* SPDX-License-Identifier: ISC */
/* The values of RFC 3461 as text, and who is asked what of an alias. */
#include "guard.h"
#include "tap.h"

#include "mail/bounds.h"
#include "mail/dsn.h"
#include "mail/envelope.h"
#include "mail/notice_class.h"

#include <errno.h>

/* Every byte comes back, or is refused. */
static void
test_xtext(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		ARENA_CLEANUP struct arena a = {0};
		BUF_CLEANUP struct buf b = {0};
		char text[3] = {'a', (char)c, 'b'};
		struct str back, in;
		int r;

		arena_init(&a, 4096);
		buf_init(&b, 64);
		dsn_xtext_encode(str_n(text, 3), &b);
		for (size_t i = 0; i < b.len; i++)
			assert_true(b.p[i] > ' ' && b.p[i] < 0x7f);
		in = guard_copy(buf_str(&b));
		r = dsn_xtext_decode(in, &a, &back);
		assert_int_equal(r, c >= ' ' && c < 0x7f ? 0 : -EINVAL);
		if (r == 0)
			assert_true(str_eq(back, str_n(text, 3)));
		guard_free(in);
	}
}

static void
test_notify(void **state)
{
	(void)state;
	for (uint64_t bits = 1; bits <= BOUND_NOTIFY; bits++) {
		BUF_CLEANUP struct buf b = {0};
		bool is_good = bits == NOTIFY_NEVER || !(bits & NOTIFY_NEVER);
		uint64_t back = 0;

		buf_init(&b, 64);
		dsn_notify_format(bits, &b);
		assert_int_equal(dsn_notify_parse(buf_str(&b), &back),
		    is_good ? 0 : -EINVAL);
		assert_int_equal(back, is_good ? bits : 0);
	}
}

static void
test_members(void **state)
{
	(void)state;
	assert_int_equal(dsn_notify_of_members(0), 0);
	assert_int_equal(dsn_notify_of_members(NOTIFY_NEVER), NOTIFY_NEVER);
	assert_int_equal(dsn_notify_of_members(NOTIFY_SUCCESS), NOTIFY_NEVER);
	assert_int_equal(dsn_notify_of_members(NOTIFY_SUCCESS | NOTIFY_FAILURE),
	    NOTIFY_FAILURE);
	assert_int_equal(dsn_notify_of_members(NOTIFY_DELAY), NOTIFY_DELAY);
}

/* What local users hand in as an ORCPT is no other parameter. */
static void
test_orcpt(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
	    {"rfc822;a@b", "rfc822;a@b"},
	    {"rfc822;a b=+", "rfc822;a+20b+3D+2B"},
	    {"rfc822;a\r\nDATA", "rfc822;a+0D+0ADATA"},
	    {"rfc822 NOTIFY=NEVER;a", NULL},
	    {"rfc822", NULL},
	    {";a", NULL},
	    {"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		BUF_CLEANUP struct buf b = {0};
		int r;

		buf_init(&b, 256);
		r = dsn_orcpt_format(str_c(cases[i].in), &b);
		assert_int_equal(r, cases[i].want == NULL ? -EINVAL : 0);
		assert_str(
		    buf_str(&b), cases[i].want == NULL ? "" : cases[i].want);
	}
}

static void
test_classes(void **state)
{
	struct str bad;

	(void)state;
	assert_int_equal(notice_classes(STR("resource, software"), &bad),
	    NOTICE_RESOURCE | NOTICE_SOFTWARE);
	assert_int_equal(bad.len, 0);
	assert_int_equal(notice_classes(STR("2BOUNCE\n\tbounce,delay"), NULL),
	    NOTICE_2BOUNCE | NOTICE_BOUNCE | NOTICE_DELAY);
	assert_int_equal(notice_classes(STR(" "), &bad), 0);
	assert_int_equal(notice_classes(STR("policy bounces x protocol"), &bad),
	    NOTICE_POLICY | NOTICE_PROTOCOL);
	assert_str(bad, "bounces");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_xtext),
    cmocka_unit_test(test_notify),
    cmocka_unit_test(test_members),
    cmocka_unit_test(test_orcpt),
    cmocka_unit_test(test_classes),
};
TAP_RUN(tests)
