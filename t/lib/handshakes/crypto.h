/* SPDX-License-Identifier: ISC */
/*
 * crypto - what TLS_AES_128_GCM_SHA256 over X25519 computes, of libcrypto's
 * functions, which are looked up once.  All of it ends the process when
 * libcrypto fails.
 */
#ifndef HANDSHAKES_CRYPTO_H
#define HANDSHAKES_CRYPTO_H

#include <openssl/evp.h>
#include <stdint.h>
#include <stdnoreturn.h>

#define CRYPTO_HASH  32
#define CRYPTO_SHARE 32
#define CRYPTO_KEY   16
#define CRYPTO_IV    12
#define CRYPTO_TAG   16

struct crypto {
	EVP_MD *sha256;
	EVP_CIPHER *gcm;
	EVP_MD_CTX *transcript; /* of this handshake's messages */
	EVP_MD_CTX *digest;     /* of what is computed just now */
	EVP_CIPHER_CTX *cipher;
	EVP_PKEY_CTX *derive;
	EVP_PKEY *own; /* one key pair for all handshakes of a process */
	unsigned char share[CRYPTO_SHARE];
};

struct part {
	const void *p;
	size_t n;
};

noreturn void die(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

void crypto_init(struct crypto *c);

/* What both sides make of their key pairs. */
void crypto_agree(struct crypto *c, const unsigned char share[CRYPTO_SHARE],
    unsigned char ret[CRYPTO_SHARE]);

/* The transcript: forget, add, its hash so far. */
void crypto_begin(struct crypto *c);
void crypto_add(struct crypto *c, const void *p, size_t n);
void crypto_hash(struct crypto *c, unsigned char ret[CRYPTO_HASH]);

/* HMAC over up to four parts; the key is of 64 bytes at most. */
void crypto_hmac(struct crypto *c, struct part key, const struct part *parts,
    size_t n, unsigned char ret[CRYPTO_HASH]);

/* RFC 8446 section 7.1; `context` may be empty. */
void crypto_expand(struct crypto *c, const unsigned char secret[CRYPTO_HASH],
    const char *label, struct part context, void *ret, size_t n);

/* RFC 5246 section 5: P_SHA256 with label and seed. */
void crypto_prf(struct crypto *c, struct part secret, const char *label,
    struct part seed, void *ret, size_t n);

/* `text` of n bytes in place, with its tag behind it. */
void crypto_seal(struct crypto *c, const unsigned char key[CRYPTO_KEY],
    const unsigned char iv[CRYPTO_IV], struct part head, unsigned char *text,
    size_t n);
void crypto_open(struct crypto *c, const unsigned char key[CRYPTO_KEY],
    const unsigned char iv[CRYPTO_IV], struct part head, unsigned char *text,
    size_t n);

#endif
