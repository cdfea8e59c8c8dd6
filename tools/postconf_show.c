/* SPDX-License-Identifier: ISC */
/*
 * postconf_show - parameters as main.cf writes them, in the form that Postfix's
 * postconf has.
 */
#include "postconf.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/map.h"
#include "mail/master_cf.h"

#define FOLD_AT 80 /* columns, with -f */

/* Words with one blank between; folded where -f asks for it. */
static void
print_words(const struct show *s, struct str text, size_t column)
{
	struct str word;
	bool first = true;

	while (!str_is_empty(word = str_word(&text, " \t\r\n"))) {
		if (!first && s->fold && column + 1 + word.len > FOLD_AT) {
			(void)fputs("\n    ", stdout);
			column = 4;
		} else if (!first) {
			(void)putchar(' ');
			column++;
		}
		(void)fwrite(word.p, 1, word.len, stdout);
		column += word.len;
		first = false;
	}
	(void)putchar('\n');
}

/* What is told of a parameter: its text in main.cf, or in the table. */
static struct str
text_of(const struct show *s, const struct conf *c, struct str name)
{
	struct str transport;
	enum param p;

	if (!s->defaults) {
		struct str file;
		unsigned line;
		/* Some defaults are told by the host. */
		if (param_find(name, &p) && param_works(p) &&
		    !conf_where(c, name, &file, &line) &&
		    str_is_empty(str_c(param_table[p].def)))
			return conf_str(c, p);
		return conf_raw(c, name);
	}
	if (param_find(name, &p)) {
		if (p == PARAM_myhostname || p == PARAM_mydomain ||
		    p == PARAM_config_directory)
			return conf_str(c, p);
		return str_c(param_table[p].def);
	}
	if (param_find_transport(name, &transport, &p))
		return str_c(param_table[p].def);
	return STR_NONE;
}

/* "$default_x" is what a transport's parameter has by default. */
static struct str
default_of_transport(struct str name, struct arena *a)
{
	struct str transport;
	enum param p;

	if (param_find(name, &p) || !param_find_transport(name, &transport, &p))
		return STR_NONE;
	return arena_strf(a, "$%s", param_table[p].name);
}

static struct str
expand(const struct conf *c, struct str name, struct str text, struct arena *a)
{
	const char *why;
	struct str out;
	enum param p;

	/* A file of which the first line counts, and values for commands. */
	if (param_find(name, &p) && param_works(p) &&
	    (p == PARAM_myorigin || param_table[p].type == PARAM_RAW))
		return conf_str(c, p);
	if (conf_expand(c, text, a, &out, &why) == 0)
		return out;
	log_warning("%.*s: %s", STR_ARG(name), why);
	return text;
}

static void
print_one(const struct show *s, const struct conf *c, struct str name)
{
	ARENA_CLEANUP struct arena a = {0};
	arena_init(&a, 4 * CONF_VALUE_MAX);
	struct str text = text_of(s, c, name), file;
	unsigned line;

	if (s->defaults || !conf_where(c, name, &file, &line)) {
		struct str by_default = default_of_transport(name, &a);
		if (!str_is_empty(by_default))
			text = by_default;
	}
	if (s->expand)
		text = expand(c, name, text, &a);
	if (s->name_only) {
		(void)printf("%.*s\n", STR_ARG(name));
		return;
	}
	size_t column = 0;
	if (!s->value_only) {
		(void)printf("%.*s =", STR_ARG(name));
		if (!str_is_empty(str_trim(text)))
			(void)putchar(' ');
		column = name.len + 3;
	}
	print_words(s, text, column);
}

struct names {
	struct str *list;
	size_t n, room;
	struct map seen;
};

static void
add_name(struct names *to, struct str name)
{
	if (map_get(&to->seen, name) != NULL)
		return;
	(void)map_put(&to->seen, name, to);
	if (to->n == to->room) {
		to->room = to->room * 2 + 1024;
		to->list = reallocarray(to->list, to->room, sizeof(name));
		if (to->list == NULL)
			abort();
	}
	to->list[to->n++] = name;
}

static void
add_transport(struct names *to, struct str transport, struct arena *a)
{
	const char *ending;
	enum param p;

	for (size_t i = 0; (ending = param_transport_ending(i, &p)) != NULL;
	     i++)
		add_name(
		    to, arena_strf(a, "%.*s%s", STR_ARG(transport), ending));
}

static int
compare_names(const void *a, const void *b)
{
	const struct str *x = a, *y = b;

	return str_cmp(*x, *y);
}

/* Does the service deliver mail, so that it has a transport's parameters? */
static bool
is_transport(const struct master_service *s)
{
	static const char *const commands[] = {
	    "error", "lmtp", "local", "pipe", "smtp", "virtual"};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (str_eq(s->command, str_c(commands[i])))
			return true;
	return false;
}

static void
gather(const struct show *s, const struct conf *c, struct names *to,
    struct arena *a)
{
	struct conf_setting set;
	const char *stock;

	for (size_t i = 0; conf_setting_at(c, i, &set); i++)
		if (!s->defaults)
			add_name(to, set.name);
	for (unsigned p = 0; !s->only_set && p < PARAM_COUNT; p++)
		add_name(to, str_c(param_table[p].name));
	for (size_t i = 0; (stock = param_stock_transport(i)) != NULL; i++)
		if (!s->only_set)
			add_transport(to, str_c(stock), a);

	struct master_cf *m =
	    s->only_set ? NULL : master_cf_read(s->dir, c, NULL, NULL);
	for (size_t i = 0; m != NULL && i < master_cf_count(m); i++) {
		const struct master_service *service = master_cf_at(m, i);
		if (is_transport(service))
			add_transport(to, arena_str(a, service->name), a);
	}
	master_cf_free(&m);
	qsort(to->list, to->n, sizeof(to->list[0]), compare_names);
}

static bool
is_known(const struct conf *c, struct str name)
{
	struct str transport, file;
	unsigned line;
	enum param p;

	return param_find(name, &p) ||
	       param_find_transport(name, &transport, &p) ||
	       conf_where(c, name, &file, &line);
}

static void
warn_unknown(struct str name)
{
	const char *near = param_suggest(name);

	log_warning("%.*s: unknown parameter%s%s%s", STR_ARG(name),
	    near != NULL ? ": did you mean " : "", near != NULL ? near : "",
	    near != NULL ? "?" : "");
}

void
postconf_show(
    const struct show *s, const struct conf *c, char *const *names, size_t n)
{
	ARENA_CLEANUP struct arena a = {0};
	arena_init(&a, (size_t)64 * 1024 * 1024);
	struct names all = {0};

	for (size_t i = 0; i < n; i++) {
		struct str name = str_c(names[i]), file;
		unsigned line;
		if (!is_known(c, name))
			warn_unknown(name);
		else if (!s->only_set || conf_where(c, name, &file, &line))
			print_one(s, c, name);
	}
	if (n > 0)
		return;
	gather(s, c, &all, &a);
	for (size_t i = 0; i < all.n; i++)
		print_one(s, c, all.list[i]);
	map_done(&all.seen);
	free(all.list);
}
