/* SPDX-License-Identifier: ISC */
/*
 * nexthop - where a transport is told to go: "domain", "domain:port" (through
 * the MX records of the domain), "[host]", "[host]:port" (that very host),
 * with an IPv4 or IPv6 address for the host.
 */
#ifndef SMTP_NEXTHOP_H
#define SMTP_NEXTHOP_H

#include "base/str.h"
#include "net/ip.h"

#include <stdbool.h>
#include <stdint.h>

#define NEXTHOP_PATH_MAX 400

struct nexthop {
	struct str host; /* without brackets, into the text */
	uint16_t port;
	struct str path; /* of a socket, "unix:path"; else empty */
	bool has_mx;     /* not in brackets, and not an address */
	bool is_ip;
	struct ip ip;
};

/* "25", "smtp", "submission", "smtps", "submissions", "lmtp": 0 or -EINVAL. */
int nexthop_port(struct str text, uint16_t *ret);

/* 0 or -EINVAL. */
int nexthop_parse(struct str text, uint16_t default_port, struct nexthop *ret);

/* For LMTP: "unix:path", "inet:host:port", or the latter without "inet:"; no
 * MX (RFC 2033 section 3). */
int nexthop_parse_lmtp(
    struct str text, uint16_t default_port, struct nexthop *ret);

#endif
