/* SPDX-License-Identifier: ISC */
/* Any bytes as a cdb file. */
#include "table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str keys[] = {
	    STR("a"), STR("key1"), STR("postmaster"), STR("x@example.org")};

	table_try("cdb:/t", data, size, keys, 4);
	return 0;
}
