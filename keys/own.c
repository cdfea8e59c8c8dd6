/* SPDX-License-Identifier: ISC */
/* own - a certificate that the host signs itself. */
#include "own.h"

#include "secret.h"

#include "base/log.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX  (64 * 1024)
#define YEARS     10
#define DAY       (24L * 60 * 60)
#define CN_MAX    64  /* RFC 5280, ub-common-name */
#define SERIAL    127 /* bits */
#define NAME_ROOM 300

static bool
set_serial(X509 *cert)
{
	BIGNUM *n = BN_new();
	bool ok = n != NULL &&
	          BN_rand(n, SERIAL, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
	          BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) != NULL;

	BN_free(n);
	return ok;
}

static bool
set_name(X509 *cert, struct str hostname)
{
	X509_NAME *name = X509_get_subject_name(cert);
	size_t len = hostname.len > CN_MAX ? CN_MAX : hostname.len;

	return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_ASC,
		   (const unsigned char *)hostname.p, (int)len, -1, 0) &&
	       X509_set_issuer_name(cert, name);
}

static bool
add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *e;
	bool ok;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	ok = e != NULL && X509_add_ext(cert, e, -1);
	X509_EXTENSION_free(e);
	return ok;
}

static bool
add_extensions(X509 *cert, struct str hostname)
{
	char alt[NAME_ROOM];

	snprintf(alt, sizeof(alt), "DNS:%.*s", STR_ARG(hostname));
	return add_extension(
		   cert, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(
		   cert, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(cert, NID_ext_key_usage, "serverAuth") &&
	       add_extension(cert, NID_subject_key_identifier, "hash") &&
	       add_extension(cert, NID_subject_alt_name, alt);
}

static X509 *
make_cert(EVP_PKEY *key, struct str hostname, time_t now)
{
	X509 *cert = X509_new();

	if (cert != NULL && X509_set_version(cert, X509_VERSION_3) &&
	    set_serial(cert) && set_name(cert, hostname) &&
	    X509_set_pubkey(cert, key) &&
	    X509_time_adj_ex(X509_getm_notBefore(cert), -1, 0, &now) &&
	    X509_time_adj_ex(
		X509_getm_notAfter(cert), YEARS * 365 + 2, 0, &now) &&
	    add_extensions(cert, hostname) &&
	    X509_sign(cert, key, EVP_sha256()) > 0)
		return cert;
	X509_free(cert);
	return NULL;
}

/* As PEM, the key first. */
static int
make_text(struct str hostname, time_t now, struct buf *ret)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = key == NULL ? NULL : make_cert(key, hostname, now);
	BIO *bio = BIO_new(BIO_s_mem());
	int e = -EIO;
	char *p;
	long len;

	if (bio != NULL && cert != NULL &&
	    PEM_write_bio_PKCS8PrivateKey(
		bio, key, NULL, NULL, 0, NULL, NULL) &&
	    PEM_write_bio_X509(bio, cert)) {
		len = BIO_get_mem_data(bio, &p);
		e = buf_add(ret, p, (size_t)len);
	}
	BIO_free(bio);
	X509_free(cert);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return e;
}

static int
read_text(struct str text, time_t now, struct chain_list *ret, struct buf *why)
{
	struct chain_reader r = {0};
	int e = chain_reader_add(&r, text, why);

	if (e == 0)
		e = chain_reader_make(&r, NULL, now, ret, why);
	chain_reader_done(&r);
	return e;
}

/* What was longer is blank lines behind it. */
static int
write_text(int fd, struct buf *text, size_t old_len)
{
	while (text->len < old_len)
		buf_add_char(text, '\n');
	if (pwrite(fd, text->p, text->len, 0) != (ssize_t)text->len)
		return -EIO;
	return fsync(fd) < 0 ? -errno : 0;
}

static int
make_anew(int fd, struct str hostname, time_t now, struct buf *text,
    struct chain_list *ret, struct buf *why)
{
	size_t old_len = text->len;
	int e;

	buf_reset(text);
	e = make_text(hostname, now, text);
	if (e == 0)
		e = read_text(buf_str(text), now, ret, why);
	if (e < 0) {
		buf_add_c(why, "a self-signed certificate cannot be made");
		return e;
	}
	log_info("made a self-signed certificate for %.*s", STR_ARG(hostname));
	e = fd < 0 ? 0 : write_text(fd, text, old_len);
	if (e < 0)
		log_warning("the self-signed certificate cannot be kept: %s: "
			    "the next start makes another",
		    strerror(-e));
	return 0;
}

int
own_open(int fd, struct str hostname, time_t now, struct chain_list *ret,
    struct buf *why)
{
	SECRET_CLEANUP struct buf text = {0};
	int e = 0;

	if (fd >= 0)
		e = secret_read(fd, FILE_MAX, &text);
	else
		secret_init(&text, FILE_MAX);
	if (e < 0) {
		buf_addf(why, "it cannot be read: %s", strerror(-e));
		return e;
	}
	if (text.len > 0 && read_text(buf_str(&text), now, ret, why) == 0)
		return 0;
	if (text.len > 0)
		log_warning("the kept self-signed certificate: %s", why->p);
	buf_reset(why);
	return make_anew(fd, hostname, now, &text, ret, why);
}
