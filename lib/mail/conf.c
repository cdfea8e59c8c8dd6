/* SPDX-License-Identifier: ISC */
/*
 * conf - making a struct conf out of settings, and asking it.
 */
#include "mail/conf.h"

#include "base/file.h"
#include "dict/dict.h"
#include "mail/cf_line.h"
#include "mail/conf_body.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>

void
conf_remark(struct conf_remarks *r, enum conf_severity severity,
    const struct conf_setting *at, const char *fmt, ...)
{
	struct conf_remark remark = {.severity = severity};
	BUF_CLEANUP struct buf text = {0};
	va_list ap;

	buf_init(&text, 4096);
	if (severity == CONF_ERROR)
		r->failed = true;
	if (r->say == NULL)
		return;
	va_start(ap, fmt);
	(void)buf_vaddf(&text, fmt, ap);
	va_end(ap);
	remark.text = buf_str(&text);
	if (at != NULL) {
		remark.file = at->file;
		remark.line = (unsigned)at->line;
	}
	r->say(r->arg, &remark);
}

struct conf *
conf_make(struct str dir)
{
	struct conf *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	arena_init(&c->arena, CONF_ARENA_MAX);
	map_init(&c->names);
	c->dir = arena_str(&c->arena, dir);
	return c;
}

void
conf_free(struct conf **c)
{
	if (*c == NULL)
		return;
	conf_free(&(*c)->cleanup);
	map_done(&(*c)->names);
	arena_done(&(*c)->arena);
	free((*c)->sorted);
	free(*c);
	*c = NULL;
}

void
conf_put(struct conf *c, const struct conf_setting *s, struct conf_remarks *r)
{
	if (c->names.count >= CONF_SETTINGS_MAX) {
		conf_remark(r, CONF_ERROR, s, "more than %d parameters are set",
		    CONF_SETTINGS_MAX);
		return;
	}
	struct conf_entry *entry = map_get(&c->names, s->name);

	if (entry == NULL) {
		entry = arena_alloc(&c->arena, sizeof(*entry));
		entry->set.name = arena_str(&c->arena, s->name);
		(void)map_put(&c->names, entry->set.name, entry);
	}
	entry->set.value = arena_str(&c->arena, s->value);
	entry->set.file = arena_str(&c->arena, s->file);
	entry->set.line = s->line;
}

static void
remark_repeated(
    const struct conf *c, const struct conf_setting *s, struct conf_remarks *r)
{
	const struct conf_entry *entry = conf_entry(c, s->name);

	if (entry != NULL)
		conf_remark(r, CONF_WARNING, s,
		    "%.*s was already set in line %u; this line counts",
		    STR_ARG(s->name), (unsigned)entry->set.line);
}

/* A comment cannot stand behind a value: it is part of it. */
static bool
has_comment(struct str value)
{
	return str_find_str(value, STR(" #")) >= 0 ||
	       str_find_str(value, STR("\t#")) >= 0;
}

static void
put_text(
    struct conf *c, struct str text, struct str file, struct conf_remarks *r)
{
	struct conf_setting s = {.file = file};
	struct cf_lines in;
	struct str line;
	unsigned number;
	const char *why;

	cf_lines_init(&in, text);
	while (cf_lines_next(&in, &line, &number, &why)) {
		s.line = number;
		if (why != NULL) {
			conf_remark(r, CONF_ERROR, &s, "this line %s", why);
			continue;
		}
		if (cf_line_setting(line, &s.name, &s.value, &why) != 0) {
			conf_remark(
			    r, CONF_ERROR, &s, "%s: \"%.80s\"", why, line.p);
			continue;
		}
		if (has_comment(s.value))
			conf_remark(r, CONF_WARNING, &s,
			    "%.*s: text behind a value is part of it, also "
			    "behind a #: a comment needs a line of its own",
			    STR_ARG(s.name));
		if (arena_left(&c->arena) < 4 * CF_LINE_MAX) {
			conf_remark(r, CONF_ERROR, &s, "this file is too long");
			break;
		}
		remark_repeated(c, &s, r);
		conf_put(c, &s, r);
	}
	cf_lines_done(&in);
}

static struct conf *
settle(struct conf *c, const struct conf_remarks *r)
{
	if (r->failed)
		conf_free(&c);
	return c;
}

static struct conf *
make_from_text(const char *dir, struct str main_cf, struct str master_cf,
    struct conf_remarks *r)
{
	struct conf *c = conf_make(str_c(dir));
	struct str file = arena_strf(&c->arena, "%s/main.cf", dir);

	put_text(c, main_cf, file, r);
	conf_find_facts(c, r);
	conf_evaluate(c, r);
	conf_check_names(c, master_cf, r);
	c->is_wrong = r->failed;
	return c;
}

struct conf *
conf_from_text(const char *dir, struct str main_cf, struct str master_cf,
    conf_remark_fn say, void *arg)
{
	struct conf_remarks r = {.say = say, .arg = arg};

	return settle(make_from_text(dir, main_cf, master_cf, &r), &r);
}

/* A file that is not there is empty. */
static void
read_text(
    const char *dir, const char *name, struct buf *text, struct conf_remarks *r)
{
	BUF_CLEANUP struct buf path = {0};
	buf_init(&path, 8192);
	(void)buf_addf(&path, "%s/%s", dir, name);
	int error =
	    path.full ? -ENAMETOOLONG : file_read(AT_FDCWD, path.p, text);

	if (error != 0 && error != -ENOENT) {
		struct conf_setting at = {.file = buf_str(&path)};
		conf_remark(
		    r, CONF_ERROR, &at, "cannot be read: %s", strerror(-error));
	}
}

/* NULL when a file cannot be read. */
static struct conf *
read_dir(const char *dir, struct conf_remarks *r)
{
	BUF_CLEANUP struct buf main_cf = {0}, master_cf = {0};
	buf_init(&main_cf, CF_FILE_MAX);
	buf_init(&master_cf, CF_FILE_MAX);

	read_text(dir, "main.cf", &main_cf, r);
	read_text(dir, "master.cf", &master_cf, r);
	if (r->failed)
		return NULL;
	return make_from_text(dir, buf_str(&main_cf), buf_str(&master_cf), r);
}

struct conf *
conf_read_anyway(const char *dir, conf_remark_fn say, void *arg)
{
	struct conf_remarks r = {.say = say, .arg = arg};

	return read_dir(dir, &r);
}

struct conf *
conf_read(const char *dir, conf_remark_fn say, void *arg)
{
	struct conf_remarks r = {.say = say, .arg = arg};

	return settle(read_dir(dir, &r), &r);
}

struct conf *
conf_overlay_anyway(const struct conf *c, const struct conf_setting *settings,
    size_t n, struct conf_remarks *r)
{
	struct conf *copy = conf_make(c->dir);

	copy->host = arena_str(&copy->arena, c->host);
	copy->interfaces = arena_str(&copy->arena, c->interfaces);
	for (size_t i = 0; i < c->count; i++)
		if (!c->sorted[i]->value.is_wrong)
			conf_put(copy, &c->sorted[i]->set, r);
	for (size_t i = 0; i < n; i++)
		conf_put(copy, &settings[i], r);
	/* The origin stays what it was unless myorigin is another. */
	if (str_eq(
		conf_raw(copy, STR("myorigin")), conf_raw(c, STR("myorigin"))))
		copy->origin = arena_str(&copy->arena, c->origin);
	conf_find_facts(copy, r);
	conf_evaluate(copy, r);
	return copy;
}

struct conf *
conf_overlay(const struct conf *c, const struct conf_setting *settings,
    size_t n, conf_remark_fn say, void *arg)
{
	struct conf_remarks r = {.say = say, .arg = arg};

	return settle(conf_overlay_anyway(c, settings, n, &r), &r);
}

struct conf *
conf_override(const struct conf *c, struct str name, struct str value)
{
	struct conf_setting s = {.name = name, .value = value};

	return conf_overlay(c, &s, 1, NULL, NULL);
}

void
conf_set_cleanup(struct conf *c, const struct conf_setting *settings, size_t n,
    struct conf_remarks *r)
{
	if (n == 0)
		return;
	c->cleanup_settings =
	    arena_array(&c->arena, n, sizeof(*c->cleanup_settings));
	for (size_t i = 0; i < n; i++)
		c->cleanup_settings[i] = (struct conf_setting){
		    .name = arena_str(&c->arena, settings[i].name),
		    .value = arena_str(&c->arena, settings[i].value),
		    .file = arena_str(&c->arena, settings[i].file),
		    .line = settings[i].line,
		};
	c->cleanup_count = n;
	c->cleanup = conf_overlay_anyway(c, settings, n, r);
}

const struct conf *
conf_cleanup(const struct conf *c)
{
	return c->cleanup != NULL ? c->cleanup : c;
}

const struct conf_entry *
conf_entry(const struct conf *c, struct str name)
{
	return map_get(&c->names, name);
}

struct str
conf_str(const struct conf *c, enum param p)
{
	assert(p < PARAM_COUNT && c->values[p].is_known);
	return c->values[p].text;
}

struct str
conf_interfaces(const struct conf *c)
{
	return c->interfaces;
}

bool
conf_bool(const struct conf *c, enum param p)
{
	assert(p < PARAM_COUNT && param_table[p].type == PARAM_BOOL);
	return c->values[p].number != 0;
}

bool
conf_has_word(const struct conf *c, enum param p, struct str word)
{
	struct str rest = conf_str(c, p), item;

	while (dict_list_next(&rest, &item) == 0 && item.len > 0)
		if (str_eq_case(item, word))
			return true;
	return false;
}

int64_t
conf_int(const struct conf *c, enum param p)
{
	assert(p < PARAM_COUNT && (param_table[p].type == PARAM_INT ||
				      param_table[p].type == PARAM_SIZE));
	return c->values[p].number;
}

int64_t
conf_time(const struct conf *c, enum param p)
{
	assert(p < PARAM_COUNT && param_table[p].type == PARAM_TIME);
	return c->values[p].number;
}

bool
conf_by_name(const struct conf *c, struct str name, struct str *ret)
{
	const struct conf_entry *entry = conf_entry(c, name);

	if (entry == NULL)
		return false;
	*ret = entry->value.text;
	return true;
}

static const struct conf_value *
find_transport_value(
    const struct conf *c, struct str transport, enum param p_default)
{
	struct str ending = str_c(param_table[p_default].name);
	BUF_CLEANUP struct buf name = {0};
	enum param p;

	assert(param_works(p_default));
	if (str_has_prefix(ending, STR("default_")))
		ending = str_from(ending, sizeof("default_") - 1);
	buf_init(&name, 512);
	(void)buf_add_str(&name, transport);
	(void)buf_add_char(&name, '_');
	(void)buf_add_str(&name, ending);
	if (param_find(buf_str(&name), &p) && param_works(p))
		return &c->values[p];
	const struct conf_entry *entry = conf_entry(c, buf_str(&name));
	return entry != NULL ? &entry->value : &c->values[p_default];
}

int64_t
conf_transport(const struct conf *c, struct str transport, enum param p_default)
{
	return find_transport_value(c, transport, p_default)->number;
}

struct str
conf_transport_str(
    const struct conf *c, struct str transport, enum param p_default)
{
	return find_transport_value(c, transport, p_default)->text;
}

struct str
conf_raw(const struct conf *c, struct str name)
{
	const struct conf_entry *entry = conf_entry(c, name);
	struct str transport;
	enum param p;

	if (entry != NULL)
		return entry->set.value;
	if (param_find(name, &p))
		return str_c(param_table[p].def);
	if (param_find_transport(name, &transport, &p))
		return str_c(param_table[p].def);
	return STR_NONE;
}

bool
conf_setting_at(const struct conf *c, size_t i, struct conf_setting *ret)
{
	if (i >= c->count)
		return false;
	*ret = c->sorted[i]->set;
	return true;
}

bool
conf_where(const struct conf *c, struct str name, struct str *ret_file,
    unsigned *ret_line)
{
	const struct conf_entry *entry = conf_entry(c, name);

	if (entry == NULL)
		return false;
	*ret_file = entry->set.file;
	*ret_line = (unsigned)entry->set.line;
	return true;
}

const char *
conf_dir(const struct conf *c)
{
	return c->dir.p;
}
