/* SPDX-License-Identifier: ISC */
/* Records and the segments they stand in: nothing passes for a record but
 * what was written as one, and a bad one harms no neighbour. */
#include "tap.h"

#include "guard.h"
#include "mail/queue/segment.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENT 16384
#define RECORDS 5

static const struct segment_header header = {
    .sequence = 7,
    .oldest = 3,
    .generation = 99,
    .size = SEGMENT,
    .key = {{0x0123456789abcdef, 0xfedcba9876543210}},
};

struct built {
	char bytes[SEGMENT];
	uint32_t at[RECORDS + 1];
	size_t size[RECORDS];
};

static void
add_record(struct built *b, int i, struct str payload)
{
	struct record r = {
	    .type = (uint32_t)i + 1, .flushed = b->at[i], .payload = payload};

	record_seal(
	    &header.key, b->at[i], &r, (unsigned char *)b->bytes + b->at[i]);
	memcpy(b->bytes + b->at[i] + RECORD_HEAD, payload.p, payload.len);
	b->size[i] = payload.len;
	b->at[i + 1] = b->at[i] + (uint32_t)record_size(payload.len);
}

static struct built *
build(void)
{
	static const char *const texts[RECORDS] = {"one", "",
	    "three is a little longer than one unit of alignment is", "four",
	    "five, the last"};
	struct built *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	segment_format_header(&header, (unsigned char *)b->bytes);
	b->at[0] = SEGMENT_DATA;
	for (int i = 0; i < RECORDS; i++)
		add_record(b, i, str_c(texts[i]));
	return b;
}

struct seen {
	const struct built *original;
	bool good[RECORDS];
	size_t bad, bad_bytes;
};

static int
see_good(void *arg, uint32_t offset, const struct record *r)
{
	struct seen *s = arg;

	for (int i = 0; i < RECORDS; i++) {
		if (s->original->at[i] != offset)
			continue;
		assert_int_equal(r->type, i + 1);
		assert_int_equal(r->payload.len, s->original->size[i]);
		assert_memory_equal(r->payload.p,
		    s->original->bytes + offset + RECORD_HEAD, r->payload.len);
		s->good[i] = true;
		return 0;
	}
	fail_msg("a record at %u that nobody wrote", offset);
	return 0;
}

static void
see_bad(void *arg, uint32_t offset, struct str bytes, bool is_tail)
{
	struct seen *s = arg;

	(void)offset;
	(void)is_tail;
	s->bad++;
	s->bad_bytes += bytes.len;
}

static struct seen
walk(const struct built *original, const char *bytes)
{
	struct seen s = {.original = original};
	struct segment_walk w = {see_good, see_bad, &s};

	assert_int_equal(segment_walk(&header, str_n(bytes, SEGMENT), &w), 0);
	return s;
}

static void
test_round_trip(void **state)
{
	struct built *b = build();
	struct seen s = walk(b, b->bytes);
	struct segment_header h;

	(void)state;
	for (int i = 0; i < RECORDS; i++)
		assert_true(s.good[i]);
	assert_int_equal(s.bad, 0);
	assert_int_equal(
	    segment_parse_header((unsigned char *)b->bytes, &h), 0);
	assert_memory_equal(&h.key, &header.key, sizeof(h.key));
	assert_int_equal(h.sequence, 7);
	assert_int_equal(h.oldest, 3);
	assert_int_equal(h.generation, 99);
	free(b);
}

/* Which record a byte counts for: -1, none.  Padding does not, nor does the
 * mark in front: without it the check still tells that the record is whole. */
static int
record_at(const struct built *b, size_t at)
{
	for (int i = 0; i < RECORDS; i++)
		if (at >= b->at[i] + 8 &&
		    at < b->at[i] + RECORD_HEAD + b->size[i])
			return i;
	return -1;
}

static void
test_every_bit_of_records(void **state)
{
	struct built *b = build();
	char *bytes = malloc(SEGMENT);

	(void)state;
	for (size_t bit = SEGMENT_DATA * 8; bit < b->at[RECORDS] * 8; bit++) {
		int hit = record_at(b, bit / 8);
		struct seen s;

		memcpy(bytes, b->bytes, SEGMENT);
		bytes[bit / 8] ^= (char)(1 << bit % 8);
		s = walk(b, bytes);
		for (int i = 0; i < RECORDS; i++)
			assert_int_equal(s.good[i], i != hit);
		assert_int_equal(s.bad, hit >= 0);
	}
	free(bytes);
	free(b);
}

static void
test_every_bit_of_the_header(void **state)
{
	struct built *b = build();
	unsigned char *bytes = malloc(SEGMENT_DATA);

	(void)state;
	for (size_t bit = 0; bit < SEGMENT_DATA * 8; bit++) {
		struct segment_header h;

		memcpy(bytes, b->bytes, SEGMENT_DATA);
		bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_int_equal(segment_parse_header(bytes, &h), 0);
		assert_int_equal(h.sequence, 7);
		assert_memory_equal(&h.key, &header.key, sizeof(h.key));
	}
	free(bytes);
	free(b);
}

static void
test_headers_that_are_none(void **state)
{
	unsigned char bytes[SEGMENT_DATA] = {0};
	struct segment_header h, old = header, new = header;

	(void)state;
	assert_int_equal(segment_parse_header(bytes, &h), -ENODATA);
	memset(bytes, 'x', sizeof(bytes));
	assert_int_equal(segment_parse_header(bytes, &h), -EBADMSG);
	segment_format_header(&header, bytes);
	bytes[8] = bytes[SEGMENT_HEADER_AT + 8] = SEGMENT_VERSION + 1;
	assert_int_equal(segment_parse_header(bytes, &h), -EPROTONOSUPPORT);
	segment_format_header(&header, bytes);
	bytes[8] = SEGMENT_VERSION + 1; /* only one of them: rot */
	assert_int_equal(segment_parse_header(bytes, &h), 0);
	/* Torn between two incarnations: the newer copy counts. */
	new.sequence = 8;
	segment_format_header(&old, bytes);
	{
		unsigned char other[SEGMENT_DATA];

		segment_format_header(&new, other);
		memcpy(bytes + SEGMENT_HEADER_AT, other + SEGMENT_HEADER_AT,
		    SEGMENT_HEADER_AT);
	}
	assert_int_equal(segment_parse_header(bytes, &h), 0);
	assert_int_equal(h.sequence, 8);
}

/* What an older incarnation left is no record of this one. */
static void
test_other_key_revives_nothing(void **state)
{
	struct built *b = build();
	struct segment_header later = header;
	struct seen s = {.original = b};
	struct segment_walk w = {see_good, see_bad, &s};

	(void)state;
	later.key.k[0] ^= 0x5555;
	later.key.k[1] ^= 0x1234567890;
	assert_int_equal(segment_walk(&later, str_n(b->bytes, SEGMENT), &w), 0);
	for (int i = 0; i < RECORDS; i++)
		assert_false(s.good[i]);
	free(b);
}

/* The bytes of a record, moved: at another offset it is none. */
static void
test_moved_record_is_none(void **state)
{
	struct built *b = build();
	char *bytes = calloc(1, SEGMENT);
	struct seen s;

	(void)state;
	memcpy(bytes, b->bytes, SEGMENT_DATA);
	memcpy(bytes + b->at[RECORDS], b->bytes + b->at[2], 128);
	s = walk(b, bytes);
	for (int i = 0; i < RECORDS; i++)
		assert_false(s.good[i]);
	free(bytes);
	free(b);
}

/* A message whose body is a whole segment with the same key is one record. */
static void
test_body_with_records(void **state)
{
	struct built *b = build();
	struct built *outer = calloc(1, sizeof(*outer));
	struct seen s;

	(void)state;
	segment_format_header(&header, (unsigned char *)outer->bytes);
	outer->at[0] = SEGMENT_DATA;
	add_record(outer, 0,
	    str_n(b->bytes + SEGMENT_DATA, b->at[RECORDS] - SEGMENT_DATA));
	for (int i = 1; i < RECORDS; i++)
		outer->at[i] = UINT32_MAX;
	s = walk(outer, outer->bytes);
	assert_true(s.good[0]);
	/* And when its head is damaged, nothing in it comes to life. */
	outer->bytes[outer->at[0] + 16] ^= 1;
	s = walk(outer, outer->bytes);
	assert_false(s.good[0]);
	assert_int_equal(s.bad, 1);
	free(outer);
	free(b);
}

static void
test_every_torn_tail(void **state)
{
	struct built *b = build();
	char *bytes = malloc(SEGMENT);

	(void)state;
	for (size_t end = SEGMENT_DATA; end < b->at[RECORDS]; end++) {
		struct seen s;

		memset(bytes, 0, SEGMENT);
		memcpy(bytes, b->bytes, end);
		s = walk(b, bytes);
		for (int i = 0; i < RECORDS; i++)
			if (b->at[i] + RECORD_HEAD + b->size[i] <= end)
				assert_true(s.good[i]);
	}
	free(bytes);
	free(b);
}

/* Whatever is there, nothing behind its end is looked at. */
static void
test_at_the_guard(void **state)
{
	struct built *b = build();

	(void)state;
	for (size_t n = 0; n <= 200; n++) {
		struct str in = guard_copy(str_n(b->bytes + SEGMENT_DATA, n));
		struct record r;
		size_t size;

		record_open(&header.key, SEGMENT_DATA, in, &r, &size);
		assert_true(size > 0);
		guard_free(in);
	}
	free(b);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_round_trip),
    cmocka_unit_test(test_every_bit_of_records),
    cmocka_unit_test(test_every_bit_of_the_header),
    cmocka_unit_test(test_headers_that_are_none),
    cmocka_unit_test(test_other_key_revives_nothing),
    cmocka_unit_test(test_moved_record_is_none),
    cmocka_unit_test(test_body_with_records),
    cmocka_unit_test(test_every_torn_tail),
    cmocka_unit_test(test_at_the_guard),
};

TAP_RUN(tests)
