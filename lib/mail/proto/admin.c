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
    SHAPE_ROWS(struct admin_steered, released, ADMIN_IDS_MAX, &id_row),
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

static const struct field status_fields[] = {
    SHAPE_U64(struct admin_status, destinations, ADMIN_SITES_MAX),
};
static const struct shape status_shape =
    SHAPE("status", struct admin_status, status_fields);

static const struct field counts_fields[] = {
    SHAPE_U64(struct admin_counts, taken, INT64_MAX),
    SHAPE_U64(struct admin_counts, bytes, INT64_MAX),
    SHAPE_U64(struct admin_counts, sent, INT64_MAX),
    SHAPE_U64(struct admin_counts, deferred, INT64_MAX),
    SHAPE_U64(struct admin_counts, bounced, INT64_MAX),
    SHAPE_U64(struct admin_counts, removed, INT64_MAX),
};
static const struct shape counts_shape =
    SHAPE("counts", struct admin_counts, counts_fields);

static const struct field destination_fields[] = {
    SHAPE_LINE(struct admin_destination, transport, BOUND_NAME),
    SHAPE_LINE(struct admin_destination, nexthop, BOUND_NEXTHOP),
    SHAPE_U64(struct admin_destination, waiting, INT64_MAX),
    SHAPE_U64(struct admin_destination, busy, UINT32_MAX),
    SHAPE_U64(struct admin_destination, window, UINT32_MAX),
    SHAPE_U64(struct admin_destination, is_dead, 1),
    SHAPE_I64(struct admin_destination, next, INT64_MAX),
    SHAPE_LINE(struct admin_destination, why, BOUND_NEXTHOP),
};
static const struct shape destination_row =
    SHAPE("destination", struct admin_destination, destination_fields);

static const struct field state_fields[] = {
    SHAPE_I64(struct admin_state, started, INT64_MAX),
    SHAPE_I64(struct admin_state, now, INT64_MAX),
    SHAPE_U64(struct admin_state, active, INT64_MAX),
    SHAPE_U64(struct admin_state, deferred, INT64_MAX),
    SHAPE_U64(struct admin_state, held, INT64_MAX),
    SHAPE_U64(struct admin_state, waiting, INT64_MAX),
    SHAPE_U64(struct admin_state, busy, INT64_MAX),
    SHAPE_U64(struct admin_state, journal, UINT32_MAX),
    SHAPE_U64(struct admin_state, is_open, 1),
    SHAPE_LINE(struct admin_state, why, BOUND_NAME),
    SHAPE_ONE(struct admin_state, all, &counts_shape),
    SHAPE_ONE(struct admin_state, recent, &counts_shape),
    SHAPE_I64(struct admin_state, span, INT64_MAX),
    SHAPE_U64(struct admin_state, destinations, INT64_MAX),
    SHAPE_ROWS(struct admin_state, shown, ADMIN_SITES_MAX, &destination_row),
};
static const struct shape state_shape =
    SHAPE("state", struct admin_state, state_fields);

static const struct field take_fields[] = {
    SHAPE_ONE(struct admin_take, envelope, &envelope_shape),
    SHAPE_ONE(struct admin_take, content, &content_wire_shape),
};
static const struct shape take_shape =
    SHAPE("take", struct admin_take, take_fields);

static const struct field taken_fields[] = {
    SHAPE_LINE(struct admin_taken, id, ENVELOPE_QID_MAX),
};
static const struct shape taken_shape =
    SHAPE("taken", struct admin_taken, taken_fields);

static const struct field done_fields[] = {
    SHAPE_U64(struct admin_done, count, INT64_MAX),
    SHAPE_U64(struct admin_done, error, INT32_MAX),
    SHAPE_LINE(struct admin_done, text, BOUND_NEXTHOP),
};
static const struct shape done_shape =
    SHAPE("done", struct admin_done, done_fields);

static const struct field check_fields[] = {
    SHAPE_U64(struct admin_check, part, ADMIN_CHECK_PARTS - 1),
    SHAPE_U64(struct admin_check, has_content, 1),
};
static const struct shape check_shape =
    SHAPE("check", struct admin_check, check_fields);

static const struct field checked_fields[] = {
    SHAPE_U64(struct admin_checked, messages, INT64_MAX),
    SHAPE_U64(struct admin_checked, moved, INT64_MAX),
    SHAPE_U64(struct admin_checked, corrupt, INT64_MAX),
    SHAPE_U64(struct admin_checked, foreign, INT64_MAX),
    SHAPE_U64(struct admin_checked, purged, INT64_MAX),
};
static const struct shape checked_shape =
    SHAPE("checked", struct admin_checked, checked_fields);

static const struct shape *const shapes[ADMIN_KINDS] = {
    [ADMIN_LIST] = &list_shape,
    [ADMIN_LISTING] = &listing_shape,
    [ADMIN_FLUSH] = &flush_shape,
    [ADMIN_STEER] = &steer_shape,
    [ADMIN_STEERED] = &steered_shape,
    [ADMIN_SHOW] = &show_shape,
    [ADMIN_MESSAGE] = &message_shape,
    [ADMIN_STATUS] = &status_shape,
    [ADMIN_STATE] = &state_shape,
    [ADMIN_TAKE] = &take_shape,
    [ADMIN_TAKEN] = &taken_shape,
    [ADMIN_CHECK] = &check_shape,
    [ADMIN_CHECKED] = &checked_shape,
    [ADMIN_DONE] = &done_shape,
};
const struct protocol admin_protocol = {"admin", 3, shapes, ADMIN_KINDS};

const char *
admin_queue_name(enum admin_queue queue)
{
	switch (queue) {
	case ADMIN_QUEUE_DEFERRED:
		return "deferred";
	case ADMIN_QUEUE_HOLD:
		return "hold";
	case ADMIN_QUEUE_ACTIVE:
	case ADMIN_QUEUES:
		break;
	}
	return "active";
}

uint64_t
admin_queue_named(struct str name)
{
	static const enum admin_queue all[] = {
	    ADMIN_QUEUE_ACTIVE, ADMIN_QUEUE_DEFERRED, ADMIN_QUEUE_HOLD};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (str_eq(name, str_c(admin_queue_name(all[i]))))
			return all[i];
	return 0;
}
