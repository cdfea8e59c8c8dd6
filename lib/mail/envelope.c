/* SPDX-License-Identifier: ISC */
/*
 * envelope - the shapes of an envelope and of its parts, with the bound of
 * every field.  What stands in a header, a log line or an SMTP command is a
 * line: no NUL, CR or LF (SECURITY: nothing a client sent can begin a new
 * record, header or command further on).
 */
#include "mail/envelope.h"

#include "mail/addr.h"
#include "mail/bounds.h"

static const struct field action_fields[] = {
    SHAPE_U64(struct action, kind, ACTION_EXPANDED),
    SHAPE_U64(struct action, uid, UINT32_MAX),
    SHAPE_U64(struct action, gid, UINT32_MAX),
    SHAPE_U64(struct action, mail_gid, UINT32_MAX),
    SHAPE_LINE(struct action, user, BOUND_NAME),
    SHAPE_LINE(struct action, home, BOUND_PATH),
    SHAPE_LINE(struct action, shell, BOUND_PATH),
    SHAPE_LINE(struct action, root, BOUND_PATH),
    SHAPE_LINE(struct action, path, BOUND_PATH),
    SHAPE_LINE(struct action, relay, BOUND_NAME),
    SHAPE_U64(struct action, limit, INT64_MAX),
    SHAPE_U64(struct action, time_limit, UINT32_MAX),
};
const struct shape action_shape = SHAPE("action", struct action, action_fields);

static const struct field recipient_fields[] = {
    SHAPE_LINE(struct recipient, address, ADDR_MAX),
    SHAPE_LINE(struct recipient, original, ADDR_MAX),
    SHAPE_LINE(struct recipient, orcpt, BOUND_ORCPT),
    SHAPE_U64(struct recipient, notify, BOUND_NOTIFY),
    SHAPE_ROWS(struct recipient, action, 1, &action_shape),
};
const struct shape recipient_shape =
    SHAPE("recipient", struct recipient, recipient_fields);

static const struct field loop_mark_fields[] = {
    SHAPE_LINE(struct loop_mark, address, ADDR_MAX),
};
const struct shape loop_mark_shape =
    SHAPE("loop", struct loop_mark, loop_mark_fields);

static const struct field envelope_fields[] = {
    SHAPE_LINE(struct envelope, id, ENVELOPE_QID_MAX),
    SHAPE_LINE(struct envelope, sender, ADDR_MAX),
    SHAPE_I64(struct envelope, arrival, INT64_MAX),
    SHAPE_U64(struct envelope, size, CONTENT_MAX),
    SHAPE_LINE(struct envelope, client, BOUND_CLIENT),
    SHAPE_LINE(struct envelope, helo, BOUND_CLIENT),
    SHAPE_LINE(struct envelope, proto, BOUND_WORD),
    SHAPE_LINE(struct envelope, login, BOUND_NAME),
    SHAPE_LINE(struct envelope, envid, BOUND_ENVID),
    SHAPE_U64(struct envelope, ret, BOUND_RET),
    SHAPE_U64(struct envelope, body_8bit, 1),
    SHAPE_U64(struct envelope, utf8, 1),
    SHAPE_U64(struct envelope, hops, UINT16_MAX),
    SHAPE_U64(struct envelope, is_bounce, 1),
    SHAPE_U64(struct envelope, hold, 1),
    SHAPE_LINE(struct envelope, filter, BOUND_NEXTHOP),
    SHAPE_ROWS(struct envelope, loops, ENVELOPE_LOOPS_MAX, &loop_mark_shape),
    SHAPE_ROWS(
	struct envelope, recipients, ENVELOPE_RCPT_MAX, &recipient_shape),
};
const struct shape envelope_shape =
    SHAPE("envelope", struct envelope, envelope_fields);
