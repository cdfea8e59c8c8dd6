/* SPDX-License-Identifier: ISC */
/* proto/report - its shapes. */
#include "mail/proto/report.h"

#define NAME_LEN 128
#define TEXT_LEN 4096

static const struct field ask_fields[] = {
    SHAPE_U64(struct report_ask, reserved, 0),
};
static const struct shape ask_shape =
    SHAPE("ask", struct report_ask, ask_fields);

static const struct field process_fields[] = {
    SHAPE_LINE(struct report_process, program, NAME_LEN),
    SHAPE_LINE(struct report_process, service, NAME_LEN),
    SHAPE_U64(struct report_process, pid, INT32_MAX),
    SHAPE_U64(struct report_process, uid, UINT32_MAX),
    SHAPE_U64(struct report_process, generation, UINT32_MAX),
    SHAPE_U64(struct report_process, state, REPORT_LEAVING),
    SHAPE_U64(struct report_process, seconds, INT64_MAX),
    SHAPE_LINE(struct report_process, text, TEXT_LEN),
};
static const struct shape process_shape =
    SHAPE("process", struct report_process, process_fields);

static const struct field note_fields[] = {
    SHAPE_LINE(struct report_note, text, TEXT_LEN),
};
static const struct shape note_shape =
    SHAPE("note", struct report_note, note_fields);

static const struct field remark_fields[] = {
    SHAPE_U64(struct report_remark, severity, 2),
    SHAPE_STR(struct report_remark, file, TEXT_LEN),
    SHAPE_U64(struct report_remark, line, UINT32_MAX),
    SHAPE_STR(struct report_remark, text, TEXT_LEN),
};
static const struct shape remark_shape =
    SHAPE("remark", struct report_remark, remark_fields);

static const struct field done_fields[] = {
    SHAPE_U64(struct report_done, error, 4095),
};
static const struct shape done_shape =
    SHAPE("done", struct report_done, done_fields);

static const struct shape *const shapes[REPORT_KINDS] = {
    [REPORT_STATUS] = &ask_shape,
    [REPORT_RELOAD] = &ask_shape,
    [REPORT_STOP] = &ask_shape,
    [REPORT_TABLES] = &ask_shape,
    [REPORT_PROCESS] = &process_shape,
    [REPORT_NOTE] = &note_shape,
    [REPORT_REMARK] = &remark_shape,
    [REPORT_DONE] = &done_shape,
};

const struct protocol report_protocol = {
    .name = "report",
    .version = 2,
    .shapes = shapes,
    .nshapes = REPORT_KINDS,
};
