/* SPDX-License-Identifier: ISC */
/*
 * tables - how a program of the suite comes by its tables: files are those
 * that master handed in as gifts ("file:/etc/aliases.cdb"), users and groups
 * are asked of lookup.
 *
 *	struct tables tables;
 *	tables_init(&tables, sv, lookup, conf_str(c, PARAM_default_...));
 *	router_new(c, &tables.env, &why);
 */
#ifndef MAIL_TABLES_H
#define MAIL_TABLES_H

#include "base/serve.h"
#include "base/str.h"
#include "dict/dict.h"

struct tables {
	struct dict_env env; /* as long as a table is open */
	struct serve *sv;
	struct link *lookup;
};

/* `lookup` may be NULL: then unix: tables cannot be asked now (FIND_RETRY). */
void tables_init(struct tables *t, struct serve *sv, struct link *lookup,
    struct str default_type);

#endif
