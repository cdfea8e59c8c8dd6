/* SPDX-License-Identifier: ISC */
/* proto/admin - the shapes of the conversation with the tools. */
#include "mail/proto/admin.h"

#include "mail/addr.h"
#include "mail/bounds.h"

static const struct field list_fields[] = {
    SHAPE_U64(struct admin_list, recipients, 1),
};
static const struct shape list_shape =
    SHAPE("list", struct admin_list, list_fields);

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
static const struct shape entry_shape =
    SHAPE("entry", struct admin_entry, entry_fields);

static const struct field flush_fields[] = {
    SHAPE_LINE(struct admin_flush, id, ENVELOPE_QID_MAX),
};
static const struct shape flush_shape =
    SHAPE("flush", struct admin_flush, flush_fields);

static const struct field done_fields[] = {
    SHAPE_U64(struct admin_done, count, INT64_MAX),
    SHAPE_U64(struct admin_done, error, INT32_MAX),
    SHAPE_LINE(struct admin_done, text, BOUND_NEXTHOP),
};
static const struct shape done_shape =
    SHAPE("done", struct admin_done, done_fields);

static const struct shape *const shapes[ADMIN_KINDS] = {
    [ADMIN_LIST] = &list_shape,
    [ADMIN_ENTRY] = &entry_shape,
    [ADMIN_FLUSH] = &flush_shape,
    [ADMIN_DONE] = &done_shape,
};
const struct protocol admin_protocol = {"admin", 1, shapes, ADMIN_KINDS};
