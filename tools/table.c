/* SPDX-License-Identifier: ISC */
/*
 * table - builds, changes, lists and asks tables: postmap(1), postalias(1).
 *
 * As with Postfix: 0 when done or found, 1 when nothing was found or
 * something failed (and then a line on stderr says what); wrong lines and
 * duplicates are warnings.
 */
#include "table.h"
#include "table_files.h"

#include "base/file.h"
#include "base/log.h"
#include "dict/dict.h"
#include "mail/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define STDIN_MAX (64 * 1024 * 1024)
#define VALUE_MAX (4 * DICT_VALUE_MAX) /* what one answer may need */

struct request {
	const struct table_command *command;
	struct dict_build build;
	struct dict_env env;
	const char *config_dir;
	const char *query, *remove; /* "-": keys from stdin */
	bool add, list, files;
};

static void
warn(void *arg, const char *text)
{
	(void)arg;
	log_warning("%s", text);
}

static _Noreturn void
die_usage(const struct table_command *c)
{
	log_fatal("usage: %s %s", c->name, c->usage);
}

static void
read_options(struct request *r, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "c:d:fFinNopq:rsuUvw")) != -1) {
		switch (c) {
		case 'c':
			r->config_dir = optarg;
			break;
		case 'd':
			r->remove = optarg;
			break;
		case 'f':
			r->build.keep_case = true;
			break;
		case 'F':
			if (r->command->format != DICT_BUILD_MAP)
				die_usage(r->command);
			r->files = true;
			r->build.secret = table_files_encode;
			break;
		case 'i':
			r->add = true;
			break;
		case 'n':
			r->build.add_nul = false;
			break;
		case 'N':
			r->build.add_nul = true;
			break;
		case 'o':
			r->build.as_root = true;
			break;
		case 'p':
			r->build.plain_mode = true;
			break;
		case 'q':
			r->query = optarg;
			break;
		case 'r':
			r->build.again = DICT_BUILD_REPLACE;
			break;
		case 's':
			r->list = true;
			break;
		case 'w':
			r->build.again = DICT_BUILD_IGNORE;
			break;
		case 'u': /* keys are bytes: nothing to turn on or off */
		case 'U':
		case 'v':
			break;
		default:
			die_usage(r->command);
		}
	}
	if ((r->query != NULL) + (r->remove != NULL) + r->add + r->list > 1)
		log_fatal("specify only one of -s -q -d or -i");
	if (optind >= argc)
		die_usage(r->command);
}

/* The type of a name without one: default_database_type of main.cf. */
static struct str
find_default_type(const struct request *r, char **names, struct conf **ret_conf)
{
	bool is_needed = false;

	for (; *names != NULL; names++)
		is_needed |= strchr(*names, ':') == NULL;
	if (!is_needed)
		return STR("hash");
	*ret_conf = conf_read(r->config_dir, NULL, NULL);
	if (*ret_conf == NULL) {
		log_warning("%s/main.cf is not right, so the type of table is "
			    "taken to be hash",
		    r->config_dir);
		return STR("hash");
	}
	return conf_str(*ret_conf, PARAM_default_database_type);
}

static void
read_stdin(struct buf *ret)
{
	int r;

	buf_init(ret, STDIN_MAX);
	r = fd_read_rest(STDIN_FILENO, ret);
	if (r != 0)
		log_fatal("read standard input: %s", strerror(-r));
}

/* Building and changing. */

static int
build_tables(const struct request *r, char **names)
{
	BUF_CLEANUP struct buf text = {0};

	if (r->add)
		read_stdin(&text);
	for (; *names != NULL; names++) {
		BUF_CLEANUP struct buf why = {0};
		int e;

		buf_init(&why, 8192);
		e = r->add ? dict_build_add(
				 &r->build, str_c(*names), buf_str(&text), &why)
		           : dict_build(&r->build, str_c(*names), &why);
		if (e != 0)
			log_fatal("%s", why.p);
	}
	return 0;
}

static size_t
split_keys(struct str text, struct str **ret_keys)
{
	size_t n = 0, cap = 0;
	struct str line;

	*ret_keys = NULL;
	while (str_line(&text, &line)) {
		if (n == cap) {
			cap = cap == 0 ? 64 : cap * 2;
			*ret_keys =
			    reallocarray(*ret_keys, cap, sizeof(**ret_keys));
			if (*ret_keys == NULL)
				log_fatal("out of memory for keys");
		}
		(*ret_keys)[n++] = line;
	}
	return n;
}

static int
remove_keys(const struct request *r, char **names)
{
	BUF_CLEANUP struct buf text = {0};
	struct str one = str_c(r->remove), *keys = &one, *many = NULL;
	size_t n = 1, removed = 0;

	if (strcmp(r->remove, "-") == 0) {
		read_stdin(&text);
		n = split_keys(buf_str(&text), &many);
		keys = many;
	}
	for (; n > 0 && *names != NULL; names++) {
		BUF_CLEANUP struct buf why = {0};
		size_t here = 0;

		buf_init(&why, 8192);
		if (dict_build_delete(
			&r->build, str_c(*names), keys, n, &here, &why) != 0)
			log_fatal("%s", why.p);
		removed += here;
	}
	free(many);
	return removed > 0 ? 0 : 1;
}

/* Asking. */

static struct dict *
open_table(const struct request *r, const char *name)
{
	BUF_CLEANUP struct buf why = {0};
	struct dict *d;

	buf_init(&why, 8192);
	d = dict_open(&r->env, str_c(name), &why);
	if (d == NULL)
		log_fatal("%s", why.p);
	return d;
}

static void
print_value(const struct request *r, struct str value)
{
	BUF_CLEANUP struct buf text = {0}, why = {0};

	buf_init(&text, DICT_VALUE_MAX);
	buf_init(&why, 8192);
	if (r->files && table_files_show(value, &text, &why) < 0)
		log_fatal("%s", why.p);
	printf("%.*s\n", STR_ARG(r->files ? buf_str(&text) : value));
}

static void
print_pair(void *arg, struct str key, struct str value)
{
	const struct request *r = arg;

	printf("%.*s%s", STR_ARG(key), r->command->separator);
	print_value(r, value);
}

static int
list_tables(struct request *r, char **names)
{
	for (; *names != NULL; names++) {
		struct dict *d = open_table(r, *names);
		enum find f = dict_each(d, print_pair, r);

		if (f == FIND_NO)
			log_fatal(
			    "table %s: this type cannot be listed", *names);
		if (f != FIND_YES)
			log_fatal("table %s: not a whole file", *names);
		dict_free(&d);
	}
	return 0;
}

static bool
ask_table(struct dict *d, struct str key, struct arena *a, struct str *ret)
{
	switch (dict_get(d, key, a, ret)) {
	case FIND_YES:
		return true;
	case FIND_NO:
		return false;
	case FIND_RETRY:
		log_fatal("table %.*s: query error: try again later",
		    STR_ARG(dict_spec(d)));
	case FIND_BROKEN:
		log_fatal("table %.*s: query error: the table is broken",
		    STR_ARG(dict_spec(d)));
	}
	return false;
}

static bool
ask_all(struct dict **tables, size_t n, struct str key, struct arena *a,
    struct str *ret)
{
	for (size_t i = 0; i < n; i++)
		if (ask_table(tables[i], key, a, ret))
			return true;
	return false;
}

static bool
ask_line_by_line(struct request *r, struct dict **tables, size_t n)
{
	ARENA_CLEANUP struct arena a = {0};
	BUF_CLEANUP struct buf text = {0};
	bool is_found = false;
	struct str rest, key, value;

	read_stdin(&text);
	rest = buf_str(&text);
	arena_init(&a, VALUE_MAX);
	while (str_line(&rest, &key)) {
		arena_reset(&a);
		if (!ask_all(tables, n, key, &a, &value))
			continue;
		is_found = true;
		print_pair(r, key, value);
	}
	return is_found;
}

static int
query_tables(struct request *r, char **names, size_t n)
{
	struct dict **tables = calloc(n, sizeof(struct dict *));
	ARENA_CLEANUP struct arena a = {0};
	bool is_found;
	struct str value;

	if (tables == NULL)
		log_fatal("out of memory for tables");
	for (size_t i = 0; i < n; i++)
		tables[i] = open_table(r, names[i]);
	arena_init(&a, VALUE_MAX);
	if (strcmp(r->query, "-") == 0) {
		is_found = ask_line_by_line(r, tables, n);
	} else {
		is_found = ask_all(tables, n, str_c(r->query), &a, &value);
		if (is_found)
			print_value(r, value);
	}
	for (size_t i = 0; i < n; i++)
		dict_free(&tables[i]);
	free(tables);
	return is_found ? 0 : 1;
}

int
table_main(const struct table_command *c, int argc, char **argv)
{
	const char *dir = getenv("MAIL_CONFIG");
	struct request r = {
	    .command = c,
	    .build = {.format = c->format, .warn = warn},
	    .env = dict_env_tool,
	    .config_dir = dir == NULL ? VALIJA_CONFIG : dir,
	};
	struct conf *conf = NULL;
	char **names;
	int status;

	log_init(c->name);
	read_options(&r, argc, argv);
	names = argv + optind;
	r.build.default_type = find_default_type(&r, names, &conf);
	r.env.default_type = r.build.default_type;
	if (r.remove != NULL)
		status = remove_keys(&r, names);
	else if (r.query != NULL)
		status = query_tables(&r, names, (size_t)(argc - optind));
	else if (r.list)
		status = list_tables(&r, names);
	else
		status = build_tables(&r, names);
	conf_free(&conf);
	if (fflush(stdout) != 0)
		log_fatal("write standard output: %s", strerror(errno));
	return status;
}
