/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "base/shape_text.h"
#include "guard.h"
#include "shape_sample.h"

#include <errno.h>
#include <string.h>

#define TEXT                                                                   \
	"when=-5\n"                                                            \
	"text=any%00byte%0A 100%25 %C3%A4\n"                                   \
	"one\n"                                                                \
	"\tword=one\n"                                                         \
	"\tn=1\n"                                                              \
	"many\n"                                                               \
	"many\n"                                                               \
	"\tn=1000\n"

static struct inner rows[] = {{{"", 0}, 0}, {{"", 0}, 1000}};

static struct outer
sample(void)
{
	return (struct outer){
	    .when = -5,
	    .text = STR("any\0byte\n 100% \303\244"),
	    .one = {STR("one"), 1},
	    .many = {rows, 2},
	};
}

static int
parse(struct str in, struct arena *a, struct outer *ret)
{
	struct str guarded = guard_copy(in);
	struct buf why;
	int r;

	buf_init(&why, 1000);
	arena_reset(a);
	r = shape_parse(&outer_shape, guarded, a, ret, &why);
	assert_int_equal(r<0, why.len> 0);
	guard_free(guarded);
	buf_done(&why);
	return r;
}

static void
there_and_back(void **state)
{
	struct outer v = sample(), got;
	const struct inner *many;
	struct buf out;
	struct arena a;

	(void)state;
	buf_init(&out, 1000);
	arena_init(&a, 10000);
	assert_int_equal(shape_print(&outer_shape, &v, &out), 0);
	assert_string_equal(out.p, TEXT);
	assert_int_equal(parse(buf_str(&out), &a, &got), 0);
	assert_int_equal(got.when, -5);
	assert_true(str_eq(got.text, v.text));
	assert_str(got.one.word, "one");
	assert_int_equal(got.many.n, 2);
	many = got.many.p;
	assert_int_equal(many[1].n, 1000);
	/* In another order, and without what is not there. */
	assert_int_equal(
	    parse(STR("many\n\tword=x\ntext=y\nwhen=9"), &a, &got), 0);
	assert_int_equal(got.when, 9);
	assert_str(got.text, "y");
	assert_int_equal(got.one.n, 0);
	assert_int_equal(got.many.n, 1);
	assert_int_equal(parse(STR(""), &a, &got), 0);
	/* What breaks the shape is not printed. */
	v.one.word = STR("a\nb");
	assert_int_equal(shape_print(&outer_shape, &v, &out), -EINVAL);
	v.one.word = STR("one");
	buf_done(&out);
	buf_init(&out, 20);
	assert_int_equal(shape_print(&outer_shape, &v, &out), -EMSGSIZE);
	buf_done(&out);
	arena_done(&a);
}

static void
bad(void **state)
{
	static const struct {
		const char *in;
		int error;
	} cases[] = {
	    {"what=1\n", -EPROTONOSUPPORT},
	    {"one\n\twhat=1\n", -EPROTONOSUPPORT},
	    {"\n", -EPROTONOSUPPORT},
	    {"when\n", -EPROTO},
	    {"when=\n", -EPROTO},
	    {"when=-\n", -EPROTO},
	    {"when=--1\n", -EPROTO},
	    {"when=1x\n", -EPROTO},
	    {"when=9223372036854775808\n", -EPROTO},
	    {"when=1\nwhen=1\n", -EPROTO},
	    {"one=1\n", -EPROTO},
	    {"many=1\n", -EPROTO},
	    {"many\nmany=1\n", -EPROTO},
	    {"one\n\tn=-1\n", -EPROTO},
	    {"one\n\tn=1001\n", -EPROTO},
	    {"one\n\tn=18446744073709551616\n", -EPROTO},
	    {"one\n\tword=01234567890\n", -EPROTO},
	    {"one\n\tword=a%0Ab\n", -EPROTO},
	    {"one\n\t\tn=1\n", -EPROTO},
	    {"\twhen=1\n", -EPROTO},
	    {"many\nmany\nmany\nmany\n", -EPROTO},
	    {"many\ntext=x\nmany\n", -EPROTO},
	    {"text=%\n", -EPROTO},
	    {"text=%4\n", -EPROTO},
	    {"text=%4", -EPROTO},
	    {"text=%4g\n", -EPROTO},
	    {"text=%4a\n", -EPROTO},
	    {"text=\x01\n", -EPROTO},
	    {"text=\xc3\xa4\n", -EPROTO},
	    {"text=x\r\n", -EPROTO},
	};
	struct outer got;
	struct arena a;

	(void)state;
	arena_init(&a, 10000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
		    parse(str_c(cases[i].in), &a, &got), cases[i].error);
	arena_done(&a);
	/* An arena that is too small is refused, not met. */
	arena_init(&a, 200);
	assert_int_equal(parse(STR(TEXT), &a, &got), -EPROTO);
	arena_done(&a);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(there_and_back),
    cmocka_unit_test(bad),
};

TAP_RUN(tests)
