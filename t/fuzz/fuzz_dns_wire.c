/* SPDX-License-Identifier: ISC */
/*
 * An answer of the DNS: the first bytes choose the question's type and
 * whether it was asked with EDNS, the rest is the packet.
 */
#include "wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const uint16_t types[] = {
	    DNS_A, DNS_CNAME, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA, DNS_TLSA, 46};
	ARENA_CLEANUP struct arena a = {0};
	struct dns_answer answer;
	struct wire_name next;
	struct wire_question q = {.id = 0x3132};

	if (n < 1)
		return 0;
	arena_init(&a, WIRE_ANSWER_MAX);
	q.type = types[bytes[0] & 7];
	q.edns = (bytes[0] & 8) != 0;
	struct str packet = str_n((const char *)bytes + 1, n - 1);
	if (wire_name_parse(STR("mx.example.org"), &q.name) != 0)
		abort();
	wire_match(&q, packet, true);
	wire_match(&q, packet, false);
	if (wire_read(&q, packet, true, &a, &answer, &next) == WIRE_FINAL &&
	    answer.find == FIND_YES && answer.records.n == 0)
		abort();
	return 0;
}
