/* SPDX-License-Identifier: ISC */
/*
 * segment - a header copy is: magic (8 bytes), version (4), size (4),
 * sequence (8), oldest (8), generation (8), key (16), CRC-32 of all that (4).
 */
#include "mail/queue/segment.h"

#include "base/file.h"
#include "mail/queue/bytes.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define AT_VERSION    8
#define AT_SIZE       12
#define AT_SEQUENCE   16
#define AT_OLDEST     24
#define AT_GENERATION 32
#define AT_KEY        40
#define AT_CRC        56
#define READ_BLOCK    (1024 * 1024)

static const unsigned char magic[8] = {'V', 'A', 'L', 'I', 'J', 'A', 'J', '\n'};

static void
format_copy(const struct segment_header *h, unsigned char *p)
{
	memcpy(p, magic, sizeof(magic));
	bytes_put32(p + AT_VERSION, SEGMENT_VERSION);
	bytes_put32(p + AT_SIZE, h->size);
	bytes_put64(p + AT_SEQUENCE, h->sequence);
	bytes_put64(p + AT_OLDEST, h->oldest);
	bytes_put64(p + AT_GENERATION, h->generation);
	bytes_put64(p + AT_KEY, h->key.k[0]);
	bytes_put64(p + AT_KEY + 8, h->key.k[1]);
	bytes_put32(p + AT_CRC, (uint32_t)crc32_z(0, p, AT_CRC));
}

void
segment_format_header(
    const struct segment_header *h, unsigned char ret_bytes[SEGMENT_DATA])
{
	memset(ret_bytes, 0, SEGMENT_DATA);
	for (int i = 0; i < SEGMENT_HEADERS; i++)
		format_copy(h, ret_bytes + i * SEGMENT_HEADER_AT);
}

static int
parse_copy(const unsigned char *p, struct segment_header *ret)
{
	if (memcmp(p, magic, sizeof(magic)) != 0 ||
	    bytes_get32(p + AT_VERSION) != SEGMENT_VERSION ||
	    bytes_get32(p + AT_CRC) != (uint32_t)crc32_z(0, p, AT_CRC))
		return -EBADMSG;
	*ret = (struct segment_header){
	    .sequence = bytes_get64(p + AT_SEQUENCE),
	    .oldest = bytes_get64(p + AT_OLDEST),
	    .generation = bytes_get64(p + AT_GENERATION),
	    .size = bytes_get32(p + AT_SIZE),
	    .key = {{bytes_get64(p + AT_KEY), bytes_get64(p + AT_KEY + 8)}},
	};
	if (ret->size < SEGMENT_SIZE_MIN || ret->size > SEGMENT_SIZE_MAX)
		return -EBADMSG;
	return 0;
}

static bool
is_zero(const unsigned char *p, size_t n)
{
	while (n > 0 && *p == 0) {
		p++;
		n--;
	}
	return n == 0;
}

/* Both copies name the same version, which is not ours. */
static bool
is_other_version(const unsigned char *a, const unsigned char *b)
{
	return memcmp(a, magic, sizeof(magic)) == 0 &&
	       memcmp(b, magic, sizeof(magic)) == 0 &&
	       bytes_get32(a + AT_VERSION) == bytes_get32(b + AT_VERSION) &&
	       bytes_get32(a + AT_VERSION) != SEGMENT_VERSION;
}

int
segment_parse_header(
    const unsigned char bytes[SEGMENT_DATA], struct segment_header *ret)
{
	struct segment_header a, b;
	int ra = parse_copy(bytes, &a);
	int rb = parse_copy(bytes + SEGMENT_HEADER_AT, &b);

	if (ra == 0 && (rb < 0 || a.sequence >= b.sequence)) {
		*ret = a;
		return 0;
	}
	if (rb == 0) {
		*ret = b;
		return 0;
	}
	if (is_zero(bytes, SEGMENT_DATA))
		return -ENODATA;
	if (is_other_version(bytes, bytes + SEGMENT_HEADER_AT))
		return -EPROTONOSUPPORT;
	return -EBADMSG;
}

/* The highest `flushed` of the good records: up to there all had been
 * durable, so that what is bad there was not left by an unfinished write. */
static uint32_t
find_watermark(const struct segment_header *h, struct str all)
{
	uint32_t mark = SEGMENT_DATA;
	struct record r;
	size_t size;

	for (size_t at = SEGMENT_DATA; at < all.len; at += size) {
		if (record_open(&h->key, (uint32_t)at, str_from(all, at), &r,
			&size) == RECORD_GOOD &&
		    r.flushed > mark)
			mark = r.flushed;
	}
	return mark;
}

static void
tell_bad(const struct segment_walk *walk, struct str all, size_t from,
    size_t to, uint32_t watermark)
{
	if (from == to || walk->bad == NULL)
		return;
	walk->bad(walk->arg, (uint32_t)from, str_sub(all, from, to - from),
	    from >= watermark);
}

int
segment_walk(const struct segment_header *h, struct str all,
    const struct segment_walk *walk)
{
	uint32_t watermark = walk->bad == NULL ? 0 : find_watermark(h, all);
	size_t bad_from = 0, bad_to = 0, size;
	struct record r;
	int answer;

	for (size_t at = SEGMENT_DATA; at < all.len; at += size) {
		enum record_finding f = record_open(
		    &h->key, (uint32_t)at, str_from(all, at), &r, &size);

		if (f == RECORD_NONE)
			continue;
		if (f == RECORD_BAD) {
			if (bad_from == bad_to)
				bad_from = at;
			bad_to = at + size < all.len ? at + size : all.len;
			continue;
		}
		/* What followed a rotten head belonged to it, up to here. */
		if (bad_from != bad_to)
			bad_to = at;
		tell_bad(walk, all, bad_from, bad_to, watermark);
		bad_from = bad_to = 0;
		answer = walk->each(walk->arg, (uint32_t)at, &r);
		if (answer < 0)
			return answer;
	}
	tell_bad(walk, all, bad_from, bad_to, watermark);
	return 0;
}

/* A page at a time, where a block as a whole could not be read. */
static void
read_pages(int fd, uint32_t from, size_t n, char *room, size_t *lost)
{
	for (size_t at = 0; at < n; at += SEGMENT_PAGE) {
		size_t want = n - at < SEGMENT_PAGE ? n - at : SEGMENT_PAGE;
		ssize_t r = pread(fd, room + at, want, (off_t)(from + at));

		if (r < 0)
			(*lost)++;
		if (r < (ssize_t)want)
			memset(room + at + (r < 0 ? 0 : r), 0,
			    want - (size_t)(r < 0 ? 0 : r));
	}
}

int
segment_read(int fd, uint32_t size, struct buf *b, size_t *ret_lost)
{
	*ret_lost = 0;
	for (uint32_t at = 0; at < size; at += READ_BLOCK) {
		size_t n = size - at < READ_BLOCK ? size - at : READ_BLOCK;
		char *room = buf_room(b, n);

		if (room == NULL)
			return -EMSGSIZE;
		if (fd_pread_all(fd, room, n, at) < 0)
			read_pages(fd, at, n, room, ret_lost);
		buf_grew(b, n);
	}
	return 0;
}
