/* SPDX-License-Identifier: ISC */
/* Any bytes behind MAIL: refused, or a path and parameters within bounds. */
#include "mail/params.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ARENA_CLEANUP struct arena a = {0};
	struct params p;
	struct addr addr;
	struct str rest, bad;
	const char *why;
	bool strict;

	arena_init(&a, 64 * 1024);
	if (size == 0 || size > 4096)
		return 0;
	strict = data[0] & 1;
	if (params_path(str_n((const char *)data + 1, size - 1), STR("FROM"),
		strict, &a, &addr, &rest) < 0)
		return 0;
	assert(addr.text.len <= ADDR_MAX);
	assert(!str_has_char(addr.text, '\n') && !str_has_char(addr.text, 0));
	if (params_mail(rest, &p, &bad, &why) == 0)
		assert(p.size <= PARAMS_SIZE_MAX);
	return 0;
}
