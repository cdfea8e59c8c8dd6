/* SPDX-License-Identifier: ISC */
/*
 * wire - packets of the DNS (RFC 1035, RFC 6891): questions out, answers in.
 *
 * ldns does the bytes.  What it does not do is done here: whether a packet
 * answers the question that was asked, whether it is worth being parsed, and
 * which of its records are the answer.  Pure functions: no sockets, no state.
 */
#ifndef DNS_WIRE_H
#define DNS_WIRE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "mail/proto/dns.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_NAME_MAX    255 /* RFC 1035 section 3.1 */
#define WIRE_PACKET_MAX  65535
#define WIRE_EDNS_SIZE   1232 /* what passes every path unfragmented */
#define WIRE_RECORDS_MAX 4096 /* in a packet; DNS_RECORDS_MAX are kept */
#define WIRE_CNAMES_MAX  8
#define WIRE_ANSWER_MAX  (256 * 1024) /* arena that an answer may take */

/* A domain name in wire form: labels, each with its length, and a zero. */
struct wire_name {
	uint8_t bytes[WIRE_NAME_MAX];
	size_t len;
};

struct wire_question {
	struct wire_name name;
	uint16_t type;
	uint16_t id;
	bool edns;
	bool want_ad; /* ask for the AD bit (RFC 6840 section 5.7) */
};

/* Printable names, a final dot allowed, "" and "." the root: 0 or -EINVAL. */
int wire_name_parse(struct str text, struct wire_name *ret);
/* Lower case, no final dot, odd bytes as \DDD. */
struct str wire_name_format(const struct wire_name *name, struct arena *a);
bool wire_name_eq(const struct wire_name *x, const struct wire_name *y);
/* Random case of letters (dns0x20): bits more for a forger to guess. */
void wire_name_scramble(struct wire_name *name);

/* 0 or -EINVAL; `out` holds the packet alone. */
int wire_ask(const struct wire_question *q, struct buf *out);

enum wire_match {
	WIRE_MATCH,
	WIRE_FOREIGN, /* answers something else: it was never there */
	WIRE_SUSPECT, /* our id, but not our question: ask again by TCP */
};
/* SECURITY: by TCP nobody off the path can answer, so there the case of
 * letters does not count (`exact` is false). */
enum wire_match wire_match(
    const struct wire_question *q, struct str packet, bool exact);

enum wire_verdict {
	WIRE_FINAL,     /* *ret is the answer: FIND_YES or FIND_NO */
	WIRE_ASK_ON,    /* an alias that leads to *ret_next: ask for that */
	WIRE_TRUNCATED, /* ask again by TCP */
	WIRE_NO_EDNS,   /* ask again without EDNS */
	WIRE_FAILED,    /* ask another resolver; ret->why says why */
};
/*
 * Read a packet that matches `q`.  `trusted`: its AD bit counts.  *ret lies
 * in `a`, and its ttl is 0 when it may not be kept.
 */
enum wire_verdict wire_read(const struct wire_question *q, struct str packet,
    bool trusted, struct arena *a, struct dns_answer *ret,
    struct wire_name *ret_next);

#endif
