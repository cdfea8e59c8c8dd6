/* SPDX-License-Identifier: ISC */
/*
 * dict_union - tables made of tables: unionmap:{ A, B } joins all answers
 * with commas; pipemap:{ A, B } asks B for what A answered.
 */
#include "dict/dict_type.h"

#include "base/log.h"

#include <stdlib.h>

#define TABLES_MAX 32

struct tables {
	struct dict *list[TABLES_MAX];
	size_t n;
};

static void
free_tables(struct dict *d)
{
	struct tables *t = d->state;

	for (size_t i = 0; i < t->n; i++)
		dict_free(&t->list[i]);
	free(t);
}

static bool
open_items(struct dict *d, struct str list, const struct dict_opening *o)
{
	struct tables *t = d->state;
	struct str item;

	for (;;) {
		if (dict_list_next(&list, &item) != 0) {
			buf_addf(o->why, "%.*s: unbalanced braces",
			    STR_ARG(o->spec));
			return false;
		}
		if (item.len == 0 && t->n > 0)
			return true;
		if (item.len == 0 || t->n == TABLES_MAX) {
			buf_addf(o->why, "%.*s: need 1 to %d tables in {}",
			    STR_ARG(o->spec), TABLES_MAX);
			return false;
		}
		t->list[t->n] =
		    dict_open_at(o->env, item, o->depth + 1, o->why);
		if (t->list[t->n] == NULL)
			return false;
		d->is_pattern |= dict_is_pattern(t->list[t->n]);
		t->n++;
	}
}

static bool
open_tables(struct dict *d, const struct dict_opening *o)
{
	struct str list;

	if (!dict_unbrace(o->name, &list)) {
		buf_addf(o->why, "%.*s: need \"%s:{type:name, type:name}\"",
		    STR_ARG(o->spec), d->type->name);
		return false;
	}
	d->state = calloc(1, sizeof(struct tables));
	if (d->state == NULL)
		log_fatal("out of memory for a table");
	if (open_items(d, list, o))
		return true;
	free_tables(d);
	return false;
}

static enum find
get_union(
    struct dict *d, struct str key, struct arena *a, struct str *ret_value)
{
	const struct tables *t = d->state;
	BUF_CLEANUP struct buf all = {0};
	struct str one;

	buf_init(&all, DICT_VALUE_MAX);
	for (size_t i = 0; i < t->n; i++) {
		enum find f = dict_get(t->list[i], key, a, &one);

		if (f == FIND_NO)
			continue;
		if (f != FIND_YES)
			return f;
		if (all.len > 0)
			buf_add_char(&all, ',');
		buf_add_str(&all, one);
	}
	if (all.full)
		return FIND_BROKEN;
	return all.len == 0 ? FIND_NO : dict_give(buf_str(&all), a, ret_value);
}

static enum find
get_pipe(struct dict *d, struct str key, struct arena *a, struct str *ret_value)
{
	const struct tables *t = d->state;

	for (size_t i = 0; i < t->n; i++) {
		enum find f = dict_get(t->list[i], key, a, &key);

		if (f != FIND_YES)
			return f;
	}
	*ret_value = key;
	return FIND_YES;
}

const struct dict_type dict_type_unionmap = {
    .name = "unionmap",
    .has_list = true,
    .open = open_tables,
    .get = get_union,
    .free = free_tables,
};

const struct dict_type dict_type_pipemap = {
    .name = "pipemap",
    .has_list = true,
    .open = open_tables,
    .get = get_pipe,
    .free = free_tables,
};
