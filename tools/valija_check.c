/* SPDX-License-Identifier: ISC */
/* valija_check - `check`: all that there is to say about a configuration. */
#include "valija.h"

#include "mail/master_cf.h"

#include <stdio.h>

int
valija_check(struct valija *v)
{
	struct conf *c = conf_read(v->conf_dir, valija_print_remark, stderr);
	struct master_cf *m = NULL;
	bool ok = c != NULL;

	if (c != NULL)
		ok = conf_check(c, valija_print_remark, stderr);
	if (c != NULL)
		m = master_cf_read(v->conf_dir, c, valija_print_remark, stderr);
	if (m == NULL || !master_cf_check(m, c, valija_print_remark, stderr))
		ok = false;
	master_cf_free(&m);
	conf_free(&c);
	return ok ? 0 : 1;
}
