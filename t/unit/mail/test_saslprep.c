/* SPDX-License-Identifier: ISC */
/* SASLprep: the examples of RFC 4013 section 3, what is typed in several ways,
 * and what is no text at all. */
#include "guard.h"
#include "tap.h"

#include "mail/saslprep.h"
#include "mail/secrets.h"

#include <errno.h>

static const struct {
	const char *in, *out;
} good[] = {
    /* RFC 4013 section 3: 1 to 5 */
    {"I\xc2\xadX", "IX"},
    {"user", "user"},
    {"USER", "USER"},
    {"\xc2\xaa", "a"},
    {"\xe2\x85\xa8", "IX"},
    /* "ü", "ñ", and a syllable of Hangul: one character or several */
    {"gr\xc3\xbcn", "gr\xc3\xbcn"},
    {"gru\xcc\x88n", "gr\xc3\xbcn"},
    {"man\xcc\x83"
     "ana",
	"ma\xc3\xb1"
	"ana"},
    {"\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c"},
    /* spaces that are wider, or do not break (C.1.2) */
    {"a\xc2\xa0"
     "b\xe3\x80\x80"
     "c",
	"a b c"},
    {" !~", " !~"},
    /* mapped to nothing (B.1): a joiner, a selector */
    {"a\xe2\x80\x8d"
     "b\xef\xb8\x8f"
     "c",
	"abc"},
    /* right to left, all of it */
    {"\xd8\xa7\x31\xd8\xa8", "\xd8\xa7\x31\xd8\xa8"},
    /* Later than Unicode 3.2: itself. */
    {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
};

static const char *const bad[] = {
    /* RFC 4013 section 3: 6 and 7 */
    "\x07",
    "\xd8\xa7\x31",
    "",
    "\xc2\xad",
    "a\x7f",
    "\t",
    "\xc2\x85",         /* controls (C.2) */
    "\xee\x80\x80",     /* private (C.3) */
    "\xef\xbf\xbe",     /* none (C.4) */
    "\xef\xbf\xbd",     /* (C.6) */
    "\xe2\xbf\xb0",     /* (C.7) */
    "\xe2\x80\xae",     /* (C.8) */
    "\xf3\xa0\x80\x81", /* tags (C.9) */
    /* Not UTF-8: Latin-1, cut off, too long, surrogates, too large. */
    "gr\xfcn",
    "\xc3",
    "a\xe2\x85",
    "\xf0\x9f\x98",
    "\xc0\xaf",
    "\xe0\x80\xaf",
    "\xed\xa0\x80",
    "\xf4\x90\x80\x80",
    "\x80",
    "\xff",
    "\xf8\x88\x80\x80\x80",
};

static int
prepare(struct str in, struct buf *out)
{
	struct str guarded = guard_copy(in);
	int r;

	buf_reset(out);
	r = saslprep(guarded, out);
	guard_free(guarded);
	return r;
}

static void
test_good(void **state)
{
	BUF_CLEANUP struct buf b = {0};

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(prepare(str_c(good[i].in), &b), 0);
		assert_string_equal(b.p, good[i].out);
		/* Once is enough. */
		assert_int_equal(prepare(str_c(good[i].out), &b), 0);
		assert_string_equal(b.p, good[i].out);
	}
}

static void
test_bad(void **state)
{
	BUF_CLEANUP struct buf b = {0};

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(prepare(str_c(bad[i]), &b), -EINVAL);
		assert_int_equal(b.len, 0);
		assert_int_equal(saslprep_or_same(str_c(bad[i]), &b), 0);
		assert_string_equal(b.p, bad[i]);
	}
	assert_int_equal(prepare(STR("\xc3\xbc\0\xc3\xbc"), &b), -EINVAL);
}

/* One character of Arabic becomes eighteen. */
static void
test_bounds(void **state)
{
	static char much[SASLPREP_MAX + 1];
	BUF_CLEANUP struct buf b = {0}, small = {0};

	(void)state;
	buf_init(&b, SASLPREP_MAX);
	buf_init(&small, 4);
	memset(much, 'a', sizeof(much));
	assert_int_equal(prepare(str_n(much, SASLPREP_MAX), &b), 0);
	assert_int_equal(b.len, SASLPREP_MAX);
	assert_int_equal(prepare(str_n(much, SASLPREP_MAX + 1), &b), -EMSGSIZE);
	for (size_t i = 0; i + 3 <= SASLPREP_MAX; i += 3)
		memcpy(much + i, "\xef\xb7\xba", 3);
	assert_int_equal(prepare(str_n(much, 3), &b), 0);
	assert_int_equal(
	    prepare(str_n(much, SASLPREP_MAX / 3 * 3), &b), -EMSGSIZE);
	buf_reset(&b);
	assert_int_equal(
	    saslprep_or_same(str_n(much, SASLPREP_MAX / 3 * 3), &b), 0);
	assert_memory_equal(b.p, much, SASLPREP_MAX / 3 * 3);
	assert_int_equal(prepare(STR("12345"), &small), -EMSGSIZE);
	assert_int_equal(prepare(STR("123\xc3\xbc"), &small), -EMSGSIZE);
}

static void
test_names(void **state)
{
	BUF_CLEANUP struct buf b = {0};
	char much[4 * SECRETS_USER_MAX + 1];

	(void)state;
	buf_init(&b, sizeof(much) + 1);
	assert_int_equal(secrets_fold(STR("Ju\xcc\x88rgen@X.test"), &b), 0);
	assert_string_equal(b.p, "j\xc3\xbcrgen@x.test");
	assert_true(secrets_is_named(STR("J\xc3\xbcRGEN@x.test"), buf_str(&b)));
	assert_false(secrets_is_named(STR("jurgen@x.test"), buf_str(&b)));
	/* SECURITY: a wide colon is a colon then. */
	buf_reset(&b);
	assert_int_equal(secrets_fold(STR("a\xef\xbc\x9a"), &b), 0);
	assert_false(secrets_is_user(buf_str(&b)));
	/* Nor is much time spent on what is too long to be a name. */
	memset(much, '\xcc', sizeof(much));
	assert_int_equal(
	    secrets_fold(str_n(much, sizeof(much)), &b), -EMSGSIZE);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_good),
    cmocka_unit_test(test_bad),
    cmocka_unit_test(test_bounds),
    cmocka_unit_test(test_names),
};

TAP_RUN(tests)
