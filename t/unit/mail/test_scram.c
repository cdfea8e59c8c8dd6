/* SPDX-License-Identifier: ISC */
#include "guard.h"
#include "tap.h"

#include "mail/base64.h"
#include "mail/scram.h"

#include <errno.h>

static const char *
as_base64(struct buf *b, const unsigned char *p, size_t n)
{
	buf_reset(b);
	assert_int_equal(base64_encode(str_n((const char *)p, n), b), 0);
	return b->p;
}

/* RFC 5802 section 5 and RFC 7677 section 3. */
static const struct exchange {
	enum hmac_hash hash;
	const char *salt, *auth, *proof, *signature;
} exchanges[] = {
    {HMAC_SHA1, "QSXCR+Q6sek8bf92",
	"n=user,r=fyko+d2lbbFgONRv9qkxdawL,"
	"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
	"s=QSXCR+Q6sek8bf92,i=4096,"
	"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
	"v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {HMAC_SHA256, "W22ZaJ0SNY7soEsUEjb6gQ==",
	"n=user,r=rOprNGfwEbeRWgbNEkqO,"
	"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
	"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
	"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
};

static void
test_exchanges(void **state)
{
	BUF_CLEANUP struct buf salt = {0}, b = {0};

	(void)state;
	buf_init(&salt, 100);
	buf_init(&b, 100);
	for (size_t i = 0; i < 2; i++) {
		const struct exchange *x = &exchanges[i];
		unsigned char salted[HMAC_MAX], out[HMAC_MAX];
		size_t n = hmac_size(x->hash);
		struct scram_keys k;

		buf_reset(&salt);
		assert_int_equal(base64_decode(str_c(x->salt), &salt), 0);
		scram_salt(
		    x->hash, STR("pencil"), buf_str(&salt), 4096, salted);
		scram_keys(x->hash, salted, &k);
		scram_proof(x->hash, &k, str_c(x->auth), out);
		assert_string_equal(as_base64(&b, out, n), x->proof);

		struct str proof = str_n((char *)out, n);
		assert_true(
		    scram_proof_is_good(x->hash, &k, str_c(x->auth), proof));
		assert_false(scram_proof_is_good(
		    x->hash, &k, STR("n=user,r=another"), proof));
		assert_false(scram_proof_is_good(
		    x->hash, &k, str_c(x->auth), str_sub(proof, 0, n - 1)));
		assert_false(
		    scram_proof_is_good(x->hash, &k, str_c(x->auth), STR_NONE));
		out[n - 1] ^= 1;
		assert_false(
		    scram_proof_is_good(x->hash, &k, str_c(x->auth), proof));

		scram_signature(x->hash, &k, str_c(x->auth), out);
		assert_string_equal(as_base64(&b, out, n), x->signature);
	}
}

/* RFC 2202 sections 2 and 3, RFC 4231 section 4.7 (a key of 131 bytes). */
static void
test_hmac(void **state)
{
	unsigned char out[HMAC_MAX];
	BUF_CLEANUP struct buf b = {0};
	char key[131];

	(void)state;
	buf_init(&b, 100);
	hmac(HMAC_MD5, STR("Jefe"), STR("what do ya want for nothing?"), out);
	assert_string_equal(as_base64(&b, out, 16), "dQx4PmqwtQPqqG4xCl23OA==");
	hmac(HMAC_SHA1, STR("Jefe"), STR("what do ya want for nothing?"), out);
	assert_string_equal(
	    as_base64(&b, out, 20), "7/zfauXrL6LSdBbV8YTfnCWafHk=");
	memset(key, 0xaa, sizeof(key));
	hmac(HMAC_SHA256, str_n(key, sizeof(key)),
	    STR("Test Using Larger Than Block-Size Key - Hash Key First"), out);
	assert_string_equal(as_base64(&b, out, 32),
	    "YOQxWR7gtn8Niiaqy/W3f44LxiE3KMUUBUYEDw7jf1Q=");
	hmac_digest(HMAC_MD5, STR_NONE, out);
	assert_string_equal(as_base64(&b, out, 16), "1B2M2Y8AsgTpgAmY7PhCfg==");
}

static void
test_attributes(void **state)
{
	struct str rest = guard_copy(STR("r=a=b,s=x,i=1")), value;
	struct str all = rest;

	(void)state;
	assert_false(scram_take(&rest, 's', &value));
	assert_true(scram_take(&rest, 'r', &value));
	assert_str(value, "a=b");
	assert_true(scram_take(&rest, 's', &value));
	assert_true(scram_take(&rest, 'i', &value));
	assert_str(value, "1");
	assert_int_equal(rest.len, 0);
	assert_false(scram_take(&rest, 'i', &value));
	guard_free(all);

	static const char *const bad[] = {
	    "", "r", "r=", "r=,s=x", "=r", ",r=x"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		rest = all = guard_copy(str_c(bad[i]));
		assert_false(scram_take(&rest, 'r', &value));
		guard_free(all);
	}
	assert_true(scram_is_nonce(STR("!~azAZ09+/=")));
	assert_false(scram_is_nonce(STR_NONE));
	assert_false(scram_is_nonce(STR("a,b")));
	assert_false(scram_is_nonce(STR("a b")));
	assert_false(scram_is_nonce(STR("a\x7f")));
	assert_false(scram_is_nonce(STR("a\xff")));
}

static void
test_names(void **state)
{
	static const char *const bad[] = {
	    "=", "=2", "=2c", "=3d", "=3", "a,b", "=41", "a=", "==3D"};
	BUF_CLEANUP struct buf b = {0}, back = {0};

	(void)state;
	buf_init(&b, 100);
	buf_init(&back, 10);
	assert_int_equal(scram_name_encode(STR("a,=b=2C"), &b), 0);
	assert_str(buf_str(&b), "a=2C=3Db=3D2C");
	assert_int_equal(scram_name_decode(buf_str(&b), &back), 0);
	assert_str(buf_str(&back), "a,=b=2C");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct str text = guard_copy(str_c(bad[i]));

		buf_reset(&back);
		assert_int_equal(scram_name_decode(text, &back), -EINVAL);
		guard_free(text);
	}
	buf_reset(&back);
	assert_int_equal(
	    scram_name_decode(STR("12345678901"), &back), -EMSGSIZE);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_exchanges),
    cmocka_unit_test(test_hmac),
    cmocka_unit_test(test_attributes),
    cmocka_unit_test(test_names),
};

TAP_RUN(tests)
