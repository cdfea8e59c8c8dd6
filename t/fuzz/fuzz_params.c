/* SPDX-License-Identifier: ISC */
/* Any bytes behind MAIL and RCPT: refused, or a path and parameters within
 * bounds; what is passed on of them is read back the same. */
#include "mail/bounds.h"
#include "mail/dsn.h"
#include "mail/params.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_line(struct str s, size_t max)
{
	assert(s.len <= max);
	for (size_t i = 0; i < s.len; i++)
		assert(s.p[i] >= ' ' && s.p[i] < 0x7f);
}

static void
check_orcpt(struct str orcpt, struct arena *a)
{
	BUF_CLEANUP struct buf b = {0};
	struct str back;

	buf_init(&b, 4 * BOUND_ORCPT);
	check_line(orcpt, BOUND_ORCPT);
	if (orcpt.len == 0)
		return;
	assert(dsn_orcpt_format(orcpt, &b) == 0);
	assert(!str_has_char(buf_str(&b), ' '));
	assert(dsn_orcpt_parse(buf_str(&b), a, &back) == 0);
	assert(str_eq(back, orcpt));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ARENA_CLEANUP struct arena a = {0};
	struct params_rcpt to;
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
	if (params_mail(rest, &a, &p, &bad, &why) == 0) {
		assert(p.size <= PARAMS_SIZE_MAX);
		check_line(p.envid, BOUND_ENVID);
	}
	if (params_rcpt(rest, &a, &to, &bad, &why) == 0) {
		assert(to.notify <= BOUND_NOTIFY);
		check_orcpt(to.orcpt, &a);
	}
	return 0;
}
