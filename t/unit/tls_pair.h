/* SPDX-License-Identifier: ISC */
/* tls_pair - certificates, signers and two ends, for tests of TLS. */
#ifndef T_TLS_PAIR_H
#define T_TLS_PAIR_H

#include "base/buf.h"
#include "net/tls.h"

#include <openssl/evp.h>

/* A self-signed certificate for `name`, as PEM, and its key. */
EVP_PKEY *pair_key(const char *type); /* "RSA", "P-256", "P-384", "ED25519" */
void pair_certify(
    EVP_PKEY *key, const char *name, const char *alt, struct buf *ret_pem);

/* A signer that has the key, and waits before it signs. */
struct pair_signer {
	struct tls_signer signer;
	EVP_PKEY *key;
	int64_t wait; /* at most, in ns */
	bool refuses;
	unsigned nsigned, nfreed;
	char last[128]; /* the head of what it signed last */
};
void pair_signer_init(struct pair_signer *s, EVP_PKEY *key);

#endif
