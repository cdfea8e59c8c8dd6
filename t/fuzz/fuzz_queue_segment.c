/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a segment of the journal: walked, and what passes for a record
 * decoded.  The key is that of the segment's own header, as in a replay; where
 * the header is none, the bytes stand behind a good one.
 */
#include "mail/queue/entry.h"
#include "mail/queue/segment.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct segment_header own = {
    .sequence = 1,
    .oldest = 1,
    .size = SEGMENT_SIZE_MIN,
    .key = {{1, 2}},
};

union entry {
	struct entry_message message;
	struct entry_status status;
	struct entry_moved moved;
	struct entry_done done;
	struct entry_generation generation;
	struct entry_refused refused;
};

static void
decode(uint32_t type, struct str payload)
{
	struct arena a;
	union entry e;
	struct str content = STR_NONE;
	const char *why = NULL;

	arena_init(&a, entry_arena_max(payload.len));
	if (entry_decode(type, payload, &a, &e, &content, &why) < 0)
		assert(why != NULL);
	arena_done(&a);
}

static int
take(void *arg, uint32_t offset, const struct record *r)
{
	assert(offset + record_size(r->payload.len) <= *(size_t *)arg + 32);
	decode(r->type, r->payload);
	return 0;
}

static void
take_bad(void *arg, uint32_t offset, struct str bytes, bool is_tail)
{
	(void)is_tail;
	assert(bytes.len > 0 && offset + bytes.len <= *(size_t *)arg);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n = SEGMENT_DATA + size;
	char *all = malloc(n);
	struct segment_walk walk = {take, take_bad, &n};
	struct segment_header h;

	/* As it is. */
	if (size >= SEGMENT_DATA && segment_parse_header(data, &h) == 0)
		segment_walk(&h, str_n((const char *)data, size), &walk);
	/* Behind a header of ours; and each type of value, without a record. */
	segment_format_header(&own, (unsigned char *)all);
	memcpy(all + SEGMENT_DATA, data, size);
	segment_walk(&own, str_n(all, n), &walk);
	for (uint32_t type = 0; type <= ENTRY_TYPES; type++)
		decode(type, str_n((const char *)data, size));
	free(all);
	return 0;
}
