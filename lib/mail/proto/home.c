/* SPDX-License-Identifier: ISC */
/* proto/home - the shapes of reading a file as its user. */
#include "mail/proto/home.h"

#include "base/find.h"
#include "mail/bounds.h"

static const struct field read_fields[] = {
    SHAPE_LINE(struct home_read, path, BOUND_PATH),
    SHAPE_U64(struct home_read, owner, UINT32_MAX),
    SHAPE_U64(struct home_read, check_dir, 1),
};
static const struct shape read_shape =
    SHAPE("read", struct home_read, read_fields);

static const struct field text_fields[] = {
    SHAPE_U64(struct home_text, find, FIND_BROKEN),
    SHAPE_STR(struct home_text, text, HOME_TEXT_MAX),
    SHAPE_LINE(struct home_text, why, BOUND_CLIENT),
};
static const struct shape text_shape =
    SHAPE("text", struct home_text, text_fields);

static const struct shape *const shapes[HOME_KINDS] = {
    [HOME_READ] = &read_shape,
    [HOME_TEXT] = &text_shape,
};
const struct protocol home_protocol = {"home", 1, shapes, HOME_KINDS};
