/* SPDX-License-Identifier: ISC */
/* secrets - the notation of passwd-files. */
#include "mail/secrets.h"

#include "mail/saslprep.h"

#include <errno.h>

#define APP STR("app=")

/* SECURITY: of a name that a stranger says, which takes time to prepare. */
#define FOLDED_MAX (4 * SECRETS_USER_MAX)

bool
secrets_is_user(struct str name)
{
	if (name.len == 0 || name.len > SECRETS_USER_MAX)
		return false;
	if (name.p[0] == '#' || name.p[0] == '-')
		return false;
	for (size_t i = 0; i < name.len; i += str_shown_len(str_from(name, i)))
		if (str_shown_len(str_from(name, i)) == 0 || name.p[i] == ':' ||
		    name.p[i] == ' ')
			return false;
	return true;
}

int
secrets_fold(struct str name, struct buf *out)
{
	size_t from = out->len;
	int r = name.len > FOLDED_MAX ? -EMSGSIZE : saslprep_or_same(name, out);

	for (size_t i = from; i < out->len; i++)
		out->p[i] = str_lower_char(out->p[i]);
	return r;
}

bool
secrets_is_named(struct str name, struct str folded)
{
	BUF_CLEANUP struct buf b = {0};

	buf_init(&b, SASLPREP_MAX);
	return secrets_fold(name, &b) == 0 && str_eq(buf_str(&b), folded);
}

bool
secrets_is_app(struct str name)
{
	if (name.len == 0 || name.len > SECRETS_APP_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!str_is_alnum_char(name.p[i]) &&
		    !str_has_char(STR("-_.@+"), name.p[i]))
			return false;
	return true;
}

static bool
is_hash(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == ':')
			return false;
	return true;
}

static bool
is_scheme(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!str_is_alnum_char(s.p[i]) &&
		    !str_has_char(STR("-_."), s.p[i]))
			return false;
	return s.len > 0;
}

static int
parse_word(struct str word, struct secret *ret, const char **ret_why)
{
	ptrdiff_t end = str_find(word, '}');

	ret->scheme = STR("CRYPT");
	ret->hash = word;
	if (word.p[0] == '{') {
		ret->scheme = str_sub(word, 1, end < 1 ? 0 : (size_t)end - 1);
		if (!is_scheme(ret->scheme)) {
			*ret_why = "a scheme that is none";
			return -EINVAL;
		}
		ret->hash = str_from(word, (size_t)end + 1);
	}
	if (is_hash(ret->hash))
		return 0;
	*ret_why = "a hash with foreign characters";
	return -EINVAL;
}

static bool
has_app(const struct secrets *s, struct str app)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->list[i].app, app))
			return true;
	return false;
}

static bool
is_scram(const struct secret *s)
{
	return str_has_prefix_case(s->scheme, STR("SCRAM-"));
}

bool
secrets_counts(const struct secrets *s, size_t i)
{
	struct str app = s->list[i].app;
	size_t first = s->n;

	for (size_t k = s->n; k-- > 0;)
		if (str_eq(s->list[k].app, app) &&
		    (first == s->n || !is_scram(&s->list[k]) ||
			is_scram(&s->list[first])))
			first = k;
	return i == first;
}

static int
fail(const char **ret_why, const char *why)
{
	*ret_why = why;
	return -EINVAL;
}

int
secrets_parse(struct str text, struct secrets *ret, const char **ret_why)
{
	struct str app = STR_NONE, word;
	size_t apps = 0;

	ret->n = 0;
	if (text.len > SECRETS_TEXT_MAX)
		return fail(ret_why, "more than a user may have");
	while ((word = str_word(&text, " \t")).len > 0) {
		if (str_has_prefix(word, APP)) {
			app = str_from(word, APP.len);
			if (!secrets_is_app(app) || has_app(ret, app))
				return fail(ret_why,
				    "an application's name is wrong or there "
				    "twice");
			if (++apps > SECRETS_APPS_MAX)
				return fail(ret_why, "too many applications");
			continue;
		}
		if (ret->n == SECRETS_MAX)
			return fail(ret_why, "too many hashes");
		if (parse_word(word, &ret->list[ret->n], ret_why) < 0)
			return -EINVAL;
		ret->list[ret->n++].app = app;
	}
	return 0;
}

int
secrets_format(const struct secrets *s, struct buf *out)
{
	struct str app = STR_NONE;

	for (size_t i = 0; i < s->n; i++) {
		const struct secret *e = &s->list[i];

		if (i > 0)
			buf_add_char(out, ' ');
		if (!str_eq(e->app, app))
			buf_addf(out, "app=%.*s ", STR_ARG(e->app));
		app = e->app;
		buf_addf(
		    out, "{%.*s}%.*s", STR_ARG(e->scheme), STR_ARG(e->hash));
	}
	return out->full ? -EMSGSIZE : 0;
}

bool
secrets_line(struct str line, struct str *ret_name, struct str *ret_text,
    const char **ret_why)
{
	struct str rest;

	*ret_why = NULL;
	if (str_trim(line).len == 0 || line.p[0] == '#')
		return false;
	if (!str_cut(line, ':', ret_name, &rest))
		*ret_why = "a line without a colon";
	else if (!secrets_is_user(*ret_name))
		*ret_why = "no name that a user can have";
	str_cut(rest, ':', ret_text, NULL);
	return true;
}
