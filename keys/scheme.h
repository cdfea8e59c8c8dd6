/* SPDX-License-Identifier: ISC */
/*
 * scheme - the signature schemes of TLS (RFC 8446 section 4.2.3) that a key
 * may be used with: RSA (PKCS #1 in TLS 1.2 alone, PSS), ECDSA, Ed25519; with
 * SHA-256, -384 or -512, never with SHA-1.
 */
#ifndef KEYS_SCHEME_H
#define KEYS_SCHEME_H

#include "base/buf.h"

#include <openssl/evp.h>
#include <stdbool.h>

/* Is there a scheme for such a key? */
bool scheme_fits(const EVP_PKEY *key);

/*
 * Append the signature to `ret`.  0; -EINVAL: no such scheme, or not for this
 * key, or not in this version; -EIO: the library failed.
 */
int scheme_sign(EVP_PKEY *key, uint64_t scheme, bool is_tls13,
    struct str message, struct buf *ret);

#endif
