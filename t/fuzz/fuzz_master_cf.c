/* SPDX-License-Identifier: ISC */
/* Any text as master.cf: refused with a remark, or services whose settings
 * can be laid over a configuration or are refused. */
#include "mail/master_cf.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
count(void *arg, const struct conf_remark *r)
{
	size_t *errors = arg;

	*errors += r->severity == CONF_ERROR;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	size_t errors = 0;
	struct master_cf *m =
	    master_cf_from_text(text, STR("master.cf"), 100, count, &errors);

	assert((m == NULL) == (errors > 0));
	if (m == NULL || str_find_str(text, STR("myorigin")) >= 0) {
		master_cf_free(&m);
		return 0;
	}
	struct conf *c =
	    conf_from_text("/etc/valija", STR_NONE, STR_NONE, NULL, NULL);
	assert(c != NULL);
	(void)master_cf_check(m, c, count, &errors);
	for (size_t i = 0; i < master_cf_count(m) && i < 4; i++) {
		struct conf *over =
		    master_cf_conf(m, master_cf_at(m, i), c, count, &errors);
		conf_free(&over);
	}
	master_cf_free(&m);
	conf_free(&c);
	return 0;
}
