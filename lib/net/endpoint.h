/* SPDX-License-Identifier: ISC */
/*
 * endpoint - where another server listens, as main.cf names it:
 *
 *	inet:host:port     inet:127.0.0.1:10023, inet:[::1]:10023
 *	unix:path          unix:private/policy (below queue_directory),
 *	local:path         unix:/run/x/socket
 *
 * Nothing is looked up here.  A struct endpoint cannot be invalid, and borrows
 * from the text.
 */
#ifndef NET_ENDPOINT_H
#define NET_ENDPOINT_H

#include "base/str.h"

#include <stdint.h>

#define ENDPOINT_MAX 1024

enum endpoint_kind {
	ENDPOINT_INET,
	ENDPOINT_UNIX,
};

struct endpoint {
	enum endpoint_kind kind;
	struct str host; /* a name, or an address without brackets */
	uint16_t port;
	struct str directory; /* of the path; empty: none, "/": the root ... */
	struct str name;      /* ... and the rest of it */
};

/* 0 or -EINVAL with *ret_why. */
int endpoint_parse(struct str text, struct endpoint *ret, const char **ret_why);

#endif
