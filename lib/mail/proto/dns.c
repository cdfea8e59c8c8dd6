/* SPDX-License-Identifier: ISC */
/*
 * proto/dns - the shapes of the conversation with dns.
 */
#include "mail/proto/dns.h"

static const struct field ask_fields[] = {
    SHAPE_LINE(struct dns_ask, name, DNS_ASK_MAX),
    SHAPE_U64(struct dns_ask, type, 65535),
};
static const struct shape ask_shape =
    SHAPE("dns_ask", struct dns_ask, ask_fields);

static const struct field record_fields[] = {
    SHAPE_U64(struct dns_record, type, 65535),
    SHAPE_U64(struct dns_record, preference, 65535),
    SHAPE_STR(struct dns_record, data, 65535),
};
static const struct shape record_shape =
    SHAPE("dns_record", struct dns_record, record_fields);

static const struct field answer_fields[] = {
    SHAPE_U64(struct dns_answer, find, FIND_BROKEN),
    SHAPE_U64(struct dns_answer, nxdomain, 1),
    SHAPE_U64(struct dns_answer, secure, 1),
    SHAPE_U64(struct dns_answer, ttl, UINT32_MAX),
    SHAPE_LINE(struct dns_answer, name, DNS_NAME_MAX),
    SHAPE_LINE(struct dns_answer, why, 255),
    SHAPE_ROWS(struct dns_answer, records, DNS_RECORDS_MAX, &record_shape),
};
const struct shape dns_answer_shape =
    SHAPE("dns_answer", struct dns_answer, answer_fields);

static const struct shape *const shapes[DNS_KINDS] = {
    [DNS_ASK] = &ask_shape,
    [DNS_ANSWER] = &dns_answer_shape,
};
const struct protocol dns_protocol = {"dns", 1, shapes, DNS_KINDS};
