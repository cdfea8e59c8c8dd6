/* SPDX-License-Identifier: ISC */
/*
 * dict_text - tables that are read into memory: texthash:/file (the source
 * of a postmap or postalias table as it is) and inline:{ key = value, { key = a
 * b } }.
 */
#include "dict/dict_type.h"
#include "dict/lines.h"

#include "base/log.h"
#include "base/map.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/queue.h>

struct entry {
	STAILQ_ENTRY(entry) all;
	struct str key, value;
};

struct table {
	struct map map;           /* of struct entry */
	STAILQ_HEAD(, entry) all; /* as they came */
	struct arena arena;
};

static struct table *
new_table(void)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		log_fatal("out of memory for a table");
	map_init(&t->map);
	STAILQ_INIT(&t->all);
	arena_init(&t->arena, SIZE_MAX); /* bounded by the text */
	return t;
}

static void
free_text(struct dict *d)
{
	struct table *t = d->state;

	map_done(&t->map);
	arena_done(&t->arena);
	free(t);
}

/* false: the key is there already, and keeps its first value. */
static bool
add_entry(struct table *t, struct str key, struct str value)
{
	struct str folded = arena_lower(&t->arena, key);
	struct entry *e;

	if (map_get(&t->map, folded) != NULL)
		return false;
	e = arena_alloc(&t->arena, sizeof(*e));
	e->key = folded;
	e->value = arena_str(&t->arena, value);
	map_put(&t->map, e->key, e);
	STAILQ_INSERT_TAIL(&t->all, e, all);
	return true;
}

static enum find
get_text(struct dict *d, struct str key, struct arena *a, struct str *ret_value)
{
	const struct table *t = d->state;
	const struct entry *e = map_get(&t->map, key);

	return e == NULL ? FIND_NO : dict_give(e->value, a, ret_value);
}

static enum find
each_text(struct dict *d, dict_each_fn each, void *arg)
{
	const struct table *t = d->state;
	const struct entry *e;

	STAILQ_FOREACH (e, &t->all, all)
		each(arg, e->key, e->value);
	return FIND_YES;
}

/* "name: value" is what alias files hold, which may be read as they are: the
 * colon is no part of the name.  (In "2001:db8::" it is.) */
static struct str
drop_colon(struct str key)
{
	return str_find(key, ':') == (ptrdiff_t)key.len - 1 && key.len > 1
	           ? str_sub(key, 0, key.len - 1)
	           : key;
}

static void
read_lines(struct table *t, const struct dict_opening *o, struct str text)
{
	struct str line, key, value;
	struct lines l;

	lines_init(&l, text);
	while (lines_next(&l, &line)) {
		if (l.is_stray)
			dict_remark(o,
			    "%.*s, line %u: logical line must not start with "
			    "whitespace: \"%.*s\"",
			    STR_ARG(o->name), l.line, STR_ARG(line));
		else if (!lines_split(line, &key, &value))
			dict_remark(o,
			    "%.*s, line %u: expected format: key whitespace "
			    "value",
			    STR_ARG(o->name), l.line);
		else if (!add_entry(t, drop_colon(key), value))
			dict_remark(o,
			    "%.*s, line %u: duplicate entry: \"%.*s\"",
			    STR_ARG(o->name), l.line, STR_ARG(key));
	}
	lines_done(&l);
}

static bool
open_texthash(struct dict *d, const struct dict_opening *o)
{
	BUF_CLEANUP struct buf text = {0};

	buf_init(&text, DICT_TEXT_MAX);
	if (!dict_read_file(o, &text))
		return false;
	d->state = new_table();
	read_lines(d->state, o, buf_str(&text));
	return true;
}

static bool
open_inline(struct dict *d, const struct dict_opening *o)
{
	struct str list, item, key, value;
	struct table *t;

	if (!dict_unbrace(o->name, &list)) {
		buf_addf(o->why,
		    "%.*s: need \"inline:{name=value, {name=text with "
		    "spaces}}\"",
		    STR_ARG(o->spec));
		return false;
	}
	d->state = t = new_table();
	for (;;) {
		if (dict_list_next(&list, &item) != 0)
			break;
		if (item.len == 0)
			return true;
		if (!str_cut(item, '=', &key, &value))
			break;
		key = str_trim(key);
		value = str_trim(value);
		if (key.len == 0 || value.len == 0)
			break;
		if (!add_entry(t, key, value))
			dict_remark(o, "%.*s: duplicate entry: \"%.*s\"",
			    STR_ARG(o->spec), STR_ARG(key));
	}
	buf_addf(o->why, "%.*s: need name=value where it has \"%.*s\"",
	    STR_ARG(o->spec), STR_ARG(str_sub(item, 0, 100)));
	free_text(d);
	return false;
}

const struct dict_type dict_type_texthash = {
    .name = "texthash",
    .suffix = "",
    .folds = true,
    .open = open_texthash,
    .get = get_text,
    .each = each_text,
    .free = free_text,
};

const struct dict_type dict_type_inline = {
    .name = "inline",
    .folds = true,
    .open = open_inline,
    .get = get_text,
    .each = each_text,
    .free = free_text,
};
