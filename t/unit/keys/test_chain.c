/* SPDX-License-Identifier: ISC */
#include "guard.h"
#include "made.h"
#include "tap.h"

#include "chain.h"

#include <errno.h>

static EVP_PKEY *rsa, *ec, *ed, *other;

static struct buf
text(void)
{
	struct buf b;

	buf_init(&b, 1000000);
	return b;
}

static int
make(const struct buf *certs, const struct buf *key, struct chain_list *ret,
    struct buf *why)
{
	struct chain_reader r = {0}, k = {0};
	struct str copy = guard_copy(buf_str(certs));
	int e = chain_reader_add(&r, copy, why);

	if (e == 0 && key != NULL)
		e = chain_reader_add(&k, buf_str(key), why);
	if (e == 0)
		e = chain_reader_make(
		    &r, key != NULL ? &k : NULL, MADE_NOW, ret, why);
	chain_reader_done(&r);
	chain_reader_done(&k);
	guard_free(copy);
	return e;
}

static void
refuses(struct buf *certs, struct buf *key, const char *reason)
{
	BUF_CLEANUP struct buf why = {0};
	struct chain_list l = {0};

	buf_init(&why, 1000);
	assert_int_equal(make(certs, key, &l, &why), -EINVAL);
	assert_int_equal(l.n, 0);
	if (strstr(why.p, reason) == NULL)
		fail_msg("%s, and not %s", why.p, reason);
	buf_done(certs);
	if (key != NULL)
		buf_done(key);
}

/* Keys, each with its chain, of three kinds; other things stand between. */
static void
chains_of_one_text(void **state)
{
	BUF_CLEANUP struct buf b = text(), why = text();
	BUF_CLEANUP struct buf second = text();
	struct chain_list l;

	(void)state;
	buf_add_c(&b, "# of my host\n");
	made_key(rsa, &b);
	made_cert(rsa, "a.test", -MADE_DAY, MADE_DAY, &b);
	buf_add_c(&b, "-----BEGIN DH PARAMETERS-----\nMAA=\n"
		      "-----END DH PARAMETERS-----\n");
	made_cert(other, "ca.test", -MADE_DAY, MADE_DAY, &b);
	made_key(ec, &b);
	made_cert(ec, "b.test", -MADE_DAY, MADE_DAY, &second);
	buf_add_str(&b, buf_str(&second));
	made_key(ed, &b);
	made_cert(ed, "c.test", -MADE_DAY, MADE_DAY, &b);
	assert_int_equal(make(&b, NULL, &l, &why), 0);
	assert_int_equal(l.n, 3);
	assert_int_equal(EVP_PKEY_get_base_id(l.at[0]->key), EVP_PKEY_RSA);
	assert_string_equal(l.at[1]->pem.p, second.p);
	assert_memory_not_equal(l.at[0]->id, l.at[1]->id, KEYS_ID);
	assert_ptr_equal(
	    chain_list_find(&l, str_n((char *)l.at[2]->id, KEYS_ID)), l.at[2]);
	assert_null(chain_list_find(&l, STR("x")));
	assert_null(chain_list_find(&l, STR_NONE));
	chain_list_done(&l);
}

static void
a_pair_of_files(void **state)
{
	BUF_CLEANUP struct buf cert = text(), key = text(), why = text();
	struct chain_list l;

	(void)state;
	made_cert(ec, "b.test", -MADE_DAY, MADE_DAY, &cert);
	made_key(ec, &cert); /* both in one file, in either order */
	assert_int_equal(make(&cert, &cert, &l, &why), 0);
	assert_int_equal(l.n, 1);
	chain_list_done(&l);
	made_key(rsa, &key);
	assert_int_equal(make(&cert, &key, &l, &why), -EINVAL);
}

static void
what_is_not_right(void **state)
{
	struct buf b = text(), k = text();
	EVP_PKEY *dsa = NULL;

	(void)state;
	refuses(&b, NULL, "there is no private key");
	b = text();
	made_key(rsa, &b);
	refuses(&b, NULL, "no certificate");
	b = text();
	made_cert(rsa, "a.test", -MADE_DAY, MADE_DAY, &b);
	made_key(rsa, &b);
	refuses(&b, NULL, "before the first private key");
	b = text();
	made_key(rsa, &b);
	made_cert(other, "a.test", -MADE_DAY, MADE_DAY, &b);
	refuses(&b, NULL, "not of the private key");
	b = text();
	made_key(rsa, &b);
	made_cert(rsa, "a.test", -2 * MADE_DAY, -MADE_DAY, &b);
	refuses(&b, NULL, "expired");
	b = text();
	made_key(rsa, &b);
	made_cert(rsa, "a.test", MADE_DAY, 2 * MADE_DAY, &b);
	refuses(&b, NULL, "not valid yet");
	/* One that is bad spoils the others of its text. */
	b = text();
	made_key(ec, &b);
	made_cert(ec, "b.test", -MADE_DAY, MADE_DAY, &b);
	made_key(rsa, &b);
	refuses(&b, NULL, "no certificate");
	b = text();
	made_cert(rsa, "a.test", -MADE_DAY, MADE_DAY, &b);
	k = text();
	made_key(other, &k);
	refuses(&b, &k, "not of the private key");
	b = text();
	buf_add_c(&b, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n"
		      "-----END ENCRYPTED PRIVATE KEY-----\n");
	refuses(&b, NULL, "is encrypted");
	b = text();
	buf_add_c(&b, "-----BEGIN RSA PRIVATE KEY-----\n"
		      "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n"
		      "MAA=\n-----END RSA PRIVATE KEY-----\n");
	refuses(&b, NULL, "is encrypted");
	b = text();
	buf_add_c(&b, "-----BEGIN PRIVATE KEY-----\nMAA=\n"
		      "-----END PRIVATE KEY-----\n");
	refuses(&b, NULL, "PRIVATE KEY is none");
	b = text();
	buf_add_c(&b, "-----BEGIN CERTIFICATE-----\nMAA=\n"
		      "-----END CERTIFICATE-----\n");
	refuses(&b, NULL, "CERTIFICATE is none");
	dsa = EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
	b = text();
	made_key(dsa, &b);
	made_cert(rsa, "a.test", -MADE_DAY, MADE_DAY, &b);
	refuses(&b, NULL, "no use in TLS");
	EVP_PKEY_free(dsa);
}

static void
too_much(void **state)
{
	struct buf b = text();

	(void)state;
	for (int i = 0; i <= KEYS_CHAINS_MAX; i++) {
		made_key(ec, &b);
		made_cert(ec, "b.test", -MADE_DAY, MADE_DAY, &b);
	}
	refuses(&b, NULL, "too many private keys");
	b = text();
	for (int i = 0; i <= CHAIN_ITEMS_MAX; i++)
		made_key(ec, &b);
	refuses(&b, NULL, "too many keys and certificates");
	buf_init(&b, 2 * CHAIN_TEXT_MAX);
	while (b.len <= CHAIN_TEXT_MAX)
		buf_add_c(&b, "#\n");
	refuses(&b, NULL, "too large");
}

/* Cut short at any place, and with any byte spoiled, it is a reason or a
 * chain, and never anything else. */
static void
spoiled(void **state)
{
	BUF_CLEANUP struct buf whole = text(), b = text(), why = text();
	struct chain_list l;

	(void)state;
	made_key(ec, &whole);
	made_cert(ec, "b.test", -MADE_DAY, MADE_DAY, &whole);
	for (size_t i = 0; i + 1 < whole.len; i++) {
		buf_reset(&b);
		buf_reset(&why);
		buf_add(&b, whole.p, i);
		assert_int_equal(make(&b, NULL, &l, &why), -EINVAL);
		assert_true(why.len > 0);
		buf_reset(&b);
		buf_reset(&why);
		buf_add_str(&b, buf_str(&whole));
		b.p[i] ^= 0x55;
		if (make(&b, NULL, &l, &why) == 0)
			chain_list_done(&l);
		else
			assert_true(why.len > 0);
	}
}

static int
make_keys(void **state)
{
	(void)state;
	rsa = EVP_RSA_gen(2048);
	other = EVP_RSA_gen(2048);
	ec = EVP_EC_gen("P-256");
	ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	return rsa == NULL || other == NULL || ec == NULL || ed == NULL;
}

static int
free_keys(void **state)
{
	(void)state;
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(other);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(ed);
	return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(chains_of_one_text, make_keys, free_keys),
    cmocka_unit_test_setup_teardown(a_pair_of_files, make_keys, free_keys),
    cmocka_unit_test_setup_teardown(what_is_not_right, make_keys, free_keys),
    cmocka_unit_test_setup_teardown(too_much, make_keys, free_keys),
    cmocka_unit_test_setup_teardown(spoiled, make_keys, free_keys),
};

TAP_RUN(tests)
