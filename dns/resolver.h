/* SPDX-License-Identifier: ISC */
/*
 * resolver - the name servers that are asked: from $dns_resolvers
 * ("127.0.0.1:5353", "[::1]:53", "192.0.2.1"), or else from resolv.conf.
 */
#ifndef DNS_RESOLVER_H
#define DNS_RESOLVER_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "net/ip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESOLVER_MAX      8
#define RESOLVER_WAIT     (1500 * CLOCK_MS)
#define RESOLVER_TEXT_MAX (IP_TEXT_MAX + 8)

struct resolver {
	struct ip ip;
	uint16_t port;
	bool trusted; /* its AD bit counts */
	bool no_edns; /* it does not understand EDNS */
	bool is_down; /* was silent; asked last until down_until */
	int64_t down_until;
	int64_t root_until; /* it knew the root, and need not be asked again */
	char text[RESOLVER_TEXT_MAX]; /* "192.0.2.1:53" */
};

struct resolvers {
	struct resolver list[RESOLVER_MAX];
	size_t n;
	int64_t wait; /* for one of them, ns; doubled in each round */
};

/* The first RESOLVER_MAX of them: 0, or -EINVAL with `why`. */
int resolvers_parse(struct resolvers *r, struct str list, struct buf *why);

/* The nameserver lines of a resolv.conf; without any, this host's port 53, as
 * resolv.conf(5) has it. */
void resolvers_parse_file(struct resolvers *r, struct str text);

#endif
