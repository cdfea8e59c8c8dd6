/* SPDX-License-Identifier: ISC */
/* maps - a list of tables asked in turn.  Owns the tables. */
#include "dict/dict.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>

#define MAPS_MAX 1000

struct maps {
	struct dict **tables;
	size_t n;
};

static bool
is_separator(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',';
}

int
dict_list_next(struct str *rest, struct str *ret_item)
{
	struct str s = *rest;
	size_t depth = 0, n = 0;
	bool is_braced; /* one pair around all of it, not "{a}{b}" */

	while (s.len > 0 && is_separator(s.p[0]))
		s = str_from(s, 1);
	is_braced = s.len > 0 && s.p[0] == '{';
	for (; n < s.len && (depth > 0 || !is_separator(s.p[n])); n++) {
		if (n > 0 && depth == 0)
			is_braced = false;
		if (s.p[n] == '{')
			depth++;
		else if (s.p[n] == '}' && depth-- == 0)
			return -EINVAL;
	}
	if (depth > 0)
		return -EINVAL;
	*rest = str_from(s, n);
	s = str_sub(s, 0, n);
	if (is_braced)
		s = str_trim(str_sub(s, 1, s.len - 2));
	*ret_item = s;
	return 0;
}

static bool
add_table(struct maps *m, struct dict *d)
{
	struct dict **more;

	if (m->n >= MAPS_MAX)
		return false;
	more = reallocarray(m->tables, m->n + 1, sizeof(*more));
	if (more == NULL)
		log_fatal("out of memory for a list of tables");
	m->tables = more;
	m->tables[m->n++] = d;
	return true;
}

struct maps *
maps_open(const struct dict_env *env, struct str list, struct buf *why)
{
	struct maps *m = calloc(1, sizeof(*m));
	struct str item;
	struct dict *d;

	if (m == NULL)
		log_fatal("out of memory for a list of tables");
	for (;;) {
		if (dict_list_next(&list, &item) != 0) {
			buf_addf(why, "unbalanced braces in \"%.*s\"",
			    STR_ARG(str_sub(list, 0, 200)));
			break;
		}
		if (item.len == 0)
			return m;
		d = dict_open(env, item, why);
		if (d == NULL)
			break;
		if (!add_table(m, d)) {
			dict_free(&d);
			buf_addf(why, "more than %d tables", MAPS_MAX);
			break;
		}
	}
	maps_free(&m);
	return NULL;
}

void
maps_free(struct maps **m)
{
	if (*m == NULL)
		return;
	for (size_t i = 0; i < (*m)->n; i++)
		dict_free(&(*m)->tables[i]);
	free((*m)->tables);
	free(*m);
	*m = NULL;
}

bool
maps_is_empty(const struct maps *m)
{
	return m->n == 0;
}

size_t
maps_count(const struct maps *m)
{
	return m->n;
}

enum find
maps_get_part(struct maps *m, struct str key, bool whole, struct arena *a,
    struct str *ret_value)
{
	for (size_t i = 0; i < m->n; i++) {
		enum find f;

		if (!whole && dict_is_pattern(m->tables[i]))
			continue;
		f = dict_get(m->tables[i], key, a, ret_value);
		if (f != FIND_NO)
			return f;
	}
	return FIND_NO;
}

enum find
maps_get(struct maps *m, struct str key, struct arena *a, struct str *ret_value)
{
	return maps_get_part(m, key, true, a, ret_value);
}
