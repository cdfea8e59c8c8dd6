/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "base/buf.h"

#include <errno.h>
#include <string.h>

static void
test_maximum(void **state)
{
	BUF_CLEANUP struct buf b = {0};

	(void)state;
	buf_init(&b, 5);
	assert_string_equal(b.p, "");
	assert_int_equal(buf_add_c(&b, "abc"), 0);
	assert_int_equal(buf_add_c(&b, "def"), -EMSGSIZE);
	assert_true(b.full);
	assert_string_equal(b.p, "abc");
	assert_int_equal(buf_addf(&b, "%d", 42), 0);
	assert_int_equal(buf_addf(&b, "%d", 1), -EMSGSIZE);
	assert_string_equal(b.p, "abc42");
	buf_reset(&b);
	assert_false(b.full);
	assert_string_equal(b.p, "");
}

static void
test_room_and_drop(void **state)
{
	BUF_CLEANUP struct buf b = {0};

	(void)state;
	buf_init(&b, 1000);
	assert_null(buf_room(&b, 1001));
	buf_reset(&b);
	memset(buf_room(&b, 1000), 'x', 1000);
	buf_grew(&b, 1000);
	assert_int_equal(b.len, 1000);
	assert_int_equal(b.p[1000], '\0');
	buf_drop(&b, 998);
	assert_str(buf_str(&b), "xx");
	buf_cut(&b, 1);
	assert_string_equal(b.p, "x");
}

static void
test_grows_to_the_byte(void **state)
{
	BUF_CLEANUP struct buf b = {0};

	(void)state;
	buf_init(&b, 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(buf_add_char(&b, (char)('a' + i % 26)), 0);
	assert_int_equal(buf_add_char(&b, 'z'), -EMSGSIZE);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(b.p[i], 'a' + i % 26);
}

/* Grows as any other, and stays what it is. */
static void
test_secret(void **state)
{
	BUF_CLEANUP struct buf b = {0};

	(void)state;
	buf_init_secret(&b, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buf_add_char(&b, (char)('a' + i % 26)), 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(b.p[i], 'a' + i % 26);
	buf_done(&b);
	assert_true(b.is_secret);
	assert_string_equal(b.p, "");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_maximum),
    cmocka_unit_test(test_room_and_drop),
    cmocka_unit_test(test_grows_to_the_byte),
    cmocka_unit_test(test_secret),
};

TAP_RUN(tests)
