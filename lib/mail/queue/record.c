/* SPDX-License-Identifier: ISC */
/*
 * record - the head is: mark (8 bytes), check (8), length of the payload (4),
 * its CRC-32 (4), type (4), flushed (4).  The mark is the key's own number
 * mixed with the offset; a few flipped bits in it still tell whose it is.
 */
#include "mail/queue/record.h"

#include "mail/queue/bytes.h"

#include <string.h>
#include <zlib.h>

#define AT_MARK    0
#define AT_CHECK   8
#define AT_LENGTH  16
#define AT_CRC     20
#define AT_TYPE    24
#define AT_FLUSHED 28

#define MARK_BITS_OFF 4 /* two random marks differ in 32 of 64 bits */

size_t
record_size(size_t n)
{
	return (RECORD_HEAD + n + RECORD_ALIGN - 1) &
	       ~(size_t)(RECORD_ALIGN - 1);
}

static uint64_t
make_mark(const struct siphash_key *key, uint32_t offset)
{
	uint64_t spread = (uint64_t)offset * UINT64_C(0x9e3779b97f4a7c15);

	return (key->k[0] ^ key->k[1] << 32 ^ key->k[1] >> 32) + spread;
}

static uint64_t
make_check(const struct siphash_key *key, uint32_t offset,
    const unsigned char head[RECORD_HEAD])
{
	unsigned char in[4 + RECORD_HEAD - AT_LENGTH];

	bytes_put32(in, offset);
	memcpy(in + 4, head + AT_LENGTH, RECORD_HEAD - AT_LENGTH);
	return siphash(key, in, sizeof(in));
}

static uint32_t
crc_of(struct str s)
{
	return (uint32_t)crc32_z(0, (const unsigned char *)s.p, s.len);
}

void
record_seal(const struct siphash_key *key, uint32_t offset,
    const struct record *r, unsigned char ret_head[RECORD_HEAD])
{
	bytes_put64(ret_head + AT_MARK, make_mark(key, offset));
	bytes_put32(ret_head + AT_LENGTH, (uint32_t)r->payload.len);
	bytes_put32(ret_head + AT_CRC, crc_of(r->payload));
	bytes_put32(ret_head + AT_TYPE, r->type);
	bytes_put32(ret_head + AT_FLUSHED, r->flushed);
	bytes_put64(ret_head + AT_CHECK, make_check(key, offset, ret_head));
}

enum record_finding
record_open(const struct siphash_key *key, uint32_t offset, struct str in,
    struct record *ret, size_t *ret_size)
{
	unsigned char head[RECORD_HEAD];
	uint64_t off_by;
	size_t length;

	*ret_size = RECORD_ALIGN;
	if (in.len < RECORD_HEAD)
		return RECORD_NONE;
	memcpy(head, in.p, RECORD_HEAD);
	off_by = bytes_get64(head + AT_MARK) ^ make_mark(key, offset);
	if (__builtin_popcountll(off_by) > MARK_BITS_OFF)
		return RECORD_NONE;
	if (bytes_get64(head + AT_CHECK) != make_check(key, offset, head))
		return RECORD_BAD;
	length = bytes_get32(head + AT_LENGTH);
	if (length > in.len - RECORD_HEAD)
		return RECORD_BAD;
	*ret_size = record_size(length);
	*ret = (struct record){
	    .type = bytes_get32(head + AT_TYPE),
	    .flushed = bytes_get32(head + AT_FLUSHED),
	    .payload = str_n(in.p + RECORD_HEAD, length),
	};
	return crc_of(ret->payload) == bytes_get32(head + AT_CRC) ? RECORD_GOOD
	                                                          : RECORD_BAD;
}
