/* SPDX-License-Identifier: ISC */
/*
 * shape - structs as bytes, by their description.  Encoding and decoding
 * walk the same table in the same order, so the two cannot drift apart.
 *
 *	value:  length of name (1), name, count of fields (1), fields
 *	field:  type (1), length of name (1), name, then by type
 *	        number: 8 bytes LE; str: length (4 LE), bytes
 *	        rows: count (4 LE), values; one: a value
 */
#include "base/shape.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* A row costs this much on the wire at least: what bounds a hostile count. */
#define ROW_MIN 2

static void *
member(const struct field *f, void *value)
{
	return (char *)value + f->at;
}

static const void *
member_const(const struct field *f, const void *value)
{
	return (const char *)value + f->at;
}

static bool
is_number_allowed(const struct field *f, uint64_t bits)
{
	int64_t i = (int64_t)bits;

	if (f->type == FIELD_U64)
		return bits <= f->max;
	if (f->max >= INT64_MAX)
		return true;
	return i <= (int64_t)f->max && i >= -(int64_t)f->max;
}

static bool
has_line_end(struct str s)
{
	unsigned found = 0;

	/* As a rule short: to look at all of it costs less than to search. */
	for (size_t i = 0; i < s.len; i++)
		found |= s.p[i] == '\0' || s.p[i] == '\r' || s.p[i] == '\n';
	return found != 0;
}

/* SECURITY: a line never carries what would end it in a header or a log. */
static bool
is_str_allowed(const struct field *f, struct str s)
{
	return s.len <= f->max && (f->type != FIELD_LINE || !has_line_end(s));
}

static void
put_le(char *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (char)(v >> (8 * i));
}

/* Returns what is behind it. */
static char *
put_name(char *p, struct str name)
{
	assert(name.len > 0 && name.len < 256);
	*p++ = (char)name.len;
	memcpy(p, name.p, name.len);
	return p + name.len;
}

/* The head of a field and a number of `n` bytes. */
static int
add_number(struct buf *out, const struct field *f, uint64_t v, size_t n)
{
	size_t size = 2 + f->name.len + n;
	char *p = buf_room(out, size);

	if (p == NULL)
		return -EMSGSIZE;
	*p = (char)f->type;
	put_le(put_name(p + 1, f->name), v, n);
	buf_grew(out, size);
	return 0;
}

static int encode_value(const struct shape *, const void *, struct buf *);

static int
encode_rows(const struct field *f, const struct rows *rows, struct buf *out)
{
	int r;

	if (rows->n > f->max)
		return -EINVAL;
	r = add_number(out, f, rows->n, 4);
	for (size_t i = 0; i < rows->n && r == 0; i++)
		r = encode_value(
		    f->rows, (const char *)rows->p + i * f->rows->size, out);
	return r;
}

static int
encode_str(const struct field *f, struct str s, struct buf *out)
{
	if (!is_str_allowed(f, s))
		return -EINVAL;
	if (add_number(out, f, s.len, 4) < 0)
		return -EMSGSIZE;
	return buf_add_str(out, s);
}

static int
encode_field(const struct field *f, const void *value, struct buf *out)
{
	const void *m = member_const(f, value);
	const struct str *s = m;
	uint64_t bits;

	switch (f->type) {
	case FIELD_U64:
	case FIELD_I64:
		memcpy(&bits, m, sizeof(bits));
		if (!is_number_allowed(f, bits))
			return -EINVAL;
		return add_number(out, f, bits, 8);
	case FIELD_STR:
	case FIELD_LINE:
		return encode_str(f, *s, out);
	case FIELD_ROWS:
		return encode_rows(f, m, out);
	case FIELD_ONE:
		if (add_number(out, f, 0, 0) < 0)
			return -EMSGSIZE;
		return encode_value(f->rows, m, out);
	}
	return -EINVAL;
}

static int
encode_value(const struct shape *s, const void *value, struct buf *out)
{
	size_t size = 2 + s->name.len;
	char *p = buf_room(out, size);
	int r = 0;

	assert(s->nfields < 256);
	if (p == NULL)
		return -EMSGSIZE;
	*put_name(p, s->name) = (char)s->nfields;
	buf_grew(out, size);
	for (size_t i = 0; i < s->nfields && r == 0; i++)
		r = encode_field(&s->fields[i], value, out);
	return r;
}

int
shape_encode(const struct shape *s, const void *value, struct buf *out)
{
	size_t start = out->len;
	bool was_full = out->full;
	int r;

	out->full = false;
	r = encode_value(s, value, out);
	if (r < 0)
		buf_cut(out, start);
	out->full = was_full || r == -EMSGSIZE;
	return r;
}

/* What is left to read; `why` set once something was wrong. */
struct reader {
	struct str rest;
	struct arena *arena;
	const char *why;
};

static bool
fail(struct reader *r, const char *why)
{
	if (r->why == NULL)
		r->why = why;
	return false;
}

static bool
take(struct reader *r, size_t n, struct str *ret)
{
	if (n > r->rest.len)
		return fail(r, "cut short");
	*ret = (struct str){r->rest.p, n};
	r->rest = (struct str){r->rest.p + n, r->rest.len - n};
	return true;
}

static inline bool
take_le(struct reader *r, size_t n, uint64_t *ret)
{
	struct str b;
	uint64_t v = 0;

	if (!take(r, n, &b))
		return false;
	for (size_t i = n; i-- > 0;)
		v = v << 8 | (unsigned char)b.p[i];
	*ret = v;
	return true;
}

static bool
take_name(struct reader *r, struct str name, const char *why)
{
	struct str got;
	uint64_t n;

	return take_le(r, 1, &n) && take(r, (size_t)n, &got) &&
	       (str_eq(got, name) || fail(r, why));
}

/* Type and name, as they are if nothing is wrong. */
static bool
has_head(struct str in, const struct field *f)
{
	return in.len >= 2 + f->name.len && in.p[0] == (char)f->type &&
	       (unsigned char)in.p[1] == f->name.len &&
	       memcmp(in.p + 2, f->name.p, f->name.len) == 0;
}

static bool
take_head(struct reader *r, const struct field *f)
{
	uint64_t type;

	if (has_head(r->rest, f)) {
		r->rest = str_from(r->rest, 2 + f->name.len);
		return true;
	}
	if (!take_le(r, 1, &type))
		return false;
	if (type != f->type)
		return fail(r, "wrong type of field");
	return take_name(r, f->name, "unknown field");
}

static bool decode_value(const struct shape *, struct reader *, void *);

static bool
decode_rows(const struct field *f, struct reader *r, struct rows *ret)
{
	uint64_t n;
	char *items;

	if (!take_le(r, 4, &n))
		return false;
	if (n > f->max || n > r->rest.len / ROW_MIN)
		return fail(r, "too many rows");
	*ret = (struct rows){.n = (size_t)n};
	if (n == 0)
		return true;
	if (f->rows->size * n > arena_left(r->arena) / 2)
		return fail(r, "rows larger than the arena");
	items = arena_array(r->arena, (size_t)n, f->rows->size);
	for (uint64_t i = 0; i < n; i++)
		if (!decode_value(f->rows, r, items + i * f->rows->size))
			return false;
	ret->p = items;
	return true;
}

static bool
decode_field(const struct field *f, struct reader *r, void *value)
{
	void *m = member(f, value);
	uint64_t bits;
	struct str s;

	if (!take_head(r, f))
		return false;
	switch (f->type) {
	case FIELD_U64:
	case FIELD_I64:
		if (!take_le(r, 8, &bits))
			return false;
		if (!is_number_allowed(f, bits))
			return fail(r, "number out of bounds");
		memcpy(m, &bits, sizeof(bits));
		return true;
	case FIELD_STR:
	case FIELD_LINE:
		if (!take_le(r, 4, &bits) || !take(r, (size_t)bits, &s))
			return false;
		if (!is_str_allowed(f, s))
			return fail(r, "text out of bounds");
		memcpy(m, &s, sizeof(s));
		return true;
	case FIELD_ROWS:
		return decode_rows(f, r, m);
	case FIELD_ONE:
		return decode_value(f->rows, r, m);
	}
	return fail(r, "unknown type of field");
}

static bool
decode_value(const struct shape *s, struct reader *r, void *ret_value)
{
	uint64_t n;

	if (!take_name(r, s->name, "another value than expected"))
		return false;
	if (!take_le(r, 1, &n))
		return false;
	if (n != s->nfields)
		return fail(r, "another number of fields");
	for (size_t i = 0; i < s->nfields; i++)
		if (!decode_field(&s->fields[i], r, ret_value))
			return false;
	return true;
}

int
shape_decode_front(const struct shape *s, struct str in, struct arena *a,
    void *ret_value, size_t *ret_used, const char **ret_why)
{
	struct reader r = {.rest = in, .arena = a};
	void *value;

	if (s->size > arena_left(a)) {
		*ret_why = "value larger than the arena";
		return -EPROTO;
	}
	value = arena_alloc(a, s->size);
	if (!decode_value(s, &r, value)) {
		*ret_why = r.why;
		return -EPROTO;
	}
	if (s->size > 0)
		memcpy(ret_value, value, s->size);
	*ret_used = in.len - r.rest.len;
	return 0;
}

int
shape_decode(const struct shape *s, struct str in, struct arena *a,
    void *ret_value, const char **ret_why)
{
	size_t used;
	void *value;
	int r;

	if (s->size > arena_left(a)) {
		*ret_why = "value larger than the arena";
		return -EPROTO;
	}
	value = arena_alloc(a, s->size);
	r = shape_decode_front(s, in, a, value, &used, ret_why);
	if (r < 0)
		return r;
	if (used != in.len) {
		*ret_why = "bytes left over";
		return -EPROTO;
	}
	if (s->size > 0)
		memcpy(ret_value, value, s->size);
	return 0;
}

static void
copy_field(const struct field *f, struct arena *a, void *value)
{
	void *m = member(f, value);
	struct rows *rows = m;
	struct str *s = m;
	char *items;

	switch (f->type) {
	case FIELD_U64:
	case FIELD_I64:
		return;
	case FIELD_STR:
	case FIELD_LINE:
		*s = arena_str(a, *s);
		return;
	case FIELD_ONE:
		for (size_t i = 0; i < f->rows->nfields; i++)
			copy_field(&f->rows->fields[i], a, m);
		return;
	case FIELD_ROWS:
		if (rows->n == 0)
			return;
		items = arena_array(a, rows->n, f->rows->size);
		for (size_t i = 0; i < rows->n; i++)
			shape_copy(f->rows,
			    (const char *)rows->p + i * f->rows->size, a,
			    items + i * f->rows->size);
		rows->p = items;
		return;
	}
}

void
shape_copy(
    const struct shape *s, const void *value, struct arena *a, void *ret_value)
{
	if (ret_value != value && s->size > 0)
		memmove(ret_value, value, s->size);
	for (size_t i = 0; i < s->nfields; i++)
		copy_field(&s->fields[i], a, ret_value);
}
