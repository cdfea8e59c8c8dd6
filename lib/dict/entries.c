/* SPDX-License-Identifier: ISC */
/* entries - the pairs of a table that is being made. */
#include "dict/entries.h"
#include "dict/dict.h"
#include "dict/lines.h"

#include <stdarg.h>
#include <stdint.h>

void
entries_init(struct entries *e)
{
	map_init(&e->map);
	TAILQ_INIT(&e->all);
	arena_init(&e->arena, SIZE_MAX); /* bounded by the source's size */
}

void
entries_done(struct entries *e)
{
	map_done(&e->map);
	arena_done(&e->arena);
}

bool
entries_put(struct entries *e, struct str key, struct str value,
    enum dict_build_again again)
{
	struct entry *old = map_get(&e->map, key), *entry;

	if (old != NULL) {
		if (again == DICT_BUILD_REPLACE)
			old->value = arena_str(&e->arena, value);
		return false;
	}
	entry = arena_alloc(&e->arena, sizeof(*entry));
	entry->key = arena_str(&e->arena, key);
	entry->value = arena_str(&e->arena, value);
	TAILQ_INSERT_TAIL(&e->all, entry, all);
	map_put(&e->map, entry->key, entry);
	return true;
}

bool
entries_del(struct entries *e, struct str key)
{
	struct entry *entry = map_del(&e->map, key);

	if (entry == NULL)
		return false;
	TAILQ_REMOVE(&e->all, entry, all);
	return true;
}

struct str
entries_key(struct entries *e, const struct dict_build *b, struct str key)
{
	return b->keep_case ? key : arena_lower(&e->arena, key);
}

__attribute__((format(printf, 2, 3))) static void
warn(const struct dict_build *b, const char *fmt, ...)
{
	BUF_CLEANUP struct buf text = {0};
	va_list ap;

	if (b->warn == NULL)
		return;
	buf_init(&text, 4096);
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	b->warn(b->arg, text.p);
}

/* A name, which may be in double quotes, a colon, and the rest. */
static bool
split_alias(struct str line, struct arena *a, struct str *ret_name,
    struct str *ret_value)
{
	char *name = arena_alloc(a, line.len + 1);
	bool is_quoted = false;
	size_t n = 0, i = 0;

	for (; i < line.len; i++) {
		char c = line.p[i];

		if (c == '\\' && i + 1 < line.len)
			name[n++] = line.p[++i];
		else if (c == '"')
			is_quoted = !is_quoted;
		else if (c == ':' && !is_quoted)
			break;
		else
			name[n++] = c;
	}
	*ret_name = str_trim(str_n(name, n));
	*ret_value = str_trim(str_from(line, i + 1));
	return i < line.len && ret_name->len > 0 && ret_value->len > 0;
}

static bool
read_alias(struct entries *e, const struct dict_build *b, struct str line,
    const char *where, struct str *ret_key, struct str *ret_value)
{
	if (!split_alias(line, &e->arena, ret_key, ret_value)) {
		warn(b, "%s: need name:value pair", where);
		return false;
	}
	if (str_has_char(*ret_key, '@')) {
		warn(b, "%s: name must be local", where);
		return false;
	}
	return true;
}

static bool
read_pair(const struct dict_build *b, struct str line, const char *where,
    struct str *ret_key, struct str *ret_value)
{
	if (!lines_split(line, ret_key, ret_value)) {
		warn(b, "%s: expected format: key whitespace value", where);
		return false;
	}
	if (ret_key->p[ret_key->len - 1] == ':')
		warn(b,
		    "%s: record is in \"key: value\" format; is this an alias "
		    "file?",
		    where);
	return true;
}

static bool
read_line(struct entries *e, const struct dict_build *b, const struct lines *l,
    struct str line, const char *where, struct str *ret_key,
    struct str *ret_value)
{
	if (l->is_stray) {
		warn(b,
		    "%s: logical line must not start with whitespace: "
		    "\"%.*s\"",
		    where, STR_ARG(str_sub(line, 0, 30)));
		return false;
	}
	if (b->format == DICT_BUILD_ALIASES &&
	    !read_alias(e, b, line, where, ret_key, ret_value))
		return false;
	if (b->format == DICT_BUILD_MAP &&
	    !read_pair(b, line, where, ret_key, ret_value))
		return false;
	if (ret_key->len > DICT_KEY_MAX || ret_value->len > DICT_VALUE_MAX) {
		warn(b, "%s: a key has at most %d bytes, a value %d", where,
		    DICT_KEY_MAX, DICT_VALUE_MAX);
		return false;
	}
	return true;
}

/* In place of *value. */
static int
make_secret(struct entries *e, const struct dict_build *b, const char *where,
    struct str *value, struct buf *why)
{
	BUF_CLEANUP struct buf secret = {0};
	int r;

	buf_init(&secret, DICT_VALUE_MAX);
	buf_addf(why, "%s: ", where);
	r = b->secret(*value, &secret, why);
	if (r < 0)
		return r;
	buf_reset(why);
	*value = arena_str(&e->arena, buf_str(&secret));
	return 0;
}

int
entries_read(struct entries *e, const struct dict_build *b, struct str text,
    const char *file, const char *target, struct buf *why)
{
	BUF_CLEANUP struct buf where = {0};
	struct str line, key, value;
	struct lines l;
	int r = 0;

	buf_init(&where, 4096);
	lines_init(&l, text);
	while (r == 0 && lines_next(&l, &line)) {
		buf_reset(&where);
		buf_addf(&where, "%s, line %u", file, l.line);
		if (!read_line(e, b, &l, line, where.p, &key, &value))
			continue;
		key = entries_key(e, b, key);
		if (b->secret != NULL)
			r = make_secret(e, b, where.p, &value, why);
		if (r < 0)
			break;
		if (!entries_put(e, key, value, b->again) &&
		    b->again == DICT_BUILD_WARN)
			warn(b, "%s: duplicate entry: \"%.*s\"", target,
			    STR_ARG(key));
	}
	lines_done(&l);
	return r;
}
