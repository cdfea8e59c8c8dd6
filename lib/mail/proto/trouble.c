/* SPDX-License-Identifier: ISC */
/* proto/trouble - the shapes of what a postmaster is told. */
#include "mail/proto/trouble.h"

#include "mail/notice_class.h"
#include "mail/transcript.h"

static const struct field tell_fields[] = {
    SHAPE_U64(struct trouble_tell, about, 2 * NOTICE_SOFTWARE - 1),
    SHAPE_LINE(struct trouble_tell, subject, TROUBLE_SUBJECT_MAX),
    SHAPE_STR(struct trouble_tell, transcript, TRANSCRIPT_MAX),
};
static const struct shape tell_shape =
    SHAPE("tell", struct trouble_tell, tell_fields);

static const struct field told_fields[] = {
    SHAPE_U64(struct trouble_told, unused, 0),
};
static const struct shape told_shape =
    SHAPE("told", struct trouble_told, told_fields);

static const struct shape *const shapes[TROUBLE_KINDS] = {
    [TROUBLE_TELL] = &tell_shape,
    [TROUBLE_TOLD] = &told_shape,
};
const struct protocol trouble_protocol = {"trouble", 1, shapes, TROUBLE_KINDS};
