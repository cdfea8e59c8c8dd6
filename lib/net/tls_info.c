/* SPDX-License-Identifier: ISC */
/* tls_info - what a handshake told, and who the peer is. */
#include "net/tls_impl.h"

#include "base/log.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/* ---- the parts of a full handshake of TLS 1.3 ---- */

static const char *
curve_of(const EVP_PKEY *key)
{
	char name[64];
	int nid = NID_undef;

	if (EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) == 1)
		nid = OBJ_txt2nid(name);
	return nid == NID_undef ? "" : OBJ_nid2sn(nid);
}

static void
fill_kex(struct tls_info *info, SSL *ssl)
{
	EVP_PKEY *key;

	if (SSL_get_peer_tmp_key(ssl, &key) != 1)
		return;
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_EC:
		info->kex = "ECDHE";
		info->kex_curve = curve_of(key);
		break;
	case EVP_PKEY_DH:
		info->kex = "DHE";
		info->kex_bits = EVP_PKEY_get_bits(key);
		break;
	default:
		info->kex = OBJ_nid2sn(EVP_PKEY_get_base_id(key));
		break;
	}
	EVP_PKEY_free(key);
}

static void
fill_signature(struct tls_signature *g, const X509 *cert, int digest)
{
	const EVP_PKEY *key = X509_get0_pubkey(cert);

	if (key == NULL)
		return;
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		g->name = "RSA-PSS"; /* there is no other in TLS 1.3 */
		g->bits = EVP_PKEY_get_bits(key);
		break;
	case EVP_PKEY_EC:
		g->name = "ECDSA";
		g->curve = curve_of(key);
		break;
	default:
		g->name = OBJ_nid2sn(EVP_PKEY_get_base_id(key));
		break;
	}
	if (digest != NID_undef)
		g->digest = OBJ_nid2sn(digest);
}

static void
fill_signatures(struct tls_info *info, SSL *ssl)
{
	bool is_server = SSL_is_server(ssl) == 1;
	struct tls_signature *own = is_server ? &info->server : &info->client;
	struct tls_signature *peer = is_server ? &info->client : &info->server;
	X509 *cert = SSL_get_certificate(ssl);
	int nid;
	bool is_signed = SSL_get_signature_nid(ssl, &nid) == 1;

	/* A client may have a certificate and not have been asked for it. */
	if (cert != NULL && (is_server || is_signed))
		fill_signature(own, cert, is_signed ? nid : NID_undef);
	cert = SSL_get0_peer_certificate(ssl);
	if (cert != NULL)
		fill_signature(peer, cert,
		    SSL_get_peer_signature_nid(ssl, &nid) ? nid : NID_undef);
}

/* ---- names ---- */

/* The last common name, as UTF-8; "" when there is none, or it holds what no
 * line can.  The caller frees it. */
static char *
common_name(const X509_NAME *name)
{
	int at = -1, next;
	unsigned char *text = NULL;
	struct buf b = {0};
	int n = -1;

	while (
	    (next = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0)
		at = next;
	if (at >= 0)
		n = ASN1_STRING_to_UTF8(&text,
		    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	buf_init(&b, 4 * 256);
	if (n > 0 && memchr(text, '\0', (size_t)n) == NULL)
		buf_add_shown(&b, str_n((const char *)text, (size_t)n));
	OPENSSL_free(text);
	return b.cap > 0 ? b.p : strdup("");
}

/* Who would have to be known: the issuer of what stands last in the chain. */
static void
add_unknown_issuer(const SSL *ssl, struct buf *b)
{
	const STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
	int n = chain == NULL ? 0 : sk_X509_num(chain);
	const X509 *last = n > 0 ? sk_X509_value(chain, n - 1)
	                         : SSL_get0_peer_certificate(ssl);
	char name[256];

	X509_NAME_oneline(X509_get_issuer_name(last), name, sizeof(name));
	buf_add_c(b, "untrusted issuer ");
	buf_add_shown(b, str_c(name));
}

/* In Postfix's words. */
static void
fill_distrust(struct tls_info *info, const SSL *ssl, long result)
{
	struct buf b;

	buf_init(&b, 4 * 256 + 32);
	switch (result) {
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		add_unknown_issuer(ssl, &b);
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		buf_add_c(&b, "self-signed certificate");
		break;
	case X509_V_ERR_INVALID_PURPOSE:
		buf_addf(&b, "not designated for use as a %s certificate",
		    SSL_is_server(ssl) ? "client" : "server");
		break;
	case X509_V_ERR_CERT_CHAIN_TOO_LONG:
		buf_addf(&b, "certificate chain longer than limit(%d)",
		    SSL_get_verify_depth(ssl));
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_CERT_HAS_EXPIRED:
		info->has_fault = true;
		buf_add_c(&b, X509_verify_cert_error_string(result));
		break;
	default:
		info->has_fault = true;
		buf_addf(&b, "num=%ld:%s", result,
		    X509_verify_cert_error_string(result));
		break;
	}
	info->not_trusted_why = b.p;
}

static void
fill_peer(struct tls_info *info, SSL *ssl)
{
	const X509 *cert = SSL_get0_peer_certificate(ssl);
	long result = SSL_get_verify_result(ssl);

	if (cert == NULL)
		return;
	info->has_cert = true;
	info->is_trusted = result == X509_V_OK;
	if (!info->is_trusted)
		fill_distrust(info, ssl, result);
	info->subject = common_name(X509_get_subject_name(cert));
	info->issuer = common_name(X509_get_issuer_name(cert));
}

void
tls_info_fill(struct tls_info *info, SSL *ssl)
{
	static const struct tls_signature none = {"", "", 0, ""};
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	*info = (struct tls_info){
	    .protocol = SSL_get_version(ssl),
	    .cipher = SSL_CIPHER_get_name(cipher),
	    .bits = SSL_CIPHER_get_bits(cipher, &info->cipher_bits),
	};
	SSL_CIPHER_get_bits(cipher, &info->cipher_bits);
	info->kex = info->kex_curve = "";
	info->server = info->client = none;
	info->is_reused = SSL_session_reused(ssl) == 1;
	info->asked_cert = (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0;
	info->name = strdup(name == NULL ? "" : name);
	fill_peer(info, ssl);
	if (SSL_version(ssl) >= TLS_1_3) {
		fill_kex(info, ssl);
		fill_signatures(info, ssl);
	}
}

void
tls_info_done(struct tls_info *info)
{
	free(info->not_trusted_why);
	free(info->subject);
	free(info->issuer);
	free(info->name);
}

const struct tls_info *
tls_info(const struct stream *s)
{
	const struct tls *t = tls_below(s);

	return t == NULL || t->info.protocol == NULL ? NULL : &t->info;
}

/* ---- the peer's certificate ---- */

static X509 *
peer_certificate(const struct stream *s)
{
	const struct tls *t = tls_below(s);

	return t == NULL ? NULL : SSL_get0_peer_certificate(t->ssl);
}

bool
tls_has_name(const struct stream *s, const char *name)
{
	X509 *cert = peer_certificate(s);

	return cert != NULL && *name != '\0' &&
	       X509_check_host(cert, name, 0,
		   X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

int
tls_fingerprint(const struct stream *s, enum tls_fingerprint what,
    const char *digest, char ret[static TLS_FINGERPRINT_SIZE])
{
	static const char hex[] = "0123456789ABCDEF";
	const X509 *cert = peer_certificate(s);
	unsigned char bytes[EVP_MAX_MD_SIZE], *key = NULL;
	unsigned n = 0;
	EVP_MD *md;
	int ok = 0, len;

	if (cert == NULL)
		return -ENOENT;
	ERR_clear_error();
	md = EVP_MD_fetch(NULL, digest, NULL);
	if (md != NULL && what == TLS_OF_CERT) {
		ok = X509_digest(cert, md, bytes, &n);
	} else if (md != NULL) {
		len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &key);
		ok = len > 0 &&
		     EVP_Digest(key, (size_t)len, bytes, &n, md, NULL);
		OPENSSL_free(key);
	}
	EVP_MD_free(md);
	if (!ok || n == 0 || n * 3 > TLS_FINGERPRINT_SIZE)
		return -EINVAL;
	for (unsigned i = 0; i < n; i++) {
		ret[3 * i] = hex[bytes[i] >> 4];
		ret[3 * i + 1] = hex[bytes[i] & 15];
		ret[3 * i + 2] = i + 1 < n ? ':' : '\0';
	}
	return 0;
}
