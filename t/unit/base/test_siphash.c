/* SPDX-License-Identifier: ISC */
/* The vectors of the paper's reference: key 00..0f, input 00..(n-1). */
#include "tap.h"

#include "base/siphash.h"

static void
test_vectors(void **state)
{
	static const struct {
		size_t n;
		uint64_t hash;
	} rows[] = {
	    {0, UINT64_C(0x726fdb47dd0e0e31)},
	    {1, UINT64_C(0x74f839c593dc67fd)},
	    {7, UINT64_C(0xab0200f58b01d137)},
	    {8, UINT64_C(0x93f5f5799a932462)},
	    {15, UINT64_C(0xa129ca6149be45e5)},
	};
	struct siphash_key key = {
	    {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)}};
	unsigned char in[16];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)i;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(siphash(&key, in, rows[i].n), rows[i].hash);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_vectors),
};

TAP_RUN(tests)
