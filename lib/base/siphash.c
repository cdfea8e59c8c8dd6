/* SPDX-License-Identifier: ISC */
/* siphash - SipHash-2-4 as the paper gives it.  Owns nothing. */
#include "base/siphash.h"

#include <stdlib.h>
#include <string.h>

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t
rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void
mix(struct state *s, int rounds)
{
	while (rounds-- > 0) {
		s->v0 += s->v1;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v3;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 += s->v3;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 += s->v1;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v2 = rotate(s->v2, 32);
	}
}

static void
absorb(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	mix(s, 2);
	s->v0 ^= word;
}

/* Up to 8 bytes as a little-endian word. */
static uint64_t
word_of(const unsigned char *p, size_t n)
{
	uint64_t w = 0;

	for (size_t i = n; i-- > 0;)
		w = w << 8 | p[i];
	return w;
}

uint64_t
siphash(const struct siphash_key *key, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	size_t whole = n & ~(size_t)7;
	struct state s = {
	    .v0 = key->k[0] ^ UINT64_C(0x736f6d6570736575),
	    .v1 = key->k[1] ^ UINT64_C(0x646f72616e646f6d),
	    .v2 = key->k[0] ^ UINT64_C(0x6c7967656e657261),
	    .v3 = key->k[1] ^ UINT64_C(0x7465646279746573),
	};

	for (size_t i = 0; i < whole; i += 8)
		absorb(&s, word_of(p + i, 8));
	absorb(&s, (uint64_t)n << 56 |
		       (n == whole ? 0 : word_of(p + whole, n - whole)));
	s.v2 ^= 0xff;
	mix(&s, 4);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

void
siphash_key_random(struct siphash_key *ret_key)
{
	arc4random_buf(ret_key, sizeof(*ret_key));
}
