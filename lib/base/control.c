/* SPDX-License-Identifier: ISC */
/* control - the shapes of what master and its programs say to each other. */
#include "base/control.h"

#define SERVICE_MAX  128
#define GIFTS_MAX    4096
#define STATUS_MAX   1024
#define ENDPOINT_MAX 1024

static const struct field start_fields[] = {
    SHAPE_LINE(struct control_start, service, SERVICE_MAX),
    SHAPE_LINE(struct control_start, syslog_name, SERVICE_MAX),
    SHAPE_LINE(struct control_start, hostname, 255),
    SHAPE_U64(struct control_start, log_target, 2),
    SHAPE_U64(struct control_start, facility, 23 << 3),
    SHAPE_U64(struct control_start, generation, UINT32_MAX),
    SHAPE_U64(struct control_start, is_root_suite, 1),
    SHAPE_U64(struct control_start, limit, UINT32_MAX),
};
static const struct shape start_shape =
    SHAPE("start", struct control_start, start_fields);

static const struct field gift_fields[] = {
    SHAPE_LINE(struct control_gift, name, GIFT_NAME_MAX),
};
static const struct shape gift_shape =
    SHAPE("gift", struct control_gift, gift_fields);

static const struct field go_fields[] = {
    SHAPE_U64(struct control_go, gifts, GIFTS_MAX),
};
static const struct shape go_shape = SHAPE("go", struct control_go, go_fields);

static const struct field ready_fields[] = {
    SHAPE_U64(struct control_ready, pid, INT32_MAX),
};
static const struct shape ready_shape =
    SHAPE("ready", struct control_ready, ready_fields);

static const struct field want_fields[] = {
    SHAPE_LINE(struct control_want, service, SERVICE_MAX),
};
static const struct shape want_shape =
    SHAPE("want", struct control_want, want_fields);

static const struct field connect_fields[] = {
    SHAPE_LINE(struct control_connect, endpoint, ENDPOINT_MAX),
};
static const struct shape connect_shape =
    SHAPE("connect", struct control_connect, connect_fields);

static const struct field link_fields[] = {
    SHAPE_LINE(struct control_link, peer, ENDPOINT_MAX),
    SHAPE_U64(struct control_link, error, 4095),
};
static const struct shape link_shape =
    SHAPE("link", struct control_link, link_fields);

static const struct field log_fields[] = {
    SHAPE_U64(struct control_log, log_target, 2),
};
static const struct shape log_shape =
    SHAPE("log", struct control_log, log_fields);

static const struct field config_fields[] = {
    SHAPE_U64(struct control_config, generation, UINT32_MAX),
};
static const struct shape config_shape =
    SHAPE("config", struct control_config, config_fields);

static const struct field drain_fields[] = {
    SHAPE_U64(struct control_drain, reason, UINT32_MAX),
};
static const struct shape drain_shape =
    SHAPE("drain", struct control_drain, drain_fields);

static const struct field done_fields[] = {
    SHAPE_U64(struct control_done, generation, UINT32_MAX),
};
static const struct shape done_shape =
    SHAPE("done", struct control_done, done_fields);

static const struct field status_fields[] = {
    SHAPE_LINE(struct control_status, text, STATUS_MAX),
};
static const struct shape status_shape =
    SHAPE("status", struct control_status, status_fields);

static const struct shape *const shapes[CONTROL_KINDS] = {
    [CONTROL_START] = &start_shape,
    [CONTROL_GIFT] = &gift_shape,
    [CONTROL_GO] = &go_shape,
    [CONTROL_READY] = &ready_shape,
    [CONTROL_WANT] = &want_shape,
    [CONTROL_CONNECT] = &connect_shape,
    [CONTROL_LINK] = &link_shape,
    [CONTROL_LOG] = &log_shape,
    [CONTROL_CONFIG] = &config_shape,
    [CONTROL_DRAIN] = &drain_shape,
    [CONTROL_DONE] = &done_shape,
    [CONTROL_STATUS] = &status_shape,
};

const struct protocol control_protocol = {
    .name = "control",
    .version = 3,
    .shapes = shapes,
    .nshapes = CONTROL_KINDS,
};
