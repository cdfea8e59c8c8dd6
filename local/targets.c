/* SPDX-License-Identifier: ISC */
/* targets - lists of addresses, commands, files and includes. */
#include "targets.h"

#include "dict/lines.h"
#include "mail/addr.h"

#include <errno.h>

#define COMMENTS_MAX 100 /* nested */

/* Where the item at the front of `s` ends: at a comma that is inside nothing.
 * -1: something is not closed. */
static ptrdiff_t
find_end(struct str s)
{
	bool is_quoted = false;
	unsigned comments = 0;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (c == '\\')
			i++;
		else if (c == '"' && comments == 0)
			is_quoted = !is_quoted;
		else if (is_quoted)
			continue;
		else if (c == '(' && ++comments > COMMENTS_MAX)
			return -1;
		else if (c == ')' && comments > 0)
			comments--;
		else if (c == ',' && comments == 0)
			return (ptrdiff_t)i;
	}
	return is_quoted || comments > 0 ? -1 : (ptrdiff_t)s.len;
}

/* Without the quotes, when one pair is around all of it. */
static struct str
unquote(struct str s, struct arena *a)
{
	struct str in = str_sub(s, 1, s.len < 2 ? 0 : s.len - 2);
	char *out;
	size_t n = 0;

	if (s.len < 2 || s.p[0] != '"' || s.p[s.len - 1] != '"')
		return s;
	out = arena_alloc(a, in.len + 1);
	for (size_t i = 0; i < in.len; i++) {
		if (in.p[i] == '"')
			return s; /* "a"b"c" */
		if (in.p[i] == '\\' && ++i == in.len)
			return s; /* the quote behind it was no end */
		out[n++] = in.p[i];
	}
	return str_n(out, n);
}

struct found {
	struct str text;
	struct arena *a;
	unsigned n;
};

static void
keep_address(void *arg, struct addr addr, struct str name)
{
	struct found *f = arg;

	(void)name;
	f->text = arena_str(f->a, addr.text);
	f->n++;
}

static bool
read_address(struct str item, bool was_quoted, struct arena *a, struct str *ret)
{
	struct found f = {.a = a};
	struct addr addr;

	/* "some one", quoted as a whole: a local part. */
	if (was_quoted && !str_has_char(item, '@')) {
		*ret = item;
		return addr_parse(item, &addr) == 0;
	}
	if (addr_parse_list(item, 2, a, keep_address, &f) < 0 || f.n != 1 ||
	    f.text.len == 0)
		return false;
	*ret = f.text;
	return true;
}

static bool
has_control(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return true;
	return false;
}

static const char *
read_special(struct str s, struct arena *a, struct target *ret)
{
	if (str_has_prefix_case(s, STR(":include:"))) {
		ret->kind = TARGET_INCLUDE;
		ret->text = unquote(str_trim(str_from(s, 9)), a);
		return ret->text.len > 0 && ret->text.p[0] == '/'
		           ? NULL
		           : ":include: needs an absolute path";
	}
	if (s.p[0] == '|') {
		ret->kind = TARGET_COMMAND;
		ret->text = unquote(str_trim(str_from(s, 1)), a);
		return ret->text.len > 0 ? NULL : "a command is empty";
	}
	if (s.p[0] == '/') {
		ret->kind = TARGET_FILE;
		ret->text = s;
		return NULL;
	}
	ret->kind = TARGET_USER;
	ret->text = unquote(str_from(s, 1), a);
	return ret->text.len > 0 ? NULL : "no user after a backslash";
}

static const char *
read_item(struct str raw, struct arena *a, struct target *ret)
{
	struct str s = unquote(raw, a);
	const char *why;

	if (s.len == 0)
		return "an empty name";
	/* SECURITY: paths, commands, envelopes and log lines come of it. */
	if (has_control(s))
		return "a control byte";
	if (s.p[0] != '|' && s.p[0] != '/' && s.p[0] != '\\' && s.p[0] != ':') {
		ret->kind = TARGET_ADDRESS;
		return read_address(s, s.p != raw.p, a, &ret->text)
		           ? NULL
		           : "not an address";
	}
	if (s.p[0] == ':' && !str_has_prefix_case(s, STR(":include:")))
		return "not an address";
	why = read_special(s, a, ret);
	if (why == NULL)
		ret->text = arena_str(a, ret->text);
	return why;
}

static void
append(struct targets *t, const struct target *target, struct arena *a)
{
	if (t->n == t->cap) {
		size_t cap = t->cap == 0 ? 16 : t->cap * 2;
		struct target *list = arena_array(a, cap, sizeof(*list));

		if (t->n > 0)
			memcpy(list, t->list, t->n * sizeof(*list));
		t->list = list;
		t->cap = cap;
	}
	t->list[t->n++] = *target;
}

int
targets_parse(struct targets *t, struct str list, size_t max, struct arena *a,
    const char **ret_why)
{
	while (list.len > 0) {
		ptrdiff_t end = find_end(list);
		struct target target;
		struct str item;
		const char *why;

		if (end < 0) {
			*ret_why = "a quote or comment that is not closed";
			return -EINVAL;
		}
		item = str_trim(str_sub(list, 0, (size_t)end));
		list = str_from(list, (size_t)end + 1);
		if (item.len == 0)
			continue;
		if (t->n >= max) {
			*ret_why = "too many addresses";
			return -E2BIG;
		}
		why = read_item(item, a, &target);
		if (why != NULL) {
			*ret_why = why;
			return -EINVAL;
		}
		append(t, &target, a);
	}
	return 0;
}

int
targets_parse_file(struct targets *t, struct str text, size_t max,
    struct arena *a, const char **ret_why)
{
	struct lines l;
	struct str line;
	int r = 0;

	lines_init(&l, text);
	while (r == 0 && lines_next(&l, &line))
		r = targets_parse(t, line, max, a, ret_why);
	lines_done(&l);
	return r;
}
