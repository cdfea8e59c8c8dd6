/* SPDX-License-Identifier: ISC */
/* shape_text - printed and parsed by the same table. */
#include "base/shape_text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define FIELDS_MAX  256 /* as base/shape.c has it */
#define ARENA_SLACK 64  /* what aligning may cost */

/* ---- printing ---- */

static void
print_tabs(struct buf *out, unsigned depth)
{
	while (depth-- > 0)
		buf_add_char(out, '\t');
}

static void
print_str(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < ' ' || c > '~' || c == '%')
			buf_addf(out, "%%%02X", c);
		else
			buf_add_char(out, (char)c);
	}
}

static void print_value(
    const struct shape *, const void *, struct buf *, unsigned);

static void
print_nested(
    const struct field *f, const void *value, struct buf *out, unsigned depth)
{
	print_tabs(out, depth);
	buf_addf(out, "%.*s\n", STR_ARG(f->name));
	print_value(f->rows, value, out, depth + 1);
}

static void
print_field(
    const struct field *f, const void *value, struct buf *out, unsigned depth)
{
	const void *m = (const char *)value + f->at;
	const struct rows *rows = m;
	const struct str *s = m;
	const uint64_t *u = m;
	const int64_t *i = m;

	switch (f->type) {
	case FIELD_U64:
	case FIELD_I64:
		if (*u == 0)
			return;
		print_tabs(out, depth);
		if (f->type == FIELD_U64)
			buf_addf(
			    out, "%.*s=%" PRIu64 "\n", STR_ARG(f->name), *u);
		else
			buf_addf(
			    out, "%.*s=%" PRId64 "\n", STR_ARG(f->name), *i);
		return;
	case FIELD_STR:
	case FIELD_LINE:
		if (s->len == 0)
			return;
		print_tabs(out, depth);
		buf_addf(out, "%.*s=", STR_ARG(f->name));
		print_str(out, *s);
		buf_add_char(out, '\n');
		return;
	case FIELD_ROWS:
		for (size_t n = 0; n < rows->n; n++)
			print_nested(f,
			    (const char *)rows->p + n * f->rows->size, out,
			    depth);
		return;
	case FIELD_ONE:
		print_nested(f, m, out, depth);
		return;
	}
}

static void
print_value(
    const struct shape *s, const void *value, struct buf *out, unsigned depth)
{
	for (size_t i = 0; i < s->nfields; i++)
		print_field(&s->fields[i], value, out, depth);
}

/* What a shape allows is what its bytes allow. */
static int
check(const struct shape *s, const void *value)
{
	BUF_CLEANUP struct buf bytes = {0};

	buf_init(&bytes, SIZE_MAX / 2); /* as large as the value is */
	return shape_encode(s, value, &bytes);
}

int
shape_print(const struct shape *s, const void *value, struct buf *out)
{
	int r = check(s, value);

	if (r < 0)
		return r;
	print_value(s, value, out, 0);
	return out->full ? -EMSGSIZE : 0;
}

/* ---- parsing ---- */

struct reader {
	struct str rest;
	size_t line; /* number of the one at the front */
	struct arena *arena;
	struct buf *why;
	int error;
};

struct line {
	unsigned depth;
	struct str name, value;
	bool has_value;
};

static bool
fail(struct reader *r, int error, const char *what, struct str name)
{
	r->error = error;
	buf_addf(r->why, "line %zu: %s", r->line + 1, what);
	if (name.len > 0)
		buf_addf(r->why, " \"%.*s\"", STR_ARG(str_sub(name, 0, 64)));
	return false;
}

/* The line at the front of `in`, which is not empty; it stays there. */
static struct line
see(struct str in)
{
	struct line l = {0};

	str_cut(in, '\n', &l.name, NULL);
	while (l.name.len > 0 && l.name.p[0] == '\t') {
		l.name = str_from(l.name, 1);
		l.depth++;
	}
	l.has_value = str_cut(l.name, '=', &l.name, &l.value);
	return l;
}

static void
skip(struct str *in)
{
	str_cut(*in, '\n', NULL, in);
}

static const struct field *
find_field(const struct shape *s, struct str name)
{
	for (size_t i = 0; i < s->nfields; i++)
		if (str_eq(name, s->fields[i].name))
			return &s->fields[i];
	return NULL;
}

static int
hex(char c)
{
	if (str_is_digit_char(c))
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool
parse_str(struct reader *r, struct str in, struct str *ret)
{
	size_t n = 0;
	char *out;

	if (in.len + ARENA_SLACK > arena_left(r->arena))
		return fail(r, -EPROTO, "too large", STR_NONE);
	out = arena_alloc(r->arena, in.len + 1);
	for (size_t i = 0; i < in.len; i++) {
		char c = in.p[i];

		if (c < ' ' || c > '~')
			return fail(
			    r, -EPROTO, "a byte that is not text", STR_NONE);
		if (c == '%') {
			if (in.len - i < 3 || hex(in.p[i + 1]) < 0 ||
			    hex(in.p[i + 2]) < 0)
				return fail(
				    r, -EPROTO, "a bad \"%\"", STR_NONE);
			c = (char)(hex(in.p[i + 1]) * 16 + hex(in.p[i + 2]));
			i += 2;
		}
		out[n++] = c;
	}
	*ret = str_n(out, n);
	return true;
}

static bool
parse_number(struct reader *r, const struct field *f, struct str in, void *ret)
{
	bool is_below = f->type == FIELD_I64 && in.len > 0 && in.p[0] == '-';
	uint64_t u;

	if (str_parse_u64(str_from(in, is_below ? 1 : 0),
		f->type == FIELD_I64 ? INT64_MAX : UINT64_MAX, &u) < 0)
		return fail(r, -EPROTO, "not a number here:", in);
	if (is_below)
		u = -u;
	memcpy(ret, &u, sizeof(u));
	return true;
}

static bool parse_value(
    const struct shape *, struct reader *, unsigned depth, void *ret);

/* So many rows of that name follow each other. */
static size_t
count_rows(struct str in, unsigned depth, struct str name)
{
	size_t n = 0;

	while (in.len > 0) {
		struct line l = see(in);

		if (l.depth < depth ||
		    (l.depth == depth && !str_eq(l.name, name)))
			break;
		n += l.depth == depth;
		skip(&in);
	}
	return n;
}

static bool
parse_rows(
    const struct field *f, struct reader *r, unsigned depth, struct rows *ret)
{
	struct str name = f->name;
	size_t n = count_rows(r->rest, depth, name);
	char *items;

	if (n > f->max || n * f->rows->size > arena_left(r->arena) / 2)
		return fail(r, -EPROTO, "too many of", name);
	items = arena_array(r->arena, n, f->rows->size);
	for (size_t i = 0; i < n; i++) {
		if (see(r->rest).has_value)
			return fail(r, -EPROTO, "not a line:", name);
		skip(&r->rest);
		r->line++;
		if (!parse_value(
			f->rows, r, depth + 1, items + i * f->rows->size))
			return false;
	}
	*ret = (struct rows){items, n};
	return true;
}

/* Takes its lines. */
static bool
parse_field(
    const struct field *f, struct reader *r, const struct line *l, void *value)
{
	void *m = (char *)value + f->at;
	bool is_nested = f->type == FIELD_ROWS || f->type == FIELD_ONE;

	if (l->has_value == is_nested)
		return fail(r, -EPROTO, "not a line:", l->name);
	if (f->type == FIELD_ROWS)
		return parse_rows(f, r, l->depth, m);
	skip(&r->rest);
	r->line++;
	if (f->type == FIELD_ONE)
		return parse_value(f->rows, r, l->depth + 1, m);
	if (f->type == FIELD_U64 || f->type == FIELD_I64)
		return parse_number(r, f, l->value, m);
	return parse_str(r, l->value, m);
}

static bool
parse_value(const struct shape *s, struct reader *r, unsigned depth, void *ret)
{
	bool seen[FIELDS_MAX] = {false};

	while (r->rest.len > 0) {
		struct line l = see(r->rest);
		const struct field *f;

		if (l.depth < depth)
			return true;
		if (l.depth > depth)
			return fail(
			    r, -EPROTO, "too far to the right:", l.name);
		f = find_field(s, l.name);
		if (f == NULL)
			return fail(
			    r, -EPROTONOSUPPORT, "unknown field", l.name);
		if (seen[f - s->fields])
			return fail(r, -EPROTO, "twice:", l.name);
		seen[f - s->fields] = true;
		if (!parse_field(f, r, &l, ret))
			return false;
	}
	return true;
}

int
shape_parse(const struct shape *s, struct str in, struct arena *a,
    void *ret_value, struct buf *why)
{
	struct reader r = {.rest = in, .arena = a, .why = why};
	void *value;

	if (s->size + ARENA_SLACK > arena_left(a)) {
		buf_add_c(why, "too large");
		return -EPROTO;
	}
	value = arena_alloc(a, s->size);
	if (!parse_value(s, &r, 0, value))
		return r.error;
	if (check(s, value) < 0) {
		buf_add_c(why, "a value out of its bounds");
		return -EPROTO;
	}
	memcpy(ret_value, value, s->size);
	return 0;
}
