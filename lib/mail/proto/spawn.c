/* SPDX-License-Identifier: ISC */
/* proto/spawn - the shapes of asking for a child that is a user. */
#include "mail/proto/spawn.h"

#include "mail/bounds.h"

#define GROUPS_MAX 64

static const struct field group_fields[] = {
    SHAPE_U64(struct spawn_group, gid, UINT32_MAX),
};
static const struct shape group_row =
    SHAPE("group", struct spawn_group, group_fields);

static const struct field ask_fields[] = {
    SHAPE_U64(struct spawn_ask, role, SPAWN_READER),
    SHAPE_U64(struct spawn_ask, uid, UINT32_MAX),
    SHAPE_U64(struct spawn_ask, gid, UINT32_MAX),
    SHAPE_U64(struct spawn_ask, mail_gid, UINT32_MAX),
    SHAPE_LINE(struct spawn_ask, root, BOUND_PATH),
    SHAPE_LINE(struct spawn_ask, user, BOUND_NAME),
    SHAPE_ROWS(struct spawn_ask, groups, GROUPS_MAX, &group_row),
};
static const struct shape ask_shape =
    SHAPE("ask", struct spawn_ask, ask_fields);

static const struct field given_fields[] = {
    SHAPE_U64(struct spawn_given, error, INT32_MAX),
};
static const struct shape given_shape =
    SHAPE("given", struct spawn_given, given_fields);

static const struct shape *const shapes[SPAWN_KINDS] = {
    [SPAWN_ASK] = &ask_shape,
    [SPAWN_GIVEN] = &given_shape,
};
const struct protocol spawn_protocol = {"spawn", 1, shapes, SPAWN_KINDS};
