/* SPDX-License-Identifier: ISC */
/* proto/memo - the shapes of the conversation with memo. */
#include "mail/proto/memo.h"

static const struct field count_fields[] = {
    SHAPE_U64(struct memo_count, what, MEMO_WHATS - 1),
    SHAPE_LINE(struct memo_count, key, MEMO_KEY_MAX),
    SHAPE_U64(struct memo_count, n, MEMO_N_MAX),
};
static const struct shape count_shape =
    SHAPE("count", struct memo_count, count_fields);

static const struct field ask_fields[] = {
    SHAPE_ROWS(struct memo_ask, counts, MEMO_COUNTS_MAX, &count_shape),
};
static const struct shape ask_shape = SHAPE("ask", struct memo_ask, ask_fields);

static const struct field total_fields[] = {
    SHAPE_U64(struct memo_total, n, UINT32_MAX),
};
static const struct shape total_shape =
    SHAPE("total", struct memo_total, total_fields);

static const struct field answer_fields[] = {
    SHAPE_ROWS(struct memo_answer, totals, MEMO_COUNTS_MAX, &total_shape),
};
static const struct shape answer_shape =
    SHAPE("answer", struct memo_answer, answer_fields);

static const struct shape *const shapes[MEMO_KINDS] = {
    [MEMO_ASK] = &ask_shape,
    [MEMO_ANSWER] = &answer_shape,
    [MEMO_TELL] = &ask_shape,
};
const struct protocol memo_protocol = {"memo", 1, shapes, MEMO_KINDS};
