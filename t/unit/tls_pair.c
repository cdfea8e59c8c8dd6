/* SPDX-License-Identifier: ISC */
#include "tls_pair.h"

#include "base/task.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

static void
need(bool ok)
{
	if (!ok)
		abort();
}

EVP_PKEY *
pair_key(const char *type)
{
	EVP_PKEY *key;

	if (strcmp(type, "RSA") == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, type, (size_t)2048);
	else if (strcmp(type, "ED25519") == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, type);
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", type);
	need(key != NULL);
	return key;
}

void
pair_certify(
    EVP_PKEY *key, const char *name, const char *alt, struct buf *ret_pem)
{
	X509 *x = X509_new();
	X509_NAME *subject = X509_get_subject_name(x);
	BIO *out = BIO_new(BIO_s_mem());
	bool is_ed = EVP_PKEY_is_a(key, "ED25519");
	char *pem;
	long n;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
	    (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, subject);
	if (alt != NULL) {
		X509_EXTENSION *e =
		    X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alt);

		need(e != NULL);
		X509_add_ext(x, e, -1);
		X509_EXTENSION_free(e);
	}
	need(X509_sign(x, key, is_ed ? NULL : EVP_sha256()) > 0);
	need(PEM_write_bio_X509(out, x) == 1);
	n = BIO_get_mem_data(out, &pem);
	buf_init(ret_pem, 1 << 16);
	buf_add(ret_pem, pem, (size_t)n);
	BIO_free(out);
	X509_free(x);
}

static const EVP_MD *
digest_of(enum tls_scheme scheme)
{
	switch (scheme) {
	case TLS_RSA_PKCS1_SHA256:
	case TLS_RSA_PSS_SHA256:
	case TLS_ECDSA_SHA256:
		return EVP_sha256();
	case TLS_RSA_PKCS1_SHA384:
	case TLS_RSA_PSS_SHA384:
	case TLS_ECDSA_SHA384:
		return EVP_sha384();
	case TLS_RSA_PKCS1_SHA512:
	case TLS_RSA_PSS_SHA512:
	case TLS_ECDSA_SHA512:
		return EVP_sha512();
	case TLS_ED25519:
		break;
	}
	return NULL;
}

static int
sign(struct tls_signer *signer, enum tls_scheme scheme, struct str message,
    struct buf *ret)
{
	struct pair_signer *s = (struct pair_signer *)signer;
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t n = TLS_SIGNATURE_MAX;
	EVP_PKEY_CTX *k;

	if (s->wait > 0 && task_sleep(clock_after(rand() % s->wait)) < 0) {
		EVP_MD_CTX_free(c);
		return -ECANCELED;
	}
	s->nsigned++;
	memcpy(s->last, message.p,
	    message.len < sizeof(s->last) ? message.len : sizeof(s->last));
	need(EVP_DigestSignInit(c, &k, digest_of(scheme), NULL, s->key) == 1);
	if ((scheme & 0xff00) == 0x0800 && scheme != TLS_ED25519)
		need(EVP_PKEY_CTX_set_rsa_padding(k, RSA_PKCS1_PSS_PADDING) ==
			 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(
			 k, RSA_PSS_SALTLEN_DIGEST) == 1);
	need(EVP_DigestSign(c, (unsigned char *)buf_room(ret, n), &n,
		 (const unsigned char *)message.p, message.len) == 1);
	buf_grew(ret, n);
	EVP_MD_CTX_free(c);
	return s->refuses ? -EACCES : 0;
}

static void
count_free(struct tls_signer *signer)
{
	((struct pair_signer *)signer)->nfreed++;
}

void
pair_signer_init(struct pair_signer *s, EVP_PKEY *key)
{
	*s = (struct pair_signer){
	    .signer = {sign, count_free}, .key = key, .wait = 0};
}
