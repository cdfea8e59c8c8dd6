/* SPDX-License-Identifier: ISC */
/* proto/job - the shapes of a delivery and of what became of it. */
#include "mail/proto/job.h"

#include "mail/addr.h"
#include "mail/bounds.h"

static const struct field recipient_fields[] = {
    SHAPE_U64(struct job_recipient, index, ENVELOPE_RCPT_MAX),
    SHAPE_ONE(struct job_recipient, recipient, &recipient_shape),
};
static const struct shape recipient_row =
    SHAPE("row", struct job_recipient, recipient_fields);

static const struct field deliver_fields[] = {
    SHAPE_LINE(struct job_deliver, id, ENVELOPE_QID_MAX),
    SHAPE_LINE(struct job_deliver, nexthop, BOUND_NEXTHOP),
    SHAPE_LINE(struct job_deliver, sender, ADDR_MAX),
    SHAPE_I64(struct job_deliver, arrival, INT64_MAX),
    SHAPE_U64(struct job_deliver, body_8bit, 1),
    SHAPE_U64(struct job_deliver, utf8, 1),
    SHAPE_U64(struct job_deliver, is_bounce, 1),
    SHAPE_U64(struct job_deliver, is_again, 1),
    SHAPE_LINE(struct job_deliver, envid, BOUND_ENVID),
    SHAPE_U64(struct job_deliver, ret, BOUND_RET),
    SHAPE_STR(struct job_deliver, header, BOUND_HEADER),
    SHAPE_ROWS(
	struct job_deliver, recipients, ENVELOPE_RCPT_MAX, &recipient_row),
    SHAPE_ONE(struct job_deliver, content, &content_wire_shape),
};
static const struct shape deliver_shape =
    SHAPE("deliver", struct job_deliver, deliver_fields);

static const struct field outcome_fields[] = {
    SHAPE_U64(struct job_outcome, index, ENVELOPE_RCPT_MAX),
    SHAPE_ONE(struct job_outcome, outcome, &outcome_shape),
    SHAPE_LINE(struct job_outcome, elsewhere, BOUND_NEXTHOP),
};
static const struct shape outcome_row =
    SHAPE("row", struct job_outcome, outcome_fields);

static const struct field done_fields[] = {
    SHAPE_ROWS(struct job_done, outcomes, ENVELOPE_RCPT_MAX, &outcome_row),
    SHAPE_U64(struct job_done, reused, UINT32_MAX),
    SHAPE_U64(struct job_done, is_lmtp, 1),
    SHAPE_U64(struct job_done, unheard, 1),
};
static const struct shape done_shape =
    SHAPE("done", struct job_done, done_fields);

static const struct field report_fields[] = {
    SHAPE_ONE(struct job_report, recipient, &recipient_shape),
    SHAPE_ONE(struct job_report, outcome, &outcome_shape),
    SHAPE_U64(struct job_report, for_sender, 1),
};
static const struct shape report_row =
    SHAPE("report", struct job_report, report_fields);

static const struct field bounce_fields[] = {
    SHAPE_U64(struct job_bounce, about, BOUNCE_SUCCESS),
    SHAPE_ONE(struct job_bounce, envelope, &envelope_shape),
    SHAPE_ROWS(struct job_bounce, reports, JOB_REPORTS_MAX, &report_row),
    SHAPE_U64(struct job_bounce, more, ENVELOPE_RCPT_MAX),
    SHAPE_U64(struct job_bounce, more_for_sender, ENVELOPE_RCPT_MAX),
    SHAPE_U64(struct job_bounce, to_sender, 1),
    SHAPE_LINE(struct job_bounce, postmaster, ADDR_MAX),
    SHAPE_ONE(struct job_bounce, content, &content_wire_shape),
    SHAPE_U64(struct job_bounce, cut, 1),
};
static const struct shape bounce_shape =
    SHAPE("bounce", struct job_bounce, bounce_fields);

static const struct field leaving_fields[] = {
    SHAPE_U64(struct requests_leaving, open, UINT32_MAX),
};
static const struct shape leaving_shape =
    SHAPE("leaving", struct requests_leaving, leaving_fields);

static const struct shape *const shapes[JOB_KINDS] = {
    [JOB_DELIVER] = &deliver_shape,
    [JOB_DONE] = &done_shape,
    [JOB_BOUNCE] = &bounce_shape,
    [JOB_LEAVING] = &leaving_shape,
};
const struct protocol job_protocol = {"job", 5, shapes, JOB_KINDS};
