/* SPDX-License-Identifier: ISC */
/* ip - an IPv4 or IPv6 address, and a block of them (RFC 4291, RFC 4632). */
#include "net/ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static unsigned
count_bits(const struct ip *ip)
{
	return ip->family == 4 ? 32 : 128;
}

/* SECURITY: ::ffff:a.b.c.d is a.b.c.d from the first moment on. */
static void
set_v6(struct ip *ip, const uint8_t b[16])
{
	*ip = (struct ip){.family = 6};
	if (memcmp(b, mapped, sizeof(mapped)) != 0) {
		memcpy(ip->b, b, 16);
		return;
	}
	ip->family = 4;
	memcpy(ip->b, b + 12, 4);
}

int
ip_parse(struct str s, struct ip *ret)
{
	char text[IP_TEXT_MAX];
	uint8_t b[16];

	if (s.len == 0 || s.len >= sizeof(text) || str_has_char(s, '\0'))
		return -EINVAL;
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	if (inet_pton(AF_INET6, text, b) == 1) {
		set_v6(ret, b);
		return 0;
	}
	if (inet_pton(AF_INET, text, b) != 1)
		return -EINVAL;
	*ret = (struct ip){.family = 4};
	memcpy(ret->b, b, 4);
	return 0;
}

int
ip_parse_literal(struct str s, struct ip *ret)
{
	bool is_tagged;
	struct ip ip;

	if (s.len > 2 && s.p[0] == '[' && s.p[s.len - 1] == ']')
		s = str_sub(s, 1, s.len - 2);
	is_tagged = str_has_prefix_case(s, STR("IPv6:"));
	if (is_tagged)
		s = str_from(s, 5);
	if (ip_parse(s, &ip) != 0 || (is_tagged && !str_has_char(s, ':')))
		return -EINVAL;
	*ret = ip;
	return 0;
}

void
ip_format(const struct ip *ip, char ret_text[IP_TEXT_MAX])
{
	ret_text[0] = '\0';
	if (ip->family != 0)
		inet_ntop(ip->family == 4 ? AF_INET : AF_INET6, ip->b, ret_text,
		    IP_TEXT_MAX);
}

bool
ip_eq(const struct ip *a, const struct ip *b)
{
	return a->family == b->family && memcmp(a->b, b->b, 16) == 0;
}

bool
ip_is_loopback(const struct ip *ip)
{
	static const uint8_t one[16] = {[15] = 1};

	if (ip->family == 4)
		return ip->b[0] == 127;
	return ip->family == 6 && memcmp(ip->b, one, 16) == 0;
}

/* Clears what lies below the mask; was any of it set? */
static bool
clear_host(struct ip *ip, unsigned bits)
{
	bool was_set = false;

	for (unsigned i = 0; i < count_bits(ip) / 8; i++) {
		unsigned keep = bits > i * 8 ? bits - i * 8 : 0;
		uint8_t mask =
		    keep >= 8 ? 0xff : (uint8_t)(0xff00 >> keep & 0xff);

		was_set |= (ip->b[i] & ~mask) != 0;
		ip->b[i] &= mask;
	}
	return was_set;
}

/* "[addr]/n" and "[addr/n]" and "addr/n": brackets are only for the eye. */
static struct str
unbracket(struct str s)
{
	if (s.len > 2 && s.p[0] == '[' && s.p[s.len - 1] == ']')
		return str_sub(s, 1, s.len - 2);
	return s;
}

int
ip_block_parse(struct str s, struct ip_block *ret, struct ip_block *ret_fixed)
{
	struct str address, number;
	struct ip_block block;
	bool has_bits = str_cut(unbracket(s), '/', &address, &number);
	uint64_t bits;

	address = unbracket(address);
	if (ip_parse(address, &block.ip) != 0)
		return -EINVAL;
	bits = count_bits(&block.ip);
	if (has_bits) {
		/* A mapped network is written with the bits of its v6 form. */
		bool is_mapped =
		    block.ip.family == 4 && str_has_char(address, ':');
		unsigned skip = is_mapped ? 96 : 0;

		if (number.len > 3 ||
		    str_parse_u64(number, bits + skip, &bits) != 0 ||
		    bits < skip)
			return -EINVAL;
		bits -= skip;
	}
	block.bits = (uint8_t)bits;
	if (clear_host(&block.ip, block.bits)) {
		if (ret_fixed != NULL)
			*ret_fixed = block;
		return -ERANGE;
	}
	*ret = block;
	return 0;
}

bool
ip_block_has(const struct ip_block *block, const struct ip *ip)
{
	unsigned whole = block->bits / 8, rest = block->bits % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest & 0xff);

	if (block->ip.family != ip->family || ip->family == 0 ||
	    memcmp(block->ip.b, ip->b, whole) != 0)
		return false;
	return rest == 0 || (ip->b[whole] & mask) == block->ip.b[whole];
}

int
ip_from_sockaddr(const struct sockaddr *sa, struct ip *ret, uint16_t *ret_port)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		*ret = (struct ip){.family = 4};
		memcpy(ret->b, &in.sin_addr, 4);
		*ret_port = ntohs(in.sin_port);
		return 0;
	}
	if (sa->sa_family != AF_INET6)
		return -EAFNOSUPPORT;
	memcpy(&in6, sa, sizeof(in6));
	set_v6(ret, in6.sin6_addr.s6_addr);
	*ret_port = ntohs(in6.sin6_port);
	return 0;
}

socklen_t
ip_to_sockaddr(const struct ip *ip, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 in6 = {
	    .sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in in = {
	    .sin_family = AF_INET, .sin_port = htons(port)};

	*ret = (struct sockaddr_storage){0};
	if (ip->family == 4) {
		memcpy(&in.sin_addr, ip->b, 4);
		memcpy(ret, &in, sizeof(in));
		return sizeof(in);
	}
	memcpy(&in6.sin6_addr, ip->b, 16);
	memcpy(ret, &in6, sizeof(in6));
	return sizeof(in6);
}
