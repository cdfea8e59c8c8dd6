/* SPDX-License-Identifier: ISC */
/*
 * postconf_master - master.cf shown and changed: entries (-M), their fields
 * (-F), the parameters that their options set (-P).
 *
 * A request is service[/type[/name]], where "*" stands for any; to change
 * something all parts are needed.
 */
#include "postconf.h"

#include "base/log.h"
#include "mail/cf_line.h"
#include "master_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PARTS 3

struct request {
	const char *text;        /* all of it */
	struct str parts[PARTS]; /* service, type, field or parameter */
	size_t n;
	struct str value; /* EDIT_SET */
};

static const char letters[] = {
    [MASTER_ENTRIES] = 'M', [MASTER_FIELD] = 'F', [MASTER_PARAMETER] = 'P'};

/* ---- requests ---- */

static bool
split(struct str key, struct request *r)
{
	bool more = true;

	for (r->n = 0; more; r->n++) {
		if (r->n == PARTS)
			return false;
		more = str_cut(key, '/', &r->parts[r->n], &key);
		if (str_is_empty(r->parts[r->n]))
			return false;
	}
	return true;
}

static bool
is_like(struct str pattern, struct str text)
{
	return str_eq(pattern, STR("*")) || str_eq(pattern, text);
}

static bool
is_meant(const struct request *r, const struct master_entry *e)
{
	return is_like(r->parts[0], e->fields[MASTER_SERVICE]) &&
	       (r->n < 2 || is_like(r->parts[1], e->fields[MASTER_TYPE]));
}

/* Where a field is named there is one of the name. */
static bool
is_field(const struct request *r)
{
	enum master_field field;

	return r->n < PARTS || str_eq(r->parts[2], STR("*")) ||
	       master_field_find(r->parts[2], &field);
}

/* ---- showing ---- */

struct showing {
	const struct show *show;
	const struct conf *conf;
	enum master_what what;
	struct master_text text;
	struct buf out;
};

/* $name as the service sees it. */
static struct str
expand(struct showing *s, const struct master_entry *e, struct str text)
{
	const char *why;
	struct str ret;
	struct conf *c;

	if (!s->show->expand)
		return text;
	c = conf_override(
	    s->conf, STR("service_name"), e->fields[MASTER_SERVICE]);
	if (c == NULL || conf_expand(c, text, &s->text.arena, &ret, &why) < 0)
		ret = text;
	conf_free(&c);
	return ret;
}

/* The same entry with values expanded. */
static struct master_entry
expand_options(struct showing *s, const struct master_entry *e)
{
	struct master_entry copy = *e;

	copy.options =
	    arena_array(&s->text.arena, e->noptions + 1, sizeof(*copy.options));
	for (size_t i = 0; i < e->noptions; i++) {
		copy.options[i] = e->options[i];
		copy.options[i].value = expand(s, e, e->options[i].value);
	}
	return copy;
}

/* "smtp/inet/chroot = y" up to the value; its width. */
static size_t
begin_line(struct showing *s, const struct master_entry *e, struct str name)
{
	size_t begin = s->out.len;

	if (s->show->value_only)
		return 0;
	buf_addf(&s->out, "%.*s/%.*s/%.*s", STR_ARG(e->fields[MASTER_SERVICE]),
	    STR_ARG(e->fields[MASTER_TYPE]), STR_ARG(name));
	if (!s->show->name_only)
		buf_add_c(&s->out, " =");
	return s->out.len - begin + 1;
}

static void
end_line(struct showing *s, struct str value)
{
	if (!s->show->name_only && value.len > 0)
		buf_addf(&s->out, "%s%.*s", s->show->value_only ? "" : " ",
		    STR_ARG(value));
	buf_add_char(&s->out, '\n');
}

static void
show_field(
    struct showing *s, const struct master_entry *e, enum master_field field)
{
	size_t at = begin_line(s, e, str_c(master_field_name(field)));

	if (field != MASTER_COMMAND || s->show->name_only) {
		end_line(s, e->fields[field]);
		return;
	}
	if (!s->show->value_only)
		buf_add_char(&s->out, ' ');
	master_text_format_command(e, s->show->fold, at, &s->out);
	buf_add_char(&s->out, '\n');
}

static size_t
show_fields(
    struct showing *s, const struct master_entry *e, const struct request *r)
{
	enum master_field field;

	if (r->n == PARTS && master_field_find(r->parts[2], &field)) {
		show_field(s, e, field);
		return 1;
	}
	for (int i = 0; i < MASTER_FIELDS; i++)
		show_field(s, e, (enum master_field)i);
	return 1;
}

static int
compare_options(const void *pa, const void *pb)
{
	const struct master_option *a = pa, *b = pb;

	return str_cmp(a->name, b->name);
}

/* The last of a name counts. */
static bool
is_last(const struct master_entry *e, size_t i)
{
	for (size_t k = i + 1; k < e->noptions; k++)
		if (str_eq(e->options[k].name, e->options[i].name))
			return false;
	return true;
}

static size_t
show_parameters(
    struct showing *s, const struct master_entry *e, const struct request *r)
{
	struct master_option *all =
	    arena_array(&s->text.arena, e->noptions + 1, sizeof(*all));
	size_t n = 0;

	for (size_t i = 0; i < e->noptions; i++)
		if (e->options[i].flag.len == 0 && is_last(e, i) &&
		    (r->n < PARTS || is_like(r->parts[2], e->options[i].name)))
			all[n++] = e->options[i];
	if (n > 0)
		qsort(all, n, sizeof(*all), compare_options);
	for (size_t i = 0; i < n; i++) {
		begin_line(s, e, all[i].name);
		end_line(s, all[i].value);
	}
	return n;
}

/* How much there was to show. */
static size_t
show_request(struct showing *s, const struct request *r)
{
	size_t shown = 0;

	for (size_t i = 0; i < s->text.n; i++) {
		struct master_entry e;

		if (!is_meant(r, &s->text.entries[i]))
			continue;
		e = expand_options(s, &s->text.entries[i]);
		if (s->what == MASTER_FIELD) {
			shown += show_fields(s, &e, r);
		} else if (s->what == MASTER_PARAMETER) {
			shown += show_parameters(s, &e, r);
		} else {
			master_text_format(&e, s->show->fold, &s->out);
			shown++;
		}
		fwrite(s->out.p, 1, s->out.len, stdout);
		buf_reset(&s->out);
	}
	return shown;
}

static struct request
parse_shown(enum master_what what, const char *text)
{
	static const char *const forms[] = {
	    [MASTER_ENTRIES] = "service_name[/type]",
	    [MASTER_FIELD] = "service_name[/type[/field]]",
	    [MASTER_PARAMETER] = "service_name[/type[/parameter]]",
	};
	struct request r = {.text = text};

	if (!split(str_c(text), &r) || (what == MASTER_ENTRIES && r.n == PARTS))
		log_fatal("-%c option requires %s", letters[what], forms[what]);
	if (what == MASTER_FIELD && !is_field(&r))
		log_fatal("invalid service attribute name: \"%.*s\"",
		    STR_ARG(r.parts[2]));
	return r;
}

void
postconf_show_master(const struct show *show, const struct conf *c,
    enum master_what what, struct str text, char *const *requests, size_t n)
{
	BUF_CLEANUP struct buf why = {0};
	struct showing s = {.show = show, .conf = c, .what = what};
	struct request all = {.parts = {STR("*")}, .n = 1};

	buf_init(&why, 4096);
	buf_init(&s.out, 4 * CF_FILE_MAX);
	if (!master_text_parse(&s.text, text, &why))
		log_fatal("%s", why.p);
	if (n == 0)
		show_request(&s, &all);
	for (size_t i = 0; i < n; i++) {
		struct request r = parse_shown(what, requests[i]);

		if (show_request(&s, &r) == 0)
			log_warning("unmatched request: \"%s\"", requests[i]);
	}
	buf_done(&s.out);
	master_text_done(&s.text);
}

/* ---- changing ---- */

struct editing {
	enum master_what what;
	enum edit how;
	struct master_text text;
	struct buf *why;
};

static bool
fail(struct editing *e, const char *what, const char *text)
{
	buf_addf(e->why, "%s: \"%s\"", what, text);
	return false;
}

static bool
parse_edit(struct editing *e, const char *text, struct request *r)
{
	static const char *const forms[] = {
	    [MASTER_ENTRIES] = "-Me, -MX or -M# requires service_name/type",
	    [MASTER_FIELD] = "-Fe or -FX requires service_name/type/field_name",
	    [MASTER_PARAMETER] =
		"-Pe or -PX requires service_name/type/parameter",
	};
	struct str key = str_trim(str_c(text));

	*r = (struct request){.text = text, .value = STR_NONE};
	if (str_has_char(key, '\n') || str_has_char(key, '\r'))
		return fail(
		    e, "-e, -X or -# accepts no multi-line input", text);
	if (e->how == EDIT_SET && !str_cut(key, '=', &key, &r->value))
		return fail(e, "missing '=' after attribute name", text);
	if (e->how != EDIT_SET && str_has_char(key, '='))
		return fail(e, "-X or -# accepts no '='", text);
	r->value = str_trim(r->value);
	if (!split(str_trim(key), r) ||
	    r->n != (e->what == MASTER_ENTRIES ? 2 : PARTS)) {
		buf_add_c(e->why, forms[e->what]);
		return false;
	}
	if (e->what == MASTER_FIELD && !is_field(r)) {
		buf_addf(e->why, "invalid service attribute name: \"%.*s\"",
		    STR_ARG(r->parts[2]));
		return false;
	}
	return true;
}

/* In the place of one that is there. */
static void
replace(struct master_entry *old, const struct master_entry *new)
{
	size_t begin = old->begin, end = old->end;

	*old = *new;
	old->begin = begin;
	old->end = end;
	old->is_changed = true;
}

static bool
set_entry(struct editing *e, const struct request *r)
{
	struct master_entry new;
	const char *reason;
	bool is_there = false;

	if (!master_text_entry(&e->text, r->value, &new, &reason))
		return fail(e, reason, r->text);
	for (size_t i = 0; i < e->text.n; i++)
		if (is_meant(r, &e->text.entries[i])) {
			replace(&e->text.entries[i], &new);
			is_there = true;
		}
	if (!is_there)
		master_text_add(&e->text, &new)->is_changed = true;
	return true;
}

static bool
set_field(struct editing *e, const struct request *r, struct master_entry *to)
{
	enum master_field field;
	const char *reason;

	if (!master_field_find(r->parts[2], &field))
		return fail(e, "one field at a time can be set", r->text);
	to->is_changed = true;
	if (field == MASTER_COMMAND)
		return master_text_command(&e->text, r->value, to, &reason) ||
		       fail(e, reason, r->text);
	if (str_is_empty(r->value) || str_has_char(r->value, ' ') ||
	    str_has_char(r->value, '\t'))
		return fail(e, "a field is one word", r->text);
	to->fields[field] = arena_str(&e->text.arena, r->value);
	return true;
}

static void
set_parameter(
    struct editing *e, const struct request *r, struct master_entry *to)
{
	struct arena *a = &e->text.arena;
	struct master_option *old = to->options, o = {.flag = STR_NONE};
	bool is_there = false;

	o.name = arena_str(a, r->parts[2]);
	o.value = arena_str(a, r->value);
	to->is_changed = true;
	for (size_t i = 0; i < to->noptions; i++)
		if (str_eq(old[i].name, o.name)) {
			old[i] = o;
			is_there = true;
		}
	if (is_there)
		return;
	to->options = arena_array(a, to->noptions + 1, sizeof(o));
	for (size_t i = 0; i < to->noptions; i++)
		to->options[i] = old[i];
	to->options[to->noptions++] = o;
}

static void
drop_parameter(const struct request *r, struct master_entry *from)
{
	size_t n = 0;

	for (size_t i = 0; i < from->noptions; i++)
		if (from->options[i].flag.len > 0 ||
		    !is_like(r->parts[2], from->options[i].name))
			from->options[n++] = from->options[i];
	from->is_changed |= n != from->noptions;
	from->noptions = n;
}

static bool
edit_entry(struct editing *e, const struct request *r, struct master_entry *to)
{
	if (e->what == MASTER_FIELD)
		return set_field(e, r, to);
	if (e->what == MASTER_ENTRIES && e->how == EDIT_DELETE)
		to->is_removed = true;
	else if (e->what == MASTER_ENTRIES)
		to->is_commented = true;
	else if (e->how == EDIT_DELETE)
		drop_parameter(r, to);
	else
		set_parameter(e, r, to);
	return true;
}

static bool
edit_request(struct editing *e, const char *text)
{
	struct request r;
	bool is_there = false, ok = parse_edit(e, text, &r);

	if (ok && e->what == MASTER_ENTRIES && e->how == EDIT_SET)
		return set_entry(e, &r);
	for (size_t i = 0; ok && i < e->text.n; i++)
		if (is_meant(&r, &e->text.entries[i])) {
			ok = edit_entry(e, &r, &e->text.entries[i]);
			is_there = true;
		}
	if (ok && !is_there && e->what != MASTER_ENTRIES)
		log_warning("unmatched service_name/type: \"%s\"", text);
	return ok;
}

int
postconf_edit_master(enum master_what what, enum edit how, struct str text,
    char *const *requests, size_t n, struct buf *ret_text, struct buf *why)
{
	struct editing e = {.what = what, .how = how, .why = why};
	bool ok = master_text_parse(&e.text, text, why);

	for (size_t i = 0; ok && i < n; i++)
		ok = edit_request(&e, requests[i]);
	if (ok)
		master_text_write(&e.text, ret_text);
	master_text_done(&e.text);
	return ok ? 0 : -EINVAL;
}
