/* SPDX-License-Identifier: ISC */
/*
 * ip - an IPv4 or IPv6 address, and a block of them.
 *
 * IPv4 addresses mapped into IPv6 (::ffff:a.b.c.d) are IPv4 here, from the
 * first moment on, so that no access list can be passed by the other form.
 */
#ifndef NET_IP_H
#define NET_IP_H

#include "base/str.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define IP_TEXT_MAX 46 /* with the NUL */

struct ip {
	uint8_t family; /* 4 or 6; 0: none */
	uint8_t b[16];  /* network order; v4 in the first four */
};

struct ip_block {
	struct ip ip;
	uint8_t bits;
};

/* Numeric forms only.  0 or -EINVAL. */
int ip_parse(struct str s, struct ip *ret);
/* "[v6]" and "IPv6:..." as they stand in address literals and main.cf. */
int ip_parse_literal(struct str s, struct ip *ret);
void ip_format(const struct ip *ip, char ret_text[IP_TEXT_MAX]);
bool ip_eq(const struct ip *a, const struct ip *b);
bool ip_is_loopback(const struct ip *ip);

/*
 * "10.0.0.0/8", "[::1]/128", "10.1.2.3": 0; -EINVAL (form), -ERANGE (bits set
 * below the mask: *ret_fixed, if not NULL, is the block that was meant).
 */
int ip_block_parse(
    struct str s, struct ip_block *ret, struct ip_block *ret_fixed);
bool ip_block_has(const struct ip_block *block, const struct ip *ip);

/* From and to the kernel's form. */
int ip_from_sockaddr(
    const struct sockaddr *sa, struct ip *ret, uint16_t *ret_port);
socklen_t ip_to_sockaddr(
    const struct ip *ip, uint16_t port, struct sockaddr_storage *ret);

#endif
