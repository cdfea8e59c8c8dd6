/* SPDX-License-Identifier: ISC */
/* The hashes of "pencil" are those that doveadm pw(1) made. */
#include "guard.h"
#include "tap.h"

#include "mail/password.h"

#include <errno.h>

static const char *const hashes[] = {
    "{SSHA256}rV/gTl4VYSdUVWY2B6UvvVEFZSlXsN1DbQY/fZ6vF8B8CX3p",
    "{SHA256}E4CWaPtDY4Zwb2fcsFLtWEoEuhaowCoX1m00ww/O2iE=",
    "{SSHA512}mPsxyG+1gPfxvjLRjGEVoSvtuRsFZ1Ginn6473rc68lb7seaKwAlLAmp592J+ea2"
    "CWHzzrWgCPdT9fOOutbu2JHTd0w=",
    "{SHA512}Gd8Bqrgo+NUINrp1cJcTrtInM1344YZDkYXAbJF6Kn03cat24wfPo7a4nvGmaC1mg"
    "d3xGISHDl3hPnk/uVXu6w==",
    "{SCRAM-SHA-1}4096,CMXVwLdR2qnNk5aGAJUUvQ==,L4Cj3SxQynU3Dhn05pfiY1Am4Q4=,"
    "+ZCbxo/GNdQBUU6mBGG01jqHrQc=",
    "{SCRAM-SHA-256}4096,1w7WNNADb+S+MBDH5dTQ2Q==,"
    "2AR37QspQR39i6wtuwFWGNxuolqUE1vCNCTL0FayiFQ=,"
    "d4Q9auhPO/Iz2qH+E20Z1TOWGFpCQXvanwNnRM6msCE=",
    "{SHA512-CRYPT}$6$rounds=1000$MqEYCOpHwtMLyTde$YlIEJkWeQ0DmF8esJCnBqOoWDyC"
    "2v6Mik8qM9ZLJAyuKs7dTdsufR88zqYgvB92feOXKpTED01y9O72rzhFRC/",
    "{SHA256-CRYPT}$5$rounds=1000$NcgufSTL1.XQ9lNy$vPqhRE97F8HFPHv2Jt6Fve2syDZ"
    "tNcUz0X78zH.cfC3",
    "{BLF-CRYPT}$2y$05$yfUSacu0C2BvJNaNqhihsetNM5yBsy251trMEQ1l8JaGO2wwowgJe",
    "$2y$05$yfUSacu0C2BvJNaNqhihsetNM5yBsy251trMEQ1l8JaGO2wwowgJe",
    "{PLAIN}pencil",
    "{cleartext}pencil",
};
#define NHASHES (sizeof(hashes) / sizeof(hashes[0]))

static bool
matches(struct str text, struct str password)
{
	struct str in = guard_copy(text), word = guard_copy(password);
	struct secrets s;
	const char *why;
	bool is_right;

	assert_int_equal(secrets_parse(in, &s, &why), 0);
	assert_int_equal(s.n, 1);
	is_right = password_matches(&s.list[0], word);
	guard_free(in);
	guard_free(word);
	return is_right;
}

static void
test_schemes(void **state)
{
	(void)state;
	for (size_t i = 0; i < NHASHES; i++) {
		if (!matches(str_c(hashes[i]), STR("pencil")))
			fail_msg("%s is not found right", hashes[i]);
		assert_false(matches(str_c(hashes[i]), STR("Pencil")));
		assert_false(matches(str_c(hashes[i]), STR("pencil ")));
		assert_false(matches(str_c(hashes[i]), STR_NONE));
		assert_false(matches(str_c(hashes[i]), STR("pencil\0")));
	}
}

/* Cut short at each byte, no hash is of any password. */
static void
test_broken(void **state)
{
	static const char *const bad[] = {"{NTLM}pencil", "!", "*",
	    "!$2y$05$yfUSacu0C2BvJNaNqhihsetNM5yBsy251trMEQ1l8JaGO2wwowgJe",
	    "{PLAIN}!pencil", "{CRYPT}", "{CRYPT}x", "{CRYPT}$y$", "{SSHA256}",
	    "{SSHA256}====", "{SCRAM-SHA-256}0,c2FsdA==,AA==,AA==",
	    "{SCRAM-SHA-256}4096,,,", "{SCRAM-SHA-256}4294967297,c2FsdA==,,"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(matches(str_c(bad[i]), STR("pencil")));
		assert_false(matches(str_c(bad[i]), STR("!pencil")));
	}
	for (size_t i = 0; i + 3 < NHASHES; i++) {
		struct str whole = str_c(hashes[i]);
		size_t from =
		    whole.p[0] == '{' ? (size_t)str_find(whole, '}') + 1 : 0;

		for (size_t n = from; n + 1 < whole.len; n += 7)
			assert_false(
			    matches(str_sub(whole, 0, n), STR("pencil")));
	}
}

static void
test_make(void **state)
{
	static const char *const schemes[] = {
	    "CRYPT", "SSHA256", "SCRAM-SHA-1", "SCRAM-SHA-256"};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		BUF_CLEANUP struct buf b = {0}, again = {0};
		struct str scheme = str_c(schemes[i]);

		buf_init(&b, PASSWORD_HASH_MAX);
		buf_init(&again, PASSWORD_HASH_MAX);
		assert_int_equal(
		    password_make(scheme, STR("s\xc3\xa9same"), NULL, &b), 0);
		assert_int_equal(
		    password_make(scheme, STR("s\xc3\xa9same"), NULL, &again),
		    0);
		assert_string_not_equal(b.p, again.p);
		assert_true(matches(buf_str(&b), STR("s\xc3\xa9same")));
		assert_true(matches(buf_str(&again), STR("s\xc3\xa9same")));
		assert_false(matches(buf_str(&b), STR("sesame")));
		assert_int_equal(
		    password_make(scheme, STR_NONE, NULL, &b), -EINVAL);
	}
	BUF_CLEANUP struct buf b = {0};
	buf_init(&b, PASSWORD_HASH_MAX);
	assert_int_equal(
	    password_make(STR("PLAIN"), STR("x"), NULL, &b), -EINVAL);
	assert_int_equal(
	    password_make(STR("CRYPT"), STR("x\0y"), NULL, &b), -EINVAL);
	assert_int_equal(b.len, 0);
}

/* Two keys with one salt: an exchange can be compared with both. */
static void
test_like(void **state)
{
	BUF_CLEANUP struct buf b = {0};
	struct password_scram one, two;
	struct secrets s;
	const char *why;

	(void)state;
	assert_int_equal(secrets_parse(str_c(hashes[5]), &s, &why), 0);
	assert_true(password_scram(&s.list[0], HMAC_SHA256, &one));
	assert_false(password_scram(&s.list[0], HMAC_SHA1, &two));
	assert_int_equal(one.iterations, 4096);
	buf_init(&b, PASSWORD_HASH_MAX);
	assert_int_equal(
	    password_make(STR("SCRAM-SHA-256"), STR("pencil"), &one, &b), 0);
	assert_string_equal(b.p, hashes[5]);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_schemes),
    cmocka_unit_test(test_broken),
    cmocka_unit_test(test_make),
    cmocka_unit_test(test_like),
};

TAP_RUN(tests)
