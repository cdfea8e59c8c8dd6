/* SPDX-License-Identifier: ISC */
/* proto/queue - the shapes of handing a message to the queue. */
#include "mail/proto/queue.h"

#include "mail/bounds.h"
#include "mail/outcome.h"
#include "mail/qid.h"

static const struct field join_fields[] = {
    SHAPE_LINE(struct queue_join, program, BOUND_NAME),
};
static const struct shape join_shape =
    SHAPE("join", struct queue_join, join_fields);

static const struct field generation_fields[] = {
    SHAPE_U64(struct queue_generation, generation, QID_GENERATION_MAX),
};
static const struct shape generation_shape =
    SHAPE("generation", struct queue_generation, generation_fields);

static const struct field state_fields[] = {
    SHAPE_U64(struct queue_state, is_open, 1),
    SHAPE_U64(struct queue_state, room, UINT64_MAX),
    SHAPE_LINE(struct queue_state, dsn, BOUND_DSN),
    SHAPE_LINE(struct queue_state, text, OUTCOME_TEXT_MAX),
};
static const struct shape state_shape =
    SHAPE("state", struct queue_state, state_fields);

static const struct field enqueue_fields[] = {
    SHAPE_ONE(struct queue_enqueue, envelope, &envelope_shape),
    SHAPE_ONE(struct queue_enqueue, content, &content_wire_shape),
    SHAPE_LINE(struct queue_enqueue, parent, ENVELOPE_QID_MAX),
};
static const struct shape enqueue_shape =
    SHAPE("enqueue", struct queue_enqueue, enqueue_fields);

static const struct field queued_fields[] = {
    SHAPE_U64(struct queue_queued, verdict, QUEUE_REFUSED),
    SHAPE_LINE(struct queue_queued, dsn, BOUND_DSN),
    SHAPE_LINE(struct queue_queued, text, OUTCOME_TEXT_MAX),
};
static const struct shape queued_shape =
    SHAPE("queued", struct queue_queued, queued_fields);

static const struct shape *const shapes[QUEUE_KINDS] = {
    [QUEUE_JOIN] = &join_shape,
    [QUEUE_GENERATION] = &generation_shape,
    [QUEUE_STATE] = &state_shape,
    [QUEUE_ENQUEUE] = &enqueue_shape,
    [QUEUE_QUEUED] = &queued_shape,
};
const struct protocol queue_protocol = {"queue", 2, shapes, QUEUE_KINDS};
