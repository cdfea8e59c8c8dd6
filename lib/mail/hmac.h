/* SPDX-License-Identifier: ISC */
/*
 * hmac - keyed hashes (RFC 2104), and the hashes themselves, for SASL.
 *
 * What is computed may be a secret: nothing of it stays here.
 */
#ifndef MAIL_HMAC_H
#define MAIL_HMAC_H

#include "base/str.h"

#include <md5.h>
#include <sha1.h>
#include <sha2.h>
#include <stddef.h>

#define HMAC_MAX 32 /* bytes of the longest */

enum hmac_hash {
	HMAC_MD5,
	HMAC_SHA1,
	HMAC_SHA256
};

size_t hmac_size(enum hmac_hash h); /* bytes of a digest */

void hmac_digest(enum hmac_hash h, struct str text, unsigned char *ret);
void hmac(
    enum hmac_hash h, struct str key, struct str text, unsigned char *ret);

/*
 * With a key that is used again and again:
 *
 *	struct hmac_key k;
 *	hmac_key_init(&k, HMAC_SHA256, key);
 *	hmac_keyed(&k, text, digest);
 *	explicit_bzero(&k, sizeof(k));
 */
union hmac_state {
	MD5_CTX md5;
	SHA1_CTX sha1;
	SHA2_CTX sha2;
};
struct hmac_key {
	enum hmac_hash hash;
	union hmac_state inner, outer; /* the key's block is in them */
};
void hmac_key_init(struct hmac_key *k, enum hmac_hash h, struct str key);
void hmac_keyed(const struct hmac_key *k, struct str text, unsigned char *ret);

#endif
