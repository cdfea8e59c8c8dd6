/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "guard.h"
#include "shape_sample.h"

#include <errno.h>
#include <string.h>

static struct inner rows[2];

static struct outer
sample(void)
{
	rows[0] = (struct inner){STR("a"), 0};
	rows[1] = (struct inner){STR("0123456789"), 1000};
	return (struct outer){
	    .when = -5,
	    .text = STR("any\0byte\n"),
	    .one = {STR("one"), 1},
	    .many = {rows, 2},
	};
}

static void
test_round_trip(void **state)
{
	BUF_CLEANUP struct buf b = {0};
	ARENA_CLEANUP struct arena a = {0}, other = {0};
	struct outer v = sample(), got, copy;
	const char *why = NULL;
	struct inner *many;

	(void)state;
	buf_init(&b, 4096);
	arena_init(&a, 1 << 16);
	arena_init(&other, 1 << 16);
	assert_int_equal(shape_encode(&outer_shape, &v, &b), 0);
	assert_int_equal(
	    shape_decode(&outer_shape, buf_str(&b), &a, &got, &why), 0);
	assert_int_equal(got.when, -5);
	assert_true(str_eq(got.text, v.text));
	assert_str(got.one.word, "one");
	assert_int_equal(got.many.n, 2);
	shape_copy(&outer_shape, &got, &other, &copy);
	memset(b.p, 'x', b.len);
	arena_done(&a);
	many = copy.many.p;
	assert_str(many[1].word, "0123456789");
	assert_int_equal(many[1].n, 1000);
	assert_true(str_eq(copy.text, v.text));
}

/* What decoding would refuse is not sent. */
static void
test_encode_refuses(void **state)
{
	BUF_CLEANUP struct buf b = {0};
	struct outer v = sample();

	(void)state;
	buf_init(&b, 4096);
	v.one.n = 1001;
	assert_int_equal(shape_encode(&outer_shape, &v, &b), -EINVAL);
	v = sample();
	v.one.word = STR("a\nb");
	assert_int_equal(shape_encode(&outer_shape, &v, &b), -EINVAL);
	v = sample();
	v.many.n = 4;
	assert_int_equal(shape_encode(&outer_shape, &v, &b), -EINVAL);
	assert_int_equal(b.len, 0);
	v = sample();
	buf_done(&b);
	buf_init(&b, 20);
	assert_int_equal(shape_encode(&outer_shape, &v, &b), -EMSGSIZE);
	assert_int_equal(b.len, 0);
}

static void
decode_at_guard(struct str bytes, bool must_fail)
{
	ARENA_CLEANUP struct arena a = {0};
	struct str in = guard_copy(bytes);
	const char *why = NULL;
	struct outer got;
	int r;

	arena_init(&a, 1 << 16);
	r = shape_decode(&outer_shape, in, &a, &got, &why);
	assert_true(r == 0 || (r == -EPROTO && why != NULL));
	if (must_fail)
		assert_int_equal(r, -EPROTO);
	guard_free(in);
}

/* Every cut and every changed byte is either refused or a valid value. */
static void
test_malformed(void **state)
{
	BUF_CLEANUP struct buf b = {0};
	struct outer v = sample();

	(void)state;
	buf_init(&b, 4096);
	assert_int_equal(shape_encode(&outer_shape, &v, &b), 0);
	for (size_t n = 0; n < b.len; n++)
		decode_at_guard(str_sub(buf_str(&b), 0, n), true);
	for (size_t i = 0; i < b.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			b.p[i] = (char)(b.p[i] ^ 1 << bit);
			decode_at_guard(buf_str(&b), false);
			b.p[i] = (char)(b.p[i] ^ 1 << bit);
		}
	buf_add_char(&b, 'x');
	decode_at_guard(buf_str(&b), true);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_round_trip),
    cmocka_unit_test(test_encode_refuses),
    cmocka_unit_test(test_malformed),
};

TAP_RUN(tests)
