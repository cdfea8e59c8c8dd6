/* SPDX-License-Identifier: ISC */
/* proto/submit - the shapes of what sendmail(1) brings. */
#include "mail/proto/submit.h"

#include "mail/addr.h"
#include "mail/bounds.h"
#include "mail/outcome.h"

static const struct field message_fields[] = {
    SHAPE_LINE(struct submit_message, sender, ADDR_MAX),
    SHAPE_U64(struct submit_message, null_sender, 1),
    SHAPE_LINE(struct submit_message, full_name, BOUND_NAME),
    SHAPE_LINE(struct submit_message, envid, BOUND_ENVID),
    SHAPE_U64(struct submit_message, ret, BOUND_RET),
    SHAPE_U64(struct submit_message, body_8bit, 1),
    SHAPE_U64(struct submit_message, extract, 1),
    SHAPE_U64(struct submit_message, notify, BOUND_NOTIFY),
    SHAPE_ROWS(
	struct submit_message, recipients, ENVELOPE_RCPT_MAX, &recipient_shape),
    SHAPE_ONE(struct submit_message, content, &content_wire_shape),
};
const struct shape submit_message_shape =
    SHAPE("message", struct submit_message, message_fields);

static const struct field done_fields[] = {
    SHAPE_U64(struct submit_done, exit_code, UINT8_MAX),
    SHAPE_LINE(struct submit_done, id, ENVELOPE_QID_MAX),
    SHAPE_LINE(struct submit_done, text, OUTCOME_TEXT_MAX),
};
static const struct shape done_shape =
    SHAPE("done", struct submit_done, done_fields);

static const struct shape *const shapes[SUBMIT_KINDS] = {
    [SUBMIT_MESSAGE] = &submit_message_shape,
    [SUBMIT_DONE] = &done_shape,
};
const struct protocol submit_protocol = {"submit", 1, shapes, SUBMIT_KINDS};
