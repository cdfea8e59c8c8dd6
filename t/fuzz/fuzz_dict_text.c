/* SPDX-License-Identifier: ISC */
/*
 * Any text as a table: the first byte says which.  What texthash: finds is
 * what its lines say.
 */
#include "table.h"

#include "dict/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_lines(struct str text)
{
	struct str line, key, value;
	struct lines l;

	lines_init(&l, text);
	while (lines_next(&l, &line)) {
		assert(l.line > 0 && l.line <= l.read);
		assert(line.len > 0);
		if (lines_split(line, &key, &value))
			assert(key.len + value.len < line.len);
	}
	lines_done(&l);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const specs[] = {
	    "texthash:/t", "cidr:/t", "regexp:/t", "pcre:/t"};
	const struct str keys[] = {STR("a"), STR("192.0.2.1"),
	    STR("2001:db8::1"), STR("user+ext@example.org"),
	    STR("aaaaaaaaaaaaaaaaaaaaab")};

	if (size == 0)
		return 0;
	check_lines(str_n((const char *)data + 1, size - 1));
	table_try(specs[data[0] % 4], data + 1, size - 1, keys, 5);
	return 0;
}
