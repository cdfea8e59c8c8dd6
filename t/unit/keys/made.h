/* SPDX-License-Identifier: ISC */
/* made - keys and certificates that a test needs, as PEM. */
#ifndef T_KEYS_MADE_H
#define T_KEYS_MADE_H

#include "base/buf.h"

#include <assert.h>
#include <openssl/dsa.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

#define MADE_NOW time(NULL)
#define MADE_DAY 86400L

static inline void
made_bio(BIO *bio, struct buf *ret)
{
	char *p;
	long len = BIO_get_mem_data(bio, &p);

	buf_add(ret, p, (size_t)len);
	BIO_free(bio);
}

static inline void
made_key(EVP_PKEY *key, struct buf *ret)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert(
	    PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL));
	made_bio(bio, ret);
}

/* Valid from `from` to `to` seconds from MADE_NOW. */
static inline void
made_cert(EVP_PKEY *key, const char *name, long from, long to, struct buf *ret)
{
	BIO *bio = BIO_new(BIO_s_mem());
	time_t now = MADE_NOW;
	X509 *x = X509_new();

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_time_adj(X509_getm_notBefore(x), from, &now);
	X509_time_adj(X509_getm_notAfter(x), to, &now);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	assert(X509_set_pubkey(x, key));
	assert(X509_sign(x, key,
		   EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519
		       ? NULL
		       : EVP_sha256()) > 0);
	assert(PEM_write_bio_X509(bio, x));
	made_bio(bio, ret);
	X509_free(x);
}

/* A message of TLS 1.3 to sign, by `side`: "server", "client". */
static inline void
made_message(const char *side, size_t hash, struct buf *ret)
{
	for (int i = 0; i < 64; i++)
		buf_add_char(ret, ' ');
	buf_addf(ret, "TLS 1.3, %s CertificateVerify", side);
	buf_add(ret, "", 1);
	for (size_t i = 0; i < hash; i++)
		buf_add_char(ret, (char)(i * 7));
}

#endif
