/* SPDX-License-Identifier: ISC */
/* entry - the shapes of what the journal's records say. */
#include "mail/queue/entry.h"

#include "mail/queue/bytes.h"

#include <errno.h>

#define INDEX_SIZE 4

static const struct field mark_fields[] = {
    SHAPE_U64(struct mark, index, ENVELOPE_RCPT_MAX),
    SHAPE_U64(struct mark, done, 1),
    SHAPE_ONE(struct mark, outcome, &outcome_shape),
};
const struct shape mark_shape = SHAPE("mark", struct mark, mark_fields);

static const struct field marks_fields[] = {
    SHAPE_LINE(struct entry_marks, id, ENVELOPE_QID_MAX),
    SHAPE_ROWS(struct entry_marks, marks, ENVELOPE_RCPT_MAX, &mark_shape),
    SHAPE_STR(struct entry_marks, done, ENVELOPE_RCPT_MAX *INDEX_SIZE),
    SHAPE_U64(struct entry_marks, warned, 1),
};
const struct shape entry_marks_shape =
    SHAPE("marks", struct entry_marks, marks_fields);

static const struct field message_fields[] = {
    SHAPE_ONE(struct entry_message, envelope, &envelope_shape),
    SHAPE_ONE(struct entry_message, parent, &entry_marks_shape),
};
static const struct shape message_shape =
    SHAPE("message", struct entry_message, message_fields);

static const struct field status_fields[] = {
    SHAPE_U64(struct entry_status, attempts, UINT32_MAX),
    SHAPE_I64(struct entry_status, next, INT64_MAX),
    SHAPE_ONE(struct entry_status, about, &entry_marks_shape),
};
static const struct shape status_shape =
    SHAPE("status", struct entry_status, status_fields);

static const struct field moved_fields[] = {
    SHAPE_LINE(struct entry_moved, id, ENVELOPE_QID_MAX),
    SHAPE_U64(struct entry_moved, queue, QUEUE_PLACES - 1),
    SHAPE_U64(struct entry_moved, nonce, UINT32_MAX),
    SHAPE_ONE(struct entry_moved, parent, &entry_marks_shape),
};
static const struct shape moved_shape =
    SHAPE("moved", struct entry_moved, moved_fields);

static const struct field done_fields[] = {
    SHAPE_LINE(struct entry_done, id, ENVELOPE_QID_MAX),
};
static const struct shape done_shape =
    SHAPE("done", struct entry_done, done_fields);

static const struct field generation_fields[] = {
    SHAPE_U64(struct entry_generation, below, UINT64_MAX),
};
static const struct shape generation_shape =
    SHAPE("generation", struct entry_generation, generation_fields);

static const struct field refused_fields[] = {
    SHAPE_U64(struct entry_refused, sequence, UINT64_MAX),
    SHAPE_U64(struct entry_refused, from, UINT32_MAX),
};
static const struct shape refused_shape =
    SHAPE("refused", struct entry_refused, refused_fields);

const struct shape *
entry_shape(uint32_t type)
{
	static const struct shape *const shapes[ENTRY_TYPES] = {
	    [ENTRY_MESSAGE] = &message_shape,
	    [ENTRY_STATUS] = &status_shape,
	    [ENTRY_MOVED] = &moved_shape,
	    [ENTRY_DONE] = &done_shape,
	    [ENTRY_GENERATION] = &generation_shape,
	    [ENTRY_REFUSED] = &refused_shape,
	};

	return type < ENTRY_TYPES ? shapes[type] : NULL;
}

static int
decode_message(struct str payload, struct arena *a, struct entry_message *ret,
    struct str *ret_content, const char **ret_why)
{
	struct entry_message m;
	size_t used;
	int r =
	    shape_decode_front(&message_shape, payload, a, &m, &used, ret_why);

	if (r < 0)
		return r;
	if (payload.len - used != m.envelope.size) {
		*ret_why = "the content's size is not the envelope's";
		return -EPROTO;
	}
	*ret = m;
	if (ret_content != NULL)
		*ret_content = str_from(payload, used);
	return 0;
}

int
entry_decode(uint32_t type, struct str payload, struct arena *a,
    void *ret_value, struct str *ret_content, const char **ret_why)
{
	const struct shape *shape = entry_shape(type);

	if (shape == NULL) {
		*ret_why = "unknown type";
		return -EPROTO;
	}
	if (type == ENTRY_MESSAGE)
		return decode_message(
		    payload, a, ret_value, ret_content, ret_why);
	return shape_decode(shape, payload, a, ret_value, ret_why);
}

size_t
entry_done_count(struct str done)
{
	return done.len / INDEX_SIZE;
}

uint32_t
entry_done_at(struct str done, size_t i)
{
	return bytes_get32((const unsigned char *)done.p + i * INDEX_SIZE);
}

int
entry_add_done(struct buf *done, uint32_t index)
{
	unsigned char bytes[INDEX_SIZE];

	bytes_put32(bytes, index);
	return buf_add(done, bytes, sizeof(bytes));
}

size_t
entry_arena_max(size_t n)
{
	/* A row is never more than this many times what it takes encoded. */
	return 64 * 1024 + 8 * n;
}
