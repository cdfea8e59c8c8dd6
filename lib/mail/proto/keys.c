/* SPDX-License-Identifier: ISC */
/*
 * proto/keys - the shapes of the conversation with keys, and of what master
 * tells it.
 */
#include "mail/proto/keys.h"

static const struct field join_fields[] = {
    SHAPE_STR(struct keys_join, binding, KEYS_BINDING_MAX),
};
static const struct shape join_shape =
    SHAPE("keys_join", struct keys_join, join_fields);

static const struct field chain_fields[] = {
    SHAPE_STR(struct keys_chain, key, KEYS_ID),
    SHAPE_STR(struct keys_chain, pem, KEYS_PEM_MAX),
};
static const struct shape chain_shape =
    SHAPE("keys_chain", struct keys_chain, chain_fields);

static const struct field ticket_fields[] = {
    SHAPE_STR(struct keys_ticket, secret, KEYS_TICKET),
};
static const struct shape ticket_shape =
    SHAPE("keys_ticket", struct keys_ticket, ticket_fields);

static const struct field held_fields[] = {
    SHAPE_U64(struct keys_held, generation, UINT64_MAX),
    SHAPE_ROWS(struct keys_held, chains, KEYS_CHAINS_MAX, &chain_shape),
    SHAPE_U64(struct keys_held, has_names, 1),
    SHAPE_ROWS(struct keys_held, tickets, KEYS_TICKETS_MAX, &ticket_shape),
    SHAPE_U64(struct keys_held, ticket_life, UINT32_MAX),
};
const struct shape keys_held_shape =
    SHAPE("keys_held", struct keys_held, held_fields);

static const struct field sign_fields[] = {
    SHAPE_STR(struct keys_sign, key, KEYS_ID),
    SHAPE_U64(struct keys_sign, scheme, UINT16_MAX),
    SHAPE_STR(struct keys_sign, message, KEYS_MESSAGE_MAX),
};
static const struct shape sign_shape =
    SHAPE("keys_sign", struct keys_sign, sign_fields);

static const struct field signed_fields[] = {
    SHAPE_U64(struct keys_signed, verdict, KEYS_FAILED),
    SHAPE_STR(struct keys_signed, signature, KEYS_SIGNATURE_MAX),
};
static const struct shape signed_shape =
    SHAPE("keys_signed", struct keys_signed, signed_fields);

static const struct field find_fields[] = {
    SHAPE_LINE(struct keys_find, name, KEYS_NAME_MAX),
};
static const struct shape find_shape =
    SHAPE("keys_find", struct keys_find, find_fields);

static const struct field has_fields[] = {
    SHAPE_U64(struct keys_has, find, FIND_BROKEN),
    SHAPE_ROWS(struct keys_has, chains, KEYS_CHAINS_MAX, &chain_shape),
};
static const struct shape has_shape =
    SHAPE("keys_has", struct keys_has, has_fields);

static const struct shape *const shapes[KEYS_KINDS] = {
    [KEYS_JOIN] = &join_shape,
    [KEYS_HELD] = &keys_held_shape,
    [KEYS_SIGN] = &sign_shape,
    [KEYS_SIGNED] = &signed_shape,
    [KEYS_FIND] = &find_shape,
    [KEYS_HAS] = &has_shape,
};
const struct protocol keys_protocol = {"keys", 1, shapes, KEYS_KINDS};

/* ---- what master tells keys ---- */

static const struct field file_fields[] = {
    SHAPE_LINE(struct keys_file, path, KEYS_PATH_MAX),
};
static const struct shape file_shape =
    SHAPE("keys_file", struct keys_file, file_fields);

static const struct field source_fields[] = {
    SHAPE_ROWS(struct keys_source, files, KEYS_FILES_MAX, &file_shape),
    SHAPE_LINE(struct keys_source, key_file, KEYS_PATH_MAX),
};
static const struct shape source_shape =
    SHAPE("keys_source", struct keys_source, source_fields);

static const struct field service_fields[] = {
    SHAPE_LINE(struct keys_service, client, 255),
    SHAPE_U64(struct keys_service, role, KEYS_CLIENT),
    SHAPE_ROWS(struct keys_service, sources, KEYS_CHAINS_MAX, &source_shape),
    SHAPE_U64(struct keys_service, own, 1),
    SHAPE_STR(struct keys_service, names, 64 * 1024),
    SHAPE_U64(struct keys_service, rate, UINT32_MAX),
    SHAPE_U64(struct keys_service, ticket_life, UINT32_MAX),
};
static const struct shape service_shape =
    SHAPE("keys_service", struct keys_service, service_fields);

static const struct field config_fields[] = {
    SHAPE_LINE(struct keys_config, hostname, 255),
    SHAPE_LINE(struct keys_config, default_type, KEYS_TYPE_MAX),
    SHAPE_ROWS(struct keys_config, services, KEYS_SERVICES_MAX, &service_shape),
};
const struct shape keys_config_shape =
    SHAPE("keys_config", struct keys_config, config_fields);
