/* SPDX-License-Identifier: ISC */
/* crypto - hashes, keys and records by libcrypto. */
#include "crypto.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 64 /* of SHA-256 */

void
die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("handshakes: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static void
must(int ok, const char *what)
{
	if (ok <= 0)
		die("libcrypto fails: %s", what);
}

void
crypto_init(struct crypto *c)
{
	size_t n = sizeof(c->share);

	c->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	c->gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
	c->transcript = EVP_MD_CTX_new();
	c->digest = EVP_MD_CTX_new();
	c->cipher = EVP_CIPHER_CTX_new();
	c->own = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	must(c->sha256 != NULL && c->gcm != NULL && c->transcript != NULL &&
		 c->digest != NULL && c->cipher != NULL && c->own != NULL,
	    "setting up");
	c->derive = EVP_PKEY_CTX_new_from_pkey(NULL, c->own, NULL);
	must(c->derive != NULL &&
		 EVP_PKEY_get_raw_public_key(c->own, c->share, &n) == 1,
	    "a key pair");
}

void
crypto_agree(struct crypto *c, const unsigned char share[CRYPTO_SHARE],
    unsigned char ret[CRYPTO_SHARE])
{
	EVP_PKEY *peer = EVP_PKEY_new_raw_public_key_ex(
	    NULL, "X25519", NULL, share, CRYPTO_SHARE);
	size_t n = CRYPTO_SHARE;

	must(peer != NULL && EVP_PKEY_derive_init(c->derive) == 1 &&
		 EVP_PKEY_derive_set_peer_ex(c->derive, peer, 0) == 1 &&
		 EVP_PKEY_derive(c->derive, ret, &n) == 1,
	    "X25519");
	EVP_PKEY_free(peer);
}

void
crypto_begin(struct crypto *c)
{
	must(EVP_DigestInit_ex(c->transcript, c->sha256, NULL), "SHA-256");
}

void
crypto_add(struct crypto *c, const void *p, size_t n)
{
	must(EVP_DigestUpdate(c->transcript, p, n), "SHA-256");
}

void
crypto_hash(struct crypto *c, unsigned char ret[CRYPTO_HASH])
{
	must(EVP_MD_CTX_copy_ex(c->digest, c->transcript) == 1 &&
		 EVP_DigestFinal_ex(c->digest, ret, NULL) == 1,
	    "SHA-256");
}

/* One of the two hashes of an HMAC (RFC 2104). */
static void
hash_padded(struct crypto *c, struct part key, unsigned char pad,
    const struct part *parts, size_t n, unsigned char ret[CRYPTO_HASH])
{
	unsigned char block[BLOCK] = {0};

	assert(key.n <= BLOCK);
	if (key.n > 0)
		memcpy(block, key.p, key.n);
	for (size_t i = 0; i < BLOCK; i++)
		block[i] ^= pad;
	must(EVP_DigestInit_ex(c->digest, c->sha256, NULL), "HMAC");
	must(EVP_DigestUpdate(c->digest, block, BLOCK), "HMAC");
	for (size_t i = 0; i < n; i++)
		must(EVP_DigestUpdate(c->digest, parts[i].p, parts[i].n),
		    "HMAC");
	must(EVP_DigestFinal_ex(c->digest, ret, NULL), "HMAC");
}

void
crypto_hmac(struct crypto *c, struct part key, const struct part *parts,
    size_t n, unsigned char ret[CRYPTO_HASH])
{
	unsigned char inner[CRYPTO_HASH];
	struct part outer = {inner, sizeof(inner)};

	hash_padded(c, key, 0x36, parts, n, inner);
	hash_padded(c, key, 0x5c, &outer, 1, ret);
}

void
crypto_expand(struct crypto *c, const unsigned char secret[CRYPTO_HASH],
    const char *label, struct part context, void *ret, size_t n)
{
	size_t len = strlen(label);
	unsigned char head[] = {0, (unsigned char)n, (unsigned char)(6 + len),
	    't', 'l', 's', '1', '3', ' '};
	unsigned char tail[1 + CRYPTO_HASH + 1], all[CRYPTO_HASH];
	struct part parts[] = {
	    {head, sizeof(head)}, {label, len}, {tail, 1 + context.n + 1}};

	assert(n <= CRYPTO_HASH && context.n <= CRYPTO_HASH);
	tail[0] = (unsigned char)context.n;
	if (context.n > 0)
		memcpy(tail + 1, context.p, context.n);
	tail[1 + context.n] = 1; /* the first block, and the only one */
	crypto_hmac(c, (struct part){secret, CRYPTO_HASH}, parts, 3, all);
	memcpy(ret, all, n);
}

void
crypto_prf(struct crypto *c, struct part secret, const char *label,
    struct part seed, void *ret, size_t n)
{
	struct part first[] = {{label, strlen(label)}, seed};
	unsigned char a[CRYPTO_HASH], block[CRYPTO_HASH], *to = ret;

	crypto_hmac(c, secret, first, 2, a);
	while (n > 0) {
		struct part parts[] = {{a, sizeof(a)}, first[0], seed};
		size_t take = n < sizeof(block) ? n : sizeof(block);

		crypto_hmac(c, secret, parts, 3, block);
		memcpy(to, block, take);
		to += take;
		n -= take;
		if (n > 0)
			crypto_hmac(c, secret, parts, 1, a);
	}
}

void
crypto_seal(struct crypto *c, const unsigned char key[CRYPTO_KEY],
    const unsigned char iv[CRYPTO_IV], struct part head, unsigned char *text,
    size_t n)
{
	int len;

	must(EVP_EncryptInit_ex2(c->cipher, c->gcm, key, iv, NULL) == 1 &&
		 EVP_EncryptUpdate(
		     c->cipher, NULL, &len, head.p, (int)head.n) == 1 &&
		 EVP_EncryptUpdate(c->cipher, text, &len, text, (int)n) == 1 &&
		 EVP_EncryptFinal_ex(c->cipher, text + n, &len) == 1 &&
		 EVP_CIPHER_CTX_ctrl(c->cipher, EVP_CTRL_AEAD_GET_TAG,
		     CRYPTO_TAG, text + n) == 1,
	    "a record of ours");
}

void
crypto_open(struct crypto *c, const unsigned char key[CRYPTO_KEY],
    const unsigned char iv[CRYPTO_IV], struct part head, unsigned char *text,
    size_t n)
{
	int len;

	must(EVP_DecryptInit_ex2(c->cipher, c->gcm, key, iv, NULL) == 1 &&
		 EVP_DecryptUpdate(
		     c->cipher, NULL, &len, head.p, (int)head.n) == 1 &&
		 EVP_DecryptUpdate(c->cipher, text, &len, text, (int)n) == 1 &&
		 EVP_CIPHER_CTX_ctrl(c->cipher, EVP_CTRL_AEAD_SET_TAG,
		     CRYPTO_TAG, text + n) == 1 &&
		 EVP_DecryptFinal_ex(c->cipher, text + n, &len) == 1,
	    "a record of the server's");
}
