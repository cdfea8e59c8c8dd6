/* SPDX-License-Identifier: ISC */
/* Any text as a .forward file: what comes of it can stand in an action or an
 * envelope. */
#include "targets.h"

#include "mail/addr.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct target *t)
{
	struct addr addr;

	assert(t->text.len > 0);
	for (size_t i = 0; i < t->text.len; i++)
		assert(
		    (unsigned char)t->text.p[i] >= ' ' && t->text.p[i] != 0x7f);
	if (t->kind == TARGET_ADDRESS)
		assert(addr_parse(t->text, &addr) == 0);
	if (t->kind == TARGET_FILE || t->kind == TARGET_INCLUDE)
		assert(t->text.p[0] == '/');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct targets t = {0};
	const char *why;
	struct arena a;

	if (size > 64 * 1024)
		return 0;
	arena_init(&a, 8 << 20);
	targets_parse_file(&t, str_n((const char *)data, size), 1000, &a, &why);
	assert(t.n <= 1000);
	for (size_t i = 0; i < t.n; i++)
		check(&t.list[i]);
	arena_done(&a);
	return 0;
}
