/* SPDX-License-Identifier: ISC */
/* proto/expand - the shapes of what local is asked and what it decides. */
#include "mail/proto/expand.h"

#include "mail/addr.h"
#include "mail/bounds.h"

static const struct field ask_fields[] = {
    SHAPE_LINE(struct expand_ask, id, ENVELOPE_QID_MAX),
    SHAPE_LINE(struct expand_ask, transport, BOUND_NAME),
    SHAPE_LINE(struct expand_ask, nexthop, BOUND_NEXTHOP),
    SHAPE_LINE(struct expand_ask, sender, ADDR_MAX),
    SHAPE_ONE(struct expand_ask, recipient, &recipient_shape),
    SHAPE_ROWS(struct expand_ask, loops, ENVELOPE_LOOPS_MAX, &loop_mark_shape),
};
static const struct shape ask_shape =
    SHAPE("ask", struct expand_ask, ask_fields);

static const struct field child_fields[] = {
    SHAPE_LINE(struct expand_child, sender, ADDR_MAX),
    SHAPE_U64(struct expand_child, is_list, 1),
    SHAPE_ROWS(
	struct expand_child, recipients, ENVELOPE_RCPT_MAX, &recipient_shape),
    SHAPE_STR(struct expand_child, header, BOUND_HEADER),
};
static const struct shape child_shape =
    SHAPE("child", struct expand_child, child_fields);

static const struct field answer_fields[] = {
    SHAPE_U64(struct expand_answer, verdict, EXPAND_OUTCOME),
    SHAPE_ROWS(struct expand_answer, actions, 1, &action_shape),
    SHAPE_ROWS(struct expand_answer, children, 1, &child_shape),
    SHAPE_ROWS(struct expand_answer, outcomes, 1, &outcome_shape),
    SHAPE_LINE(struct expand_answer, delivered_to, ADDR_MAX),
};
static const struct shape answer_shape =
    SHAPE("answer", struct expand_answer, answer_fields);

static const struct shape *const shapes[EXPAND_KINDS] = {
    [EXPAND_ASK] = &ask_shape,
    [EXPAND_ANSWER] = &answer_shape,
};
const struct protocol expand_protocol = {"expand", 2, shapes, EXPAND_KINDS};
