/* SPDX-License-Identifier: ISC */
/*
 * proto/lookup - the shapes of the conversation with lookup.
 */
#include "mail/proto/lookup.h"

static const struct field ask_fields[] = {
    SHAPE_U64(struct lookup_ask, database, LOOKUP_ADDRESS),
    SHAPE_LINE(struct lookup_ask, key, LOOKUP_KEY_MAX),
};
static const struct shape ask_shape =
    SHAPE("lookup_ask", struct lookup_ask, ask_fields);

static const struct field answer_fields[] = {
    SHAPE_U64(struct lookup_answer, find, FIND_BROKEN),
    SHAPE_LINE(struct lookup_answer, name, LOOKUP_KEY_MAX),
    SHAPE_U64(struct lookup_answer, uid, UINT32_MAX),
    SHAPE_U64(struct lookup_answer, gid, UINT32_MAX),
    SHAPE_LINE(struct lookup_answer, home, LOOKUP_TEXT_MAX),
    SHAPE_LINE(struct lookup_answer, shell, LOOKUP_TEXT_MAX),
    SHAPE_LINE(struct lookup_answer, gecos, LOOKUP_TEXT_MAX),
    SHAPE_LINE(struct lookup_answer, text, LOOKUP_TEXT_MAX),
};
const struct shape lookup_answer_shape =
    SHAPE("lookup_answer", struct lookup_answer, answer_fields);

static const struct shape *const shapes[LOOKUP_KINDS] = {
    [LOOKUP_ASK] = &ask_shape,
    [LOOKUP_ANSWER] = &lookup_answer_shape,
};
const struct protocol lookup_protocol = {"lookup", 1, shapes, LOOKUP_KINDS};
