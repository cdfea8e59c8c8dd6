/* SPDX-License-Identifier: ISC */
/* hmac - hashes under one name, and their keyed form. */
#include "mail/hmac.h"

#include <string.h>

#define BLOCK 64 /* of each of the hashes */

size_t
hmac_size(enum hmac_hash h)
{
	switch (h) {
	case HMAC_MD5:
		return MD5_DIGEST_LENGTH;
	case HMAC_SHA1:
		return SHA1_DIGEST_LENGTH;
	case HMAC_SHA256:
		break;
	}
	return SHA256_DIGEST_LENGTH;
}

static void
begin(enum hmac_hash h, union hmac_state *s)
{
	switch (h) {
	case HMAC_MD5:
		MD5Init(&s->md5);
		return;
	case HMAC_SHA1:
		SHA1Init(&s->sha1);
		return;
	case HMAC_SHA256:
		SHA256Init(&s->sha2);
		return;
	}
}

static void
add(enum hmac_hash h, union hmac_state *s, const void *bytes, size_t n)
{
	switch (h) {
	case HMAC_MD5:
		MD5Update(&s->md5, bytes, n);
		return;
	case HMAC_SHA1:
		SHA1Update(&s->sha1, bytes, n);
		return;
	case HMAC_SHA256:
		SHA256Update(&s->sha2, bytes, n);
		return;
	}
}

static void
end(enum hmac_hash h, union hmac_state *s, unsigned char *ret)
{
	switch (h) {
	case HMAC_MD5:
		MD5Final(ret, &s->md5);
		break;
	case HMAC_SHA1:
		SHA1Final(ret, &s->sha1);
		break;
	case HMAC_SHA256:
		SHA256Final(ret, &s->sha2);
		break;
	}
	explicit_bzero(s, sizeof(*s));
}

void
hmac_digest(enum hmac_hash h, struct str text, unsigned char *ret)
{
	union hmac_state s;

	begin(h, &s);
	add(h, &s, text.p, text.len);
	end(h, &s, ret);
}

static void
add_pad(enum hmac_hash h, union hmac_state *s,
    const unsigned char key[static BLOCK], unsigned char pad)
{
	unsigned char block[BLOCK];

	for (size_t i = 0; i < BLOCK; i++)
		block[i] = key[i] ^ pad;
	begin(h, s);
	add(h, s, block, BLOCK);
	explicit_bzero(block, sizeof(block));
}

void
hmac_key_init(struct hmac_key *k, enum hmac_hash h, struct str key)
{
	unsigned char block[BLOCK] = {0};

	k->hash = h;
	if (key.len > BLOCK)
		hmac_digest(h, key, block);
	else if (key.len > 0)
		memcpy(block, key.p, key.len);
	add_pad(h, &k->inner, block, 0x36);
	add_pad(h, &k->outer, block, 0x5c);
	explicit_bzero(block, sizeof(block));
}

void
hmac_keyed(const struct hmac_key *k, struct str text, unsigned char *ret)
{
	union hmac_state s = k->inner;

	add(k->hash, &s, text.p, text.len);
	end(k->hash, &s, ret);
	s = k->outer;
	add(k->hash, &s, ret, hmac_size(k->hash));
	end(k->hash, &s, ret);
}

void
hmac(enum hmac_hash h, struct str key, struct str text, unsigned char *ret)
{
	struct hmac_key k;

	hmac_key_init(&k, h, key);
	hmac_keyed(&k, text, ret);
	explicit_bzero(&k, sizeof(k));
}
