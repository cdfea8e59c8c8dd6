/* SPDX-License-Identifier: ISC */
/*
 * valija_user - `user`: the users of auth, in the first file of auth_users.
 *
 *	valija user add [--stdin] name
 *	valija user passwd [--stdin] name
 *	valija user del name
 *	valija user list [name]
 *	valija user app add name application
 *	valija user app del name application
 *	valija user app list name
 *
 * What was changed counts when the command returns, while the suite runs.
 */
#include "typed.h"
#include "users_file.h"
#include "valija.h"

#include "base/arena.h"
#include "base/log.h"
#include "mail/password.h"
#include "mail/saslprep.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define APP_GROUPS 4 /* of five characters, each of 32: 100 bits */
#define APP_GROUP  5
#define APP_CHARS  "abcdefghijkmnpqrstuvwxyz23456789"
#define ARENA_MAX  (256 * 1024)

struct user_work {
	struct valija *valija;
	bool from_stdin;
	struct str name;        /* secrets_fold() */
	struct str app;         /* empty: none */
	struct users_file file; /* locked, if it is to be changed */
	struct secrets secrets; /* of the user, when he is there */
	bool is_there;
	struct arena arena;
	struct buf out; /* what the secrets are to be */
};

static int fail(int code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int
fail(int code, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "valija: error: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return code;
}

/* ---- secrets ---- */

/* The user's own key of the scheme: applications share its salt, so that an
 * exchange can be compared with all. */
static const struct password_scram *
find_key(
    const struct user_work *w, struct str scheme, struct password_scram *ret)
{
	for (size_t i = 0; i < w->secrets.n; i++)
		if (w->secrets.list[i].app.len == 0 &&
		    str_eq_case(w->secrets.list[i].scheme, scheme) &&
		    (password_scram(&w->secrets.list[i], HMAC_SHA256, ret) ||
			password_scram(&w->secrets.list[i], HMAC_SHA1, ret)))
			return ret;
	return NULL;
}

static int
add_hash(struct user_work *w, struct str scheme, struct str password)
{
	struct password_scram key;
	const struct password_scram *like = find_key(w, scheme, &key);
	int r;

	if (w->out.len > 0)
		buf_add_char(&w->out, ' ');
	r = password_make(scheme, password, like, &w->out);
	explicit_bzero(&key, sizeof(key));
	if (r == -EINVAL)
		return fail(EX_CONFIG,
		    "auth_password_schemes: no hash of scheme %.*s",
		    STR_ARG(scheme));
	return r < 0 ? fail(EX_OSERR, "the password's hash: %s", strerror(-r))
	             : 0;
}

/* For an application SSHA256 in place of a slow hash. */
static int
add_hashes(struct user_work *w, struct str password)
{
	struct str list =
	    conf_str(w->valija->conf, PARAM_auth_password_schemes);
	struct str word;
	int r = w->app.len == 0 ? 0 : add_hash(w, STR("SSHA256"), password);

	while (r == 0 && (word = str_word(&list, ", \t\r\n")).len > 0)
		if (w->app.len == 0 || str_has_prefix_case(word, STR("SCRAM-")))
			r = add_hash(w, word, password);
	if (r == 0 && w->out.len == 0)
		r = fail(EX_CONFIG, "auth_password_schemes names no scheme");
	return r;
}

/* Those that are there, but the password's own or one application's. */
static void
add_others(struct user_work *w, bool is_app_wanted, struct str app)
{
	struct secrets kept = {.n = 0};

	for (size_t i = 0; i < w->secrets.n; i++) {
		const struct secret *s = &w->secrets.list[i];

		if (is_app_wanted ? !str_eq(s->app, app) : s->app.len > 0)
			kept.list[kept.n++] = *s;
	}
	if (w->out.len > 0 && kept.n > 0)
		buf_add_char(&w->out, ' ');
	secrets_format(&kept, &w->out);
}

/* ---- the file ---- */

static const char *
find_path(struct user_work *w)
{
	struct str list = conf_str(w->valija->conf, PARAM_auth_users), word;

	while ((word = str_word(&list, ", \t\r\n")).len > 0)
		if (str_has_prefix(word, STR("/")))
			return arena_cstr(&w->arena, word);
	return NULL;
}

static int
open_file(struct user_work *w, bool for_writing)
{
	const char *path = find_path(w), *why;
	BUF_CLEANUP struct buf text = {0};
	struct str secrets;

	if (path == NULL)
		return fail(EX_CONFIG,
		    "auth_users names no /file, and only tables: "
		    "those are made with postmap");
	buf_init(&text, LOG_LINE_MAX);
	if (users_file_open(&w->file, path, for_writing, &text) < 0)
		return fail(EX_NOINPUT, "%s", text.p);
	w->is_there =
	    users_text_find(buf_str(&w->file.text), w->name, &secrets);
	if (w->is_there && secrets_parse(secrets, &w->secrets, &why) < 0)
		return fail(EX_DATAERR, "%s: the line of %.*s is wrong: %s",
		    path, STR_ARG(w->name), why);
	return 0;
}

static int
write_file(struct user_work *w, bool is_kept)
{
	struct str secrets = buf_str(&w->out);
	BUF_CLEANUP struct buf text = {0};
	struct secrets check;
	const char *why;
	int r;

	if (is_kept &&
	    (w->out.full || secrets_parse(secrets, &check, &why) < 0))
		return fail(EX_DATAERR, "%.*s has too many passwords",
		    STR_ARG(w->name));
	buf_init_secret(&text, USERS_TEXT_MAX);
	r = users_text_put(
	    buf_str(&w->file.text), w->name, is_kept ? &secrets : NULL, &text);
	if (r == 0)
		r = users_file_write(&w->file, buf_str(&text));
	if (r < 0)
		return fail(
		    EX_CANTCREAT, "the file of users: %s", strerror(-r));
	if (valija_tell_tables(w->valija) != 0)
		return fail(EX_TEMPFAIL,
		    "the file is changed, but the suite does not say that it "
		    "knows: it looks again within seconds");
	return 0;
}

/* ---- commands ---- */

static int
set_password(struct user_work *w)
{
	BUF_CLEANUP struct buf password = {0};
	const char *why;
	int r;

	buf_init_secret(&password, PASSWORD_MAX);
	r = w->from_stdin ? typed_stdin(&password, &why)
	                  : typed_twice(&password, &why);
	if (r != 0)
		return fail(r, "%s", why);
	r = add_hashes(w, buf_str(&password));
	if (r == 0) {
		add_others(w, false, STR_NONE);
		r = write_file(w, true);
	}
	return r;
}

static int
add(struct user_work *w)
{
	if (w->is_there)
		return fail(EX_CANTCREAT, "there is a user %.*s already",
		    STR_ARG(w->name));
	return set_password(w);
}

static int
need_user(const struct user_work *w)
{
	return w->is_there
	           ? 0
	           : fail(EX_NOUSER, "there is no user %.*s", STR_ARG(w->name));
}

static int
change(struct user_work *w)
{
	int r = need_user(w);

	return r != 0 ? r : set_password(w);
}

static int delete (struct user_work *w)
{
	int r = need_user(w);

	return r != 0 ? r : write_file(w, false);
}

static bool
has_app(const struct user_work *w, struct str app)
{
	for (size_t i = 0; i < w->secrets.n; i++)
		if (str_eq(w->secrets.list[i].app, app))
			return true;
	return false;
}

/* Random, so that it withstands any guessing, and to be typed once. */
static void
invent(char *ret)
{
	for (unsigned i = 0; i < APP_GROUPS * APP_GROUP; i++) {
		if (i > 0 && i % APP_GROUP == 0)
			*ret++ = '-';
		*ret++ = APP_CHARS[arc4random_uniform(32)];
	}
	*ret = '\0';
}

static int
app_add(struct user_work *w)
{
	char password[APP_GROUPS * (APP_GROUP + 1)];
	BUF_CLEANUP struct buf made = {0};
	int r = need_user(w);

	if (r != 0)
		return r;
	if (has_app(w, w->app))
		return fail(EX_CANTCREAT,
		    "%.*s has a password for %.*s already", STR_ARG(w->name),
		    STR_ARG(w->app));
	invent(password);
	r = add_hashes(w, str_c(password));
	if (r == 0) {
		buf_init_secret(&made, SECRETS_TEXT_MAX);
		buf_add_str(&made, buf_str(&w->out));
		buf_reset(&w->out);
		secrets_format(&w->secrets, &w->out);
		buf_addf(&w->out, " app=%.*s %s", STR_ARG(w->app), made.p);
		r = write_file(w, true);
	}
	if (r == 0)
		printf("%s\n", password);
	explicit_bzero(password, sizeof(password));
	return r;
}

static int
app_delete(struct user_work *w)
{
	int r = need_user(w);

	if (r != 0)
		return r;
	if (!has_app(w, w->app))
		return fail(EX_NOUSER, "%.*s has no password for %.*s",
		    STR_ARG(w->name), STR_ARG(w->app));
	add_others(w, true, w->app);
	return write_file(w, true);
}

static int
app_list(struct user_work *w)
{
	int r = need_user(w);
	struct str last = STR_NONE;

	for (size_t i = 0; i < w->secrets.n; i++) {
		struct str app = w->secrets.list[i].app;

		if (!str_eq(app, last))
			printf("%.*s\n", STR_ARG(app));
		last = app;
	}
	return r;
}

static void
print_user(struct str name, const struct secrets *s)
{
	struct str last = STR_NONE;

	printf("%.*s", STR_ARG(name));
	for (size_t i = 0; i < s->n; i++) {
		const struct secret *one = &s->list[i];

		if (one->app.len == 0)
			printf(" %s%.*s",
			    password_is_locked_in(s, i) ? "!" : "",
			    STR_ARG(one->scheme));
		else if (!str_eq(one->app, last))
			printf(" app=%.*s", STR_ARG(one->app));
		last = one->app;
	}
	putchar('\n');
}

static int
list(struct user_work *w)
{
	struct str rest = buf_str(&w->file.text), line, name, text;
	struct secrets secrets;
	const char *why;

	if (w->name.len > 0 && !w->is_there)
		return need_user(w);
	while (str_line(&rest, &line))
		if (secrets_line(line, &name, &text, &why) && why == NULL &&
		    (w->name.len == 0 || secrets_is_named(name, w->name)) &&
		    secrets_parse(text, &secrets, &why) == 0)
			print_user(name, &secrets);
	return 0;
}

static const struct {
	const char *group, *name;
	int (*run)(struct user_work *w);
	int min, max; /* names behind it */
	bool writes;
	bool takes_stdin;
} commands[] = {
    {NULL, "add", add, 1, 1, true, true},
    {NULL, "passwd", change, 1, 1, true, true},
    {NULL, "del", delete, 1, 1, true, false},
    {NULL, "list", list, 0, 1, false, false},
    {"app", "add", app_add, 2, 2, true, false},
    {"app", "del", app_delete, 2, 2, true, false},
    {"app", "list", app_list, 1, 1, false, false},
};
#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static int
usage(void)
{
	fprintf(stderr,
	    "usage: valija [-c dir] user add [--stdin] name\n"
	    "       valija [-c dir] user passwd [--stdin] name\n"
	    "       valija [-c dir] user del name\n"
	    "       valija [-c dir] user list [name]\n"
	    "       valija [-c dir] user app add | del name application\n"
	    "       valija [-c dir] user app list name\n");
	return EX_USAGE;
}

static int
take_names(struct user_work *w, char *const *names, int n)
{
	BUF_CLEANUP struct buf name = {0};

	buf_init(&name, SASLPREP_MAX);
	if (n > 0 && secrets_fold(str_c(names[0]), &name) == 0)
		w->name = arena_str(&w->arena, buf_str(&name));
	if (n > 0 && !secrets_is_user(w->name))
		return fail(
		    EX_DATAERR, "%s: no name that a user can have", names[0]);
	if (n > 1)
		w->app = str_c(names[1]);
	if (n > 1 && !secrets_is_app(w->app))
		return fail(EX_DATAERR,
		    "%s: an application's name is of letters, digits "
		    "and -_.@+, at most %d",
		    names[1], SECRETS_APP_MAX);
	return 0;
}

static int
run(struct user_work *w, size_t i, char *const *names, int n)
{
	int r = take_names(w, names, n);

	if (r == 0)
		r = open_file(w, commands[i].writes);
	return r == 0 ? commands[i].run(w) : r;
}

int
valija_user(struct valija *v)
{
	struct user_work w = {.valija = v, .file = {.dir = -1}};
	char **word = v->argv + 1;
	bool is_app = *word != NULL && strcmp(*word, "app") == 0;
	size_t i;
	int n, r;

	word += is_app;
	for (i = 0; i < NCOMMANDS; i++)
		if (*word != NULL && is_app == (commands[i].group != NULL) &&
		    strcmp(*word, commands[i].name) == 0)
			break;
	if (i == NCOMMANDS)
		return usage();
	word++;
	if (commands[i].takes_stdin && *word != NULL &&
	    strcmp(*word, "--stdin") == 0) {
		w.from_stdin = true;
		word++;
	}
	n = v->argc - (int)(word - v->argv);
	if (n < commands[i].min || n > commands[i].max)
		return usage();
	arena_init(&w.arena, ARENA_MAX);
	buf_init_secret(&w.out, SECRETS_TEXT_MAX);
	r = run(&w, i, word, n);
	users_file_close(&w.file);
	buf_done(&w.out);
	arena_done(&w.arena);
	return r;
}
