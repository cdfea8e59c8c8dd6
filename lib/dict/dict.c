/* SPDX-License-Identifier: ISC */
/*
 * dict - the list of table types, and what all of them have in common:
 * finding the type, folding and bounding keys, reading files.
 */
#include "dict/dict.h"
#include "dict/dict_type.h"
#include "dict/rules.h"

#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Sorted by name: postconf -m. */
static const struct dict_type *const types[] = {
    &dict_type_btree,
    &dict_type_cdb,
    &dict_type_cidr,
    &dict_type_dbm,
    &dict_type_fail,
    &dict_type_hash,
    &dict_type_inline,
    &dict_type_pcre,
    &dict_type_pipemap,
    &dict_type_regexp,
    &dict_type_static,
    &dict_type_texthash,
    &dict_type_unionmap,
    &dict_type_unix,
};

#define SPEC_SHOWN 200 /* of a table's name, in messages */
#define TYPES      (sizeof(types) / sizeof(types[0]))

const char *
dict_type_name(size_t i)
{
	return i < TYPES ? types[i]->name : NULL;
}

static const struct dict_type *
find_type(struct str name)
{
	for (size_t i = 0; i < TYPES; i++)
		if (str_eq(str_c(types[i]->name), name))
			return types[i];
	return NULL;
}

/* "type:name" without any "proxy:": a table here needs no other process. */
static void
split_spec(struct str spec, struct str default_type, struct str *ret_type,
    struct str *ret_name)
{
	while (str_has_prefix(spec, STR("proxy:")))
		spec = str_from(spec, sizeof("proxy:") - 1);
	if (!str_cut(spec, ':', ret_type, ret_name)) {
		*ret_type = default_type;
		*ret_name = spec;
	}
}

struct dict *
dict_open_at(const struct dict_env *env, struct str spec, unsigned depth,
    struct buf *why)
{
	struct dict_opening o = {
	    .env = env,
	    .spec = str_sub(spec, 0, SPEC_SHOWN),
	    .depth = depth,
	    .why = why,
	};
	struct str type_name;
	const struct dict_type *type;
	struct dict *d;

	if (depth > DICT_DEPTH_MAX) {
		buf_addf(why, "%.*s: tables inside tables, deeper than %d",
		    STR_ARG(o.spec), DICT_DEPTH_MAX);
		return NULL;
	}
	split_spec(spec, env->default_type, &type_name, &o.name);
	type = find_type(type_name);
	if (type == NULL) {
		buf_addf(why, "unsupported dictionary type: %.*s (in \"%.*s\")",
		    STR_ARG(str_sub(type_name, 0, SPEC_SHOWN)),
		    STR_ARG(o.spec));
		return NULL;
	}
	d = calloc(1, sizeof(*d) + spec.len + 1);
	if (d == NULL)
		log_fatal("out of memory for a table");
	memcpy(d + 1, spec.p, spec.len);
	d->spec = str_n((char *)(d + 1), spec.len);
	d->type = type;
	d->is_pattern = type->is_pattern;
	if (!type->open(d, &o)) {
		free(d);
		return NULL;
	}
	return d;
}

struct dict *
dict_open(const struct dict_env *env, struct str spec, struct buf *why)
{
	return dict_open_at(env, spec, 0, why);
}

void
dict_free(struct dict **d)
{
	if (*d == NULL)
		return;
	if ((*d)->type->free != NULL)
		(*d)->type->free(*d);
	free(*d);
	*d = NULL;
}

struct str
dict_spec(const struct dict *d)
{
	return d->spec;
}

bool
dict_is_pattern(const struct dict *d)
{
	return d->is_pattern;
}

enum find
dict_get(struct dict *d, struct str key, struct arena *a, struct str *ret_value)
{
	size_t max = d->is_pattern ? DICT_SUBJECT_MAX : DICT_KEY_MAX;
	char folded[DICT_KEY_MAX];

	if (key.len == 0)
		return FIND_NO;
	if (key.len > max)
		return FIND_NO;
	if (!d->type->folds)
		return d->type->get(d, key, a, ret_value);
	for (size_t i = 0; i < key.len; i++)
		folded[i] = str_lower_char(key.p[i]);
	return d->type->get(d, str_n(folded, key.len), a, ret_value);
}

enum find
dict_each(struct dict *d, dict_each_fn each, void *arg)
{
	return d->type->each == NULL ? FIND_NO : d->type->each(d, each, arg);
}

enum find
dict_give(struct str value, struct arena *a, struct str *ret_value)
{
	if (value.len > DICT_VALUE_MAX)
		return FIND_BROKEN;
	if (arena_left(a) <= value.len + 64)
		return FIND_RETRY;
	*ret_value = arena_str(a, value);
	return FIND_YES;
}

void
dict_remark(const struct dict_opening *o, const char *fmt, ...)
{
	BUF_CLEANUP struct buf b = {0};
	va_list ap;

	if (o->env->remark == NULL)
		return;
	buf_init(&b, 2048);
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	o->env->remark(o->env->arg, b.p);
}

int
dict_open_file(const struct dict_opening *o, const char *suffix)
{
	BUF_CLEANUP struct buf path = {0};
	int fd;

	buf_init(&path, 4096);
	buf_add_str(&path, o->name);
	buf_add_c(&path, suffix);
	if (path.full || o->name.len == 0 || strlen(path.p) != path.len) {
		buf_addf(
		    o->why, "%.*s: not the name of a file", STR_ARG(o->spec));
		return -1;
	}
	fd = o->env->open(o->env->arg, path.p);
	if (fd >= 0)
		return fd;
	buf_addf(o->why, "%.*s: open %s: %s", STR_ARG(o->spec), path.p,
	    strerror(-fd));
	if (fd == -ENOENT && *suffix != '\0')
		buf_add_c(o->why, " (postmap or postalias makes it)");
	return -1;
}

bool
dict_read_file(const struct dict_opening *o, struct buf *ret_text)
{
	FD_CLEANUP int fd = dict_open_file(o, "");
	int r;

	if (fd < 0)
		return false;
	r = fd_read_whole(fd, ret_text);
	if (r == 0)
		return true;
	buf_addf(o->why, "%.*s: read %.*s: %s", STR_ARG(o->spec),
	    STR_ARG(o->name), strerror(-r));
	return false;
}

bool
dict_unbrace(struct str s, struct str *ret)
{
	s = str_trim(s);
	if (s.len < 2 || s.p[0] != '{' || s.p[s.len - 1] != '}')
		return false;
	*ret = str_trim(str_sub(s, 1, s.len - 2));
	return true;
}

static size_t
add_files(struct str spec, struct str default_type, unsigned depth,
    struct arena *a, struct str *ret, size_t max)
{
	struct str type_name, name, list, item;
	const struct dict_type *type;
	size_t n = 0;

	split_spec(spec, default_type, &type_name, &name);
	type = find_type(type_name);
	if (type == NULL || depth > DICT_DEPTH_MAX || max == 0)
		return 0;
	if (type->is_pattern && rules_are_inline(name))
		return 0;
	if (type->suffix != NULL) {
		ret[0] = arena_join(a, name, str_c(type->suffix));
		return 1;
	}
	if (!type->has_list || !dict_unbrace(name, &list))
		return 0;
	while (dict_list_next(&list, &item) == 0 && item.len > 0)
		n += add_files(
		    item, default_type, depth + 1, a, ret + n, max - n);
	return n;
}

size_t
dict_files(struct str spec, struct str default_type, struct arena *a,
    struct str *ret, size_t max)
{
	return add_files(spec, default_type, 0, a, ret, max);
}
