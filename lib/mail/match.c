/* SPDX-License-Identifier: ISC */
/* match - lists of names, addresses and tables.  Owns items and tables. */
#include "mail/match.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"
#include "dict/lines.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#define FILE_MAX (16 * 1024 * 1024)

struct item {
	bool is_negated;
	bool is_block;
	struct ip_block block;
	struct str text; /* a name, if there is no table */
	struct dict *table;
};

struct match {
	bool parents;
	struct item *items;
	size_t n, cap;
	struct arena arena;
};

/* Reading. */

struct reader {
	struct match *m;
	const struct dict_env *env;
	struct buf *why;
	bool is_file; /* in a file: it names no other */
};

static bool read_items(struct reader *rd, struct str list, bool is_negated);

static void
append(struct match *m, const struct item *item)
{
	if (m->n == m->cap) {
		m->cap = m->cap == 0 ? 8 : m->cap * 2;
		m->items = reallocarray(m->items, m->cap, sizeof(*m->items));
		if (m->items == NULL)
			log_fatal("out of memory for a list");
	}
	m->items[m->n++] = *item;
}

static bool
read_file(struct reader *rd, struct str path, bool is_negated)
{
	BUF_CLEANUP struct buf text = {0}, name = {0};
	FD_CLEANUP int fd = -1;
	bool is_right = true;
	struct lines l;
	struct str line;
	int r;

	buf_init(&text, FILE_MAX);
	buf_init(&name, 4096);
	buf_add_str(&name, path);
	if (rd->is_file) {
		buf_addf(rd->why, "%s: named in a file of a list", name.p);
		return false;
	}
	fd = rd->env->open(rd->env->arg, name.p);
	r = fd < 0 ? fd : fd_read_whole(fd, &text);
	if (r != 0) {
		buf_addf(rd->why, "open %s: %s", name.p, strerror(-r));
		return false;
	}
	rd->is_file = true;
	lines_init(&l, buf_str(&text));
	while (is_right && lines_next(&l, &line))
		is_right = read_items(rd, line, is_negated);
	lines_done(&l);
	rd->is_file = false;
	return is_right;
}

/* "type:name"; an IPv6 address has colons too, but no such type. */
static bool
is_table(struct str s)
{
	ptrdiff_t colon = str_find(s, ':');

	if (colon <= 0 || s.p[0] == '[')
		return false;
	for (ptrdiff_t i = 0; i < colon; i++)
		if (!str_is_alnum_char(s.p[i]) && s.p[i] != '_')
			return false;
	/* "2001:db8::" and "fd00::/8" begin like a type's name. */
	return ip_block_parse(s, &(struct ip_block){0}, NULL) == -EINVAL;
}

static bool
read_network(struct reader *rd, struct item *item, struct str s)
{
	struct ip_block fixed;
	char text[IP_TEXT_MAX];
	int r = ip_block_parse(s, &item->block, &fixed);

	item->is_block = r == 0;
	if (r != -ERANGE)
		return true;
	ip_format(&fixed.ip, text);
	buf_addf(rd->why,
	    "non-null host address bits in \"%.*s\", perhaps you should use "
	    "\"%s%s%s/%u\" instead",
	    STR_ARG(s), fixed.ip.family == 6 ? "[" : "", text,
	    fixed.ip.family == 6 ? "]" : "", fixed.bits);
	return false;
}

static bool
read_item(struct reader *rd, struct str s, bool is_negated)
{
	struct item item = {0};

	while (s.len > 0 && s.p[0] == '!') {
		is_negated = !is_negated;
		s = str_from(s, 1);
	}
	if (s.len == 0) {
		buf_add_c(rd->why, "no pattern after '!'");
		return false;
	}
	if (s.p[0] == '/')
		return read_file(rd, s, is_negated);
	item.is_negated = is_negated;
	if (is_table(s)) {
		item.table = dict_open(rd->env, s, rd->why);
		if (item.table == NULL)
			return false;
	} else if (!read_network(rd, &item, s)) {
		return false;
	}
	item.text = arena_lower(&rd->m->arena, s);
	append(rd->m, &item);
	return true;
}

static bool
read_items(struct reader *rd, struct str list, bool is_negated)
{
	struct str s;

	for (;;) {
		if (dict_list_next(&list, &s) != 0) {
			buf_addf(rd->why, "unbalanced braces in \"%.*s\"",
			    STR_ARG(str_sub(list, 0, 200)));
			return false;
		}
		if (s.len == 0)
			return true;
		if (!read_item(rd, s, is_negated))
			return false;
	}
}

struct match *
match_open(
    const struct dict_env *env, struct str list, bool parents, struct buf *why)
{
	struct match *m = calloc(1, sizeof(*m));
	struct reader rd = {.m = m, .env = env, .why = why};

	if (m == NULL)
		log_fatal("out of memory for a list");
	m->parents = parents;
	arena_init(&m->arena, SIZE_MAX); /* bounded by lists and files */
	if (read_items(&rd, list, false))
		return m;
	match_free(&m);
	return NULL;
}

struct match *
match_open_param(const struct dict_env *env, const struct conf *c, enum param p,
    struct buf *why)
{
	struct str rest = conf_str(c, PARAM_parent_domain_matches_subdomains);
	struct str name = str_c(param_table[p].name), word;
	bool parents = false;

	while ((word = str_word(&rest, ", \t\r\n")).len > 0)
		parents |= str_eq_case(word, name);
	return match_open(env, conf_str(c, p), parents, why);
}

void
match_free(struct match **m)
{
	if (*m == NULL)
		return;
	for (size_t i = 0; i < (*m)->n; i++)
		dict_free(&(*m)->items[i].table);
	free((*m)->items);
	arena_done(&(*m)->arena);
	free(*m);
	*m = NULL;
}

/* Asking. */

/* "a.b.c", then ".b.c", ".c", or with parents "b.c", "c". */
static enum find
ask_table(
    const struct match *m, struct dict *d, struct str name, struct arena *a)
{
	struct str value, key = name;

	for (;;) {
		bool is_whole = key.len == name.len;
		ptrdiff_t dot;

		if (is_whole || !dict_is_pattern(d)) {
			enum find f = dict_get(d, key, a, &value);

			if (f != FIND_NO)
				return f;
		}
		if (key.len == 0)
			return FIND_NO;
		dot = str_find(str_from(key, 1), '.');
		if (dot < 0)
			return FIND_NO;
		key = str_from(key, (size_t)dot + (m->parents ? 2 : 1));
	}
}

static bool
is_below(struct str name, struct str parent)
{
	return name.len > parent.len && str_has_suffix_case(name, parent);
}

static bool
has_name(const struct match *m, struct str pattern, struct str name)
{
	if (str_eq_case(pattern, name))
		return true;
	if (pattern.p[0] == '.')
		return is_below(name, pattern);
	return m->parents && is_below(name, pattern) &&
	       name.p[name.len - pattern.len - 1] == '.';
}

static enum find
ask_item(const struct match *m, const struct item *item, struct str name,
    const struct ip *ip, struct arena *a)
{
	char text[IP_TEXT_MAX];
	enum find f = FIND_NO;
	struct str value;

	if (item->table == NULL) {
		bool is_in = (name.len > 0 && has_name(m, item->text, name)) ||
		             (ip != NULL && item->is_block &&
				 ip_block_has(&item->block, ip));

		return is_in ? FIND_YES : FIND_NO;
	}
	if (name.len > 0)
		f = ask_table(m, item->table, name, a);
	if (f != FIND_NO || ip == NULL)
		return f;
	ip_format(ip, text);
	return dict_get(item->table, str_c(text), a, &value);
}

enum find
match_client(
    struct match *m, struct str name, const struct ip *ip, struct arena *a)
{
	for (size_t i = 0; i < m->n; i++) {
		enum find f = ask_item(m, &m->items[i], name, ip, a);

		if (f == FIND_YES)
			return m->items[i].is_negated ? FIND_NO : FIND_YES;
		if (f != FIND_NO)
			return f;
	}
	return FIND_NO;
}

enum find
match_domain(struct match *m, struct str domain, struct arena *a)
{
	return match_client(m, domain, NULL, a);
}

enum find
match_ip(struct match *m, const struct ip *ip, struct arena *a)
{
	return match_client(m, STR_NONE, ip, a);
}
