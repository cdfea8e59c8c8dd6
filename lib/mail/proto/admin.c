/* SPDX-License-Identifier: ISC */
/* proto/admin - the shapes of the conversation with the tools. */
#include "mail/proto/admin.h"

#include "mail/addr.h"
#include "mail/bounds.h"

static const struct field list_fields[] = {
    SHAPE_U64(struct admin_list, only_names, 1),
};
static const struct shape list_shape =
    SHAPE("list", struct admin_list, list_fields);

static const struct field listing_fields[] = {
    SHAPE_U64(struct admin_listing, total, INT64_MAX),
};
static const struct shape listing_shape =
    SHAPE("listing", struct admin_listing, listing_fields);

static const struct field recipient_fields[] = {
    SHAPE_LINE(struct admin_recipient, address, ADDR_MAX),
    SHAPE_LINE(struct admin_recipient, reason, BOUND_NEXTHOP),
};
static const struct shape recipient_row =
    SHAPE("recipient", struct admin_recipient, recipient_fields);

static const struct field entry_fields[] = {
    SHAPE_LINE(struct admin_entry, queue, BOUND_WORD),
    SHAPE_LINE(struct admin_entry, id, ENVELOPE_QID_MAX),
    SHAPE_I64(struct admin_entry, arrival, INT64_MAX),
    SHAPE_U64(struct admin_entry, size, CONTENT_MAX),
    SHAPE_U64(struct admin_entry, forced_expire, 1),
    SHAPE_LINE(struct admin_entry, sender, ADDR_MAX),
    SHAPE_ROWS(
	struct admin_entry, recipients, ENVELOPE_RCPT_MAX, &recipient_row),
};
const struct shape admin_entry_shape =
    SHAPE("entry", struct admin_entry, entry_fields);

static const struct field flush_fields[] = {
    SHAPE_LINE(struct admin_flush, id, ENVELOPE_QID_MAX),
    SHAPE_LINE(struct admin_flush, site, BOUND_NEXTHOP),
};
static const struct shape flush_shape =
    SHAPE("flush", struct admin_flush, flush_fields);

static const struct field id_fields[] = {
    SHAPE_LINE(struct admin_id, id, ENVELOPE_QID_MAX),
};
static const struct shape id_row = SHAPE("id", struct admin_id, id_fields);

static const struct field steer_fields[] = {
    SHAPE_U64(struct admin_steer, action, ADMIN_ACTIONS - 1),
    SHAPE_U64(struct admin_steer, queues, ADMIN_QUEUES),
    SHAPE_ROWS(struct admin_steer, ids, ADMIN_IDS_MAX, &id_row),
};
static const struct shape steer_shape =
    SHAPE("steer", struct admin_steer, steer_fields);

static const struct field steered_fields[] = {
    SHAPE_ROWS(struct admin_steered, ids, ADMIN_IDS_MAX, &id_row),
    SHAPE_U64(struct admin_steered, failed, ADMIN_IDS_MAX),
    SHAPE_U64(struct admin_steered, error, INT32_MAX),
    SHAPE_LINE(struct admin_steered, reason, BOUND_NEXTHOP),
};
static const struct shape steered_shape =
    SHAPE("steered", struct admin_steered, steered_fields);

static const struct field show_fields[] = {
    SHAPE_LINE(struct admin_show, id, ENVELOPE_QID_MAX),
};
static const struct shape show_shape =
    SHAPE("show", struct admin_show, show_fields);

static const struct field mark_fields[] = {
    SHAPE_U64(struct admin_mark, done, 1),
    SHAPE_U64(struct admin_mark, attempted, 1),
    SHAPE_ONE(struct admin_mark, outcome, &outcome_shape),
};
static const struct shape mark_row =
    SHAPE("mark", struct admin_mark, mark_fields);

static const struct field message_fields[] = {
    SHAPE_LINE(struct admin_message, queue, BOUND_WORD),
    SHAPE_U64(struct admin_message, attempts, UINT32_MAX),
    SHAPE_I64(struct admin_message, next, INT64_MAX),
    SHAPE_U64(struct admin_message, forced_expire, 1),
    SHAPE_ONE(struct admin_message, envelope, &envelope_shape),
    SHAPE_ROWS(struct admin_message, marks, ENVELOPE_RCPT_MAX, &mark_row),
    SHAPE_ONE(struct admin_message, content, &content_wire_shape),
};
static const struct shape message_shape =
    SHAPE("message", struct admin_message, message_fields);

static const struct field done_fields[] = {
    SHAPE_U64(struct admin_done, count, INT64_MAX),
    SHAPE_U64(struct admin_done, error, INT32_MAX),
    SHAPE_LINE(struct admin_done, text, BOUND_NEXTHOP),
};
static const struct shape done_shape =
    SHAPE("done", struct admin_done, done_fields);

static const struct shape *const shapes[ADMIN_KINDS] = {
    [ADMIN_LIST] = &list_shape,
    [ADMIN_LISTING] = &listing_shape,
    [ADMIN_FLUSH] = &flush_shape,
    [ADMIN_STEER] = &steer_shape,
    [ADMIN_STEERED] = &steered_shape,
    [ADMIN_SHOW] = &show_shape,
    [ADMIN_MESSAGE] = &message_shape,
    [ADMIN_DONE] = &done_shape,
};
const struct protocol admin_protocol = {"admin", 2, shapes, ADMIN_KINDS};
