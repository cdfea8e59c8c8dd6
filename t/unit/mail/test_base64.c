/* SPDX-License-Identifier: ISC */
#include "guard.h"
#include "tap.h"

#include "mail/base64.h"

#include <errno.h>

static void
test_vectors(void **state)
{
	/* RFC 4648 section 10, and bytes of every value. */
	static const struct {
		const char *plain, *text;
	} cases[] = {
	    {"", ""},
	    {"f", "Zg=="},
	    {"fo", "Zm8="},
	    {"foo", "Zm9v"},
	    {"foob", "Zm9vYg=="},
	    {"fooba", "Zm9vYmE="},
	    {"foobar", "Zm9vYmFy"},
	    {"\xff\xfe\xfd", "//79"},
	    {"\xfb\xef\xbe", "++++"},
	};
	BUF_CLEANUP struct buf b = {0};

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str plain = guard_copy(str_c(cases[i].plain));
		struct str text = guard_copy(str_c(cases[i].text));

		buf_reset(&b);
		assert_int_equal(base64_encode(plain, &b), 0);
		assert_str(buf_str(&b), cases[i].text);
		assert_int_equal(base64_encoded_len(plain.len), text.len);
		buf_reset(&b);
		assert_int_equal(base64_decode(text, &b), 0);
		assert_str(buf_str(&b), cases[i].plain);
		guard_free(plain);
		guard_free(text);
	}
}

static void
test_malformed(void **state)
{
	static const char *const bad[] = {
	    "=",
	    "==",
	    "====",
	    "A===",
	    "A",
	    "AA",
	    "AAA",
	    "AAAAA",
	    "AA==AAAA",
	    "AA=A",
	    "=AAA",
	    "A=AA",
	    " AAA",
	    "AAA ",
	    "AA\nA",
	    "AA-_",
	    "AA\xc3\xa4",
	    "Zh==", /* bits that stand for nothing */
	    "Zm9=",
	    "Zm9vZh==",
	};
	BUF_CLEANUP struct buf b = {0};

	(void)state;
	buf_init(&b, 100);
	buf_add_c(&b, "was");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct str text = guard_copy(str_c(bad[i]));

		assert_int_equal(base64_decode(text, &b), -EINVAL);
		assert_string_equal(b.p, "was");
		assert_int_equal(b.len, 3);
		guard_free(text);
	}
	assert_int_equal(base64_decode(STR("A\0AA"), &b), -EINVAL);
}

static void
test_maximum(void **state)
{
	BUF_CLEANUP struct buf b = {0};

	(void)state;
	buf_init(&b, 3);
	assert_int_equal(base64_encode(STR("f"), &b), -EMSGSIZE);
	assert_int_equal(base64_decode(STR("Zm9v"), &b), 0);
	assert_int_equal(base64_decode(STR("Zg=="), &b), -EMSGSIZE);
	assert_str(buf_str(&b), "foo");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_vectors),
    cmocka_unit_test(test_malformed),
    cmocka_unit_test(test_maximum),
};

TAP_RUN(tests)
