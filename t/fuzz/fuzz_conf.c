/* SPDX-License-Identifier: ISC */
/*
 * Any text as main.cf: refused with a remark, or a configuration that checks
 * without harm and comes back the same from its encoding.
 */
#include "mail/conf.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
count(void *arg, const struct conf_remark *r)
{
	size_t *errors = arg;

	*errors += r->severity == CONF_ERROR;
}

static void
check_same(const struct conf *c)
{
	struct buf bytes;

	buf_init(&bytes, (size_t)16 << 20);
	assert(conf_encode(c, &bytes) == 0);
	struct conf *d = conf_decode(buf_str(&bytes));
	assert(d != NULL);
	for (unsigned p = 0; p < PARAM_COUNT; p++)
		if (param_works((enum param)p))
			assert(str_eq(conf_str(c, (enum param)p),
			    conf_str(d, (enum param)p)));
	conf_free(&d);
	buf_done(&bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	size_t errors = 0;

	/* Files are not what is tested. */
	if (str_find_str(text, STR("myorigin")) >= 0)
		return 0;
	struct conf *c =
	    conf_from_text("/etc/valija", text, STR_NONE, count, &errors);
	assert((c == NULL) == (errors > 0));
	if (c != NULL) {
		(void)conf_check(c, count, &errors);
		check_same(c);
	}
	conf_free(&c);
	return 0;
}
