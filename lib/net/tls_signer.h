/* SPDX-License-Identifier: ISC */
/*
 * tls_signer - a private key that is somewhere else, and signs there.
 *
 * Of a certificate's public half and a signer tls_identity_add() makes a key
 * that OpenSSL takes for a whole one: a provider that is built in here sends
 * every signature to the signer.  It can do nothing else with it.
 *
 * The signer gets the whole message and not a digest, so that whoever holds
 * the key can look at what he signs: in TLS 1.3 64 blanks, "TLS 1.3, server
 * CertificateVerify" (or client), NUL and a hash (RFC 8446 section 4.4.3); in
 * TLS 1.2 client and server random and the key exchange's parameters (RFC
 * 5246 section 7.4.3, RFC 8422 section 5.4), and of a client all messages of
 * the handshake so far (RFC 5246 section 7.4.8).
 */
#ifndef NET_TLS_SIGNER_H
#define NET_TLS_SIGNER_H

#include "base/buf.h"
#include "base/str.h"

#include <stdint.h>

#define TLS_MESSAGE_MAX   (32 * 1024) /* a server's are below 4 KiB */
#define TLS_SIGNATURE_MAX 2048        /* RSA of 16384 bits */

/* How: RFC 8446 section 4.2.3.  The ECDSA ones name the digest; the curve is
 * the key's, as in TLS 1.2. */
enum tls_scheme {
	TLS_RSA_PKCS1_SHA256 = 0x0401,
	TLS_RSA_PKCS1_SHA384 = 0x0501,
	TLS_RSA_PKCS1_SHA512 = 0x0601,
	TLS_ECDSA_SHA256 = 0x0403,
	TLS_ECDSA_SHA384 = 0x0503,
	TLS_ECDSA_SHA512 = 0x0603,
	TLS_RSA_PSS_SHA256 = 0x0804, /* salt as long as the digest */
	TLS_RSA_PSS_SHA384 = 0x0805,
	TLS_RSA_PSS_SHA512 = 0x0806,
	TLS_ED25519 = 0x0807,
};

/*
 * One a key, made by whoever speaks with its holder; the first member of what
 * he needs.  sign() puts the signature into `ret`, whose max is
 * TLS_SIGNATURE_MAX: 0 or -errno, which ends the handshake.  It runs in the
 * handshake's task and may wait; several tasks may be in it at a time.
 * free() comes when nobody uses the key any more.
 */
struct tls_signer {
	int (*sign)(struct tls_signer *s, enum tls_scheme scheme,
	    struct str message, struct buf *ret);
	void (*free)(struct tls_signer *s);
};

#endif
