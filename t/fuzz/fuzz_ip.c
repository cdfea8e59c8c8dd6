/* SPDX-License-Identifier: ISC */
/* Any bytes as an address, a literal, a block: what is taken comes out of
 * ip_format() as something that reads back the same. */
#include "net/ip.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct ip *ip)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	char text[IP_TEXT_MAX];
	struct ip again;

	assert(ip->family == 4 || ip->family == 6);
	assert(ip->family == 4 || memcmp(ip->b, mapped, 12) != 0);
	ip_format(ip, text);
	assert(ip_parse(str_c(text), &again) == 0);
	assert(ip_eq(ip, &again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data, size};
	struct ip_block block, fixed;
	struct ip ip;
	int r;

	if (ip_parse(in, &ip) == 0)
		check(&ip);
	if (ip_parse_literal(in, &ip) == 0)
		check(&ip);
	r = ip_block_parse(in, &block, &fixed);
	if (r == -22)
		return 0;
	if (r != 0)
		block = fixed;
	check(&block.ip);
	assert(block.bits <= (block.ip.family == 4 ? 32 : 128));
	assert(ip_block_has(&block, &block.ip));
	return 0;
}
