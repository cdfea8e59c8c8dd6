/* SPDX-License-Identifier: ISC */
/*
 * dict_static - tables without a file: static:VALUE and static:{ a value }
 * answer everything with VALUE; fail:NAME can never be asked.
 */
#include "dict/dict_type.h"

static struct str
get_value(const struct dict *d)
{
	struct str value = d->spec;

	/* spec may begin with "proxy:", as often as one likes. */
	while (str_has_prefix(value, STR("proxy:")))
		str_cut(value, ':', NULL, &value);
	str_cut(value, ':', NULL, &value);
	dict_unbrace(value, &value);
	return value;
}

static enum find
get_static(
    struct dict *d, struct str key, struct arena *a, struct str *ret_value)
{
	(void)key;
	return dict_give(get_value(d), a, ret_value);
}

static enum find
get_fail(struct dict *d, struct str key, struct arena *a, struct str *ret_value)
{
	(void)d;
	(void)key;
	(void)a;
	(void)ret_value;
	return FIND_RETRY;
}

static bool
open_nothing(struct dict *d, const struct dict_opening *o)
{
	(void)d;
	(void)o;
	return true;
}

const struct dict_type dict_type_static = {
    .name = "static",
    .open = open_nothing,
    .get = get_static,
};

const struct dict_type dict_type_fail = {
    .name = "fail",
    .open = open_nothing,
    .get = get_fail,
};
