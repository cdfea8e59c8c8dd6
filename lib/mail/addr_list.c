/* SPDX-License-Identifier: ISC */
/*
 * addr_list - the addresses in a header's value (RFC 5322 section 3.4): an
 * item at a time, each first measured, then read.
 */
#include "mail/addr_reader.h"

#include <errno.h>

/*
 * Where the item of an address list at r->at ends: at a ',' or ';' outside
 * quotes, comments and <>, or behind a group's ':'.  *ret_angle is the place
 * of its '<', or -1.
 */
static int
find_item_end(struct addr_reader *r, size_t *ret_end, ptrdiff_t *ret_angle)
{
	ptrdiff_t angle = -1;
	bool in_quotes = false, in_angle = false, in_literal = false;
	size_t start = r->at;

	for (; r->at < r->in.len; r->at++) {
		char c = r->in.p[r->at];

		if (c == '\\') {
			r->at++;
		} else if (c == '"') {
			in_quotes = !in_quotes;
		} else if (in_quotes) {
			continue;
		} else if (c == '(') {
			if (addr_reader_skip_comment(r) < 0)
				return -EINVAL;
			r->at--;
		} else if (c == '[' || c == ']') {
			in_literal = c == '[';
		} else if (in_literal) {
			continue;
		} else if (c == '<') {
			if (angle >= 0)
				return addr_reader_refuse(
				    r, "two < in an address");
			angle = (ptrdiff_t)r->at;
			in_angle = true;
		} else if (c == '>') {
			if (!in_angle)
				return addr_reader_refuse(r, "> without <");
			in_angle = false;
		} else if (!in_angle && (c == ',' || c == ';' || c == ':')) {
			break;
		}
	}
	if (in_quotes || in_angle)
		return addr_reader_refuse(r, "address without end");
	*ret_end = r->at < r->in.len ? r->at : r->in.len;
	*ret_angle = angle;
	r->at = start;
	return 0;
}

/* One item of a list. */
struct item {
	struct addr_reader spec; /* what was read; len 0: only blanks there */
	struct str name;         /* in front of its '<' */
};

static int
read_item(struct addr_reader *r, size_t end, ptrdiff_t angle, struct item *ret)
{
	struct addr_reader *spec = &ret->spec;

	*ret = (struct item){
	    .spec = {.in = str_sub(r->in, 0, end),
		.at = r->at,
		.comments = true},
	    .name = STR_NONE,
	};
	if (angle >= 0) {
		ret->name =
		    str_trim(str_sub(r->in, r->at, (size_t)angle - r->at));
		spec->at = (size_t)angle + 1;
	}
	if (addr_reader_spec(spec) < 0)
		return -EINVAL;
	if (angle >= 0 && addr_reader_peek(spec) == '>') {
		spec->at++;
		if (addr_reader_skip_blanks(spec) < 0)
			return -EINVAL;
	}
	return spec->at < end ? -EINVAL : 0;
}

/* The next address of the list: 1, 0 at the end, -EINVAL. */
static int
next_item(struct addr_reader *r, struct item *ret)
{
	while (r->at < r->in.len) {
		ptrdiff_t angle;
		size_t end;

		if (find_item_end(r, &end, &angle) < 0)
			return -EINVAL;
		if (end < r->in.len && r->in.p[end] == ':' && angle < 0) {
			r->at = end + 1; /* a group's name */
			continue;
		}
		if (read_item(r, end, angle, ret) < 0)
			return -EINVAL;
		r->at = end + 1;
		if (ret->spec.len > 0)
			return 1;
	}
	return 0;
}

int
addr_parse_list(
    struct str value, size_t max, struct arena *a, addr_each_fn each, void *arg)
{
	struct addr_reader r = {.in = value, .comments = true};
	struct item item;
	struct addr addr;
	size_t count = 0;
	int more;

	while ((more = next_item(&r, &item)) > 0) {
		if (++count > max)
			return -E2BIG;
		if (addr_reader_finish(&item.spec, a, &addr) < 0)
			return -EINVAL;
		each(arg, addr, item.name);
	}
	return more < 0 ? more : (int)count;
}

/* Where the address that was read wants more text, and which. */
static struct str
find_missing(const struct addr_reader *spec, struct str origin,
    struct str mydomain, const char **ret_sign, size_t *ret_at)
{
	struct str text = {spec->text, spec->len};
	struct str domain = str_from(text, spec->local_len + 1);

	*ret_sign = "@";
	*ret_at = spec->local_end;
	if (spec->len == spec->local_len)
		return origin;
	*ret_sign = ".";
	*ret_at = spec->domain_end;
	if (str_has_char(domain, '.') || str_has_char(domain, '['))
		return STR_NONE;
	return mydomain;
}

/* The rest of the value; or none of it. */
static int
finish_copy(
    struct str value, size_t copied, size_t start, int more, struct buf *out)
{
	buf_add_str(out, str_from(value, copied));
	if (more == 0 && !out->full)
		return 0;
	buf_cut(out, start);
	return more < 0 ? more : -EMSGSIZE;
}

int
addr_complete_list(
    struct str value, struct str origin, struct str mydomain, struct buf *out)
{
	struct addr_reader r = {.in = value, .comments = true};
	struct item item;
	size_t start = out->len, copied = 0, at;
	const char *sign;
	int more;

	while ((more = next_item(&r, &item)) > 0) {
		struct str missing =
		    find_missing(&item.spec, origin, mydomain, &sign, &at);

		if (missing.len == 0)
			continue;
		buf_add_str(out, str_sub(value, copied, at - copied));
		buf_add_c(out, sign);
		buf_add_str(out, missing);
		copied = at;
	}
	return finish_copy(value, copied, start, more, out);
}

/* Where the address that was read ends. */
static size_t
end_of(const struct addr_reader *spec)
{
	return spec->len > spec->local_len ? spec->domain_end : spec->local_end;
}

int
addr_map_list(struct str value, struct arena *scratch, addr_map_fn map,
    void *arg, struct buf *out)
{
	struct addr_reader r = {.in = value, .comments = true};
	struct item item;
	struct addr from, to;
	size_t start = out->len, copied = 0;
	int more;

	while ((more = next_item(&r, &item)) > 0) {
		size_t begin = item.spec.begin;

		arena_reset(scratch);
		if (addr_reader_finish(&item.spec, scratch, &from) < 0 ||
		    !map(arg, from, scratch, &to))
			continue;
		buf_add_str(out, str_sub(value, copied, begin - copied));
		addr_format(to, out);
		copied = end_of(&item.spec);
	}
	return finish_copy(value, copied, start, more, out);
}
