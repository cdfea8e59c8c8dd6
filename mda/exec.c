/* SPDX-License-Identifier: ISC */
/* exec - from a forked child to a user's command.  Owns nothing. */
#include "exec.h"

#include "mail/addr.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#define COMMAND_PATH "/usr/bin:/bin"
#define VARIABLES    16

static const char plain[] = "1234567890!@%-_=+:,./"
			    "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* Words that are commands of the shell alone. */
static const char *const builtins[] = {"exit", "exec", "if", "case", "for",
    "while", "until", "set", "unset", "export", "umask", "ulimit", "cd", "trap",
    "eval", ".", ":", "!"};

static bool
is_plain_char(char c)
{
	return c != '\0' && strchr(plain, c) != NULL;
}

/* ---- the environment ---- */

struct environment {
	struct arena *a;
	char **list;
	size_t n;
};

static void
put(struct environment *e, const char *name, struct str value)
{
	struct str s = arena_strf(e->a, "%s=%.*s", name, STR_ARG(value));

	e->list[e->n++] = (char *)(uintptr_t)s.p;
}

/* SECURITY: from a message's envelope. */
static void
put_foreign(struct environment *e, const char *name, struct str value)
{
	char *p = arena_cstr(e->a, value);

	for (size_t i = 0; i < value.len; i++)
		if (!is_plain_char(p[i]))
			p[i] = '_';
	put(e, name, str_n(p, value.len));
}

/* The part of the mailbox's name behind the user's own and a delimiter. */
static struct str
find_extension(struct str local, const struct action *a, const char *delims)
{
	struct str rest;

	if (!str_has_prefix_case(local, a->user))
		return STR_NONE;
	rest = str_from(local, a->user.len);
	if (rest.len < 2 || strchr(delims, rest.p[0]) == NULL)
		return STR_NONE;
	return str_from(rest, 1);
}

static void
put_recipient(
    struct environment *e, const struct delivery *d, const struct settings *s)
{
	struct str address = d->recipient->address;
	ptrdiff_t at = str_find_last(address, '@');
	struct str local = at < 0 ? address : str_sub(address, 0, (size_t)at);
	struct str domain =
	    at < 0 ? STR_NONE : str_from(address, (size_t)at + 1);

	put_foreign(e, "RECIPIENT", address);
	put_foreign(e, "ORIGINAL_RECIPIENT", d->recipient->original);
	put_foreign(e, "LOCAL", local);
	put_foreign(e, "DOMAIN", domain);
	put_foreign(
	    e, "EXTENSION", find_extension(local, d->action, s->delimiters));
}

char **
exec_environment(
    const struct delivery *d, const struct settings *s, struct arena *a)
{
	struct environment e = {.a = a};
	const struct action *action = d->action;
	struct str shell = action->shell;

	e.list = arena_array(a, VARIABLES, sizeof(*e.list));
	put(&e, "PATH", STR(COMMAND_PATH));
	put(&e, "HOME", action->home);
	put(&e, "USER", action->user);
	put(&e, "LOGNAME", action->user);
	put(&e, "SHELL", str_is_empty(shell) ? STR("/bin/sh") : shell);
	put(&e, "LANG", STR("C"));
	put_foreign(&e, "SENDER", d->job->d->sender);
	put_recipient(&e, d, s);
	return e.list;
}

/* ---- the arguments ---- */

static bool
needs_shell(struct str text)
{
	struct str word;

	for (size_t i = 0; i < text.len; i++)
		if (!is_plain_char(text.p[i]) && text.p[i] != ' ' &&
		    text.p[i] != '\t')
			return true;
	word = str_word(&text, " \t");
	/* "NAME=value command" is the shell's to understand. */
	if (str_is_empty(word) || str_has_char(word, '='))
		return true;
	for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
		if (str_eq(word, str_c(builtins[i])))
			return true;
	return false;
}

char **
exec_words(struct str text, struct arena *a)
{
	size_t n = 0;
	struct str word;
	char **argv;

	if (needs_shell(text))
		return NULL;
	argv = arena_array(a, text.len / 2 + 2, sizeof(*argv));
	while (!str_is_empty(word = str_word(&text, " \t")))
		argv[n++] = arena_cstr(a, word);
	return argv;
}

/* ---- the process ---- */

static _Noreturn void
give_up(const char *what, int error, int status)
{
	dprintf(STDERR_FILENO, "%s: %s\n", what, strerror(error));
	_exit(status);
}

/* What we have blocked and ignored is our own affair. */
static void
reset_signals(void)
{
	sigset_t none;

	/* Also what master's own parent, a shell's nohup say, ignores. */
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
set_up(const struct delivery *d, const struct settings *s, int input,
    int output, struct arena *a)
{
	const char *home = arena_cstr(a, d->action->home);
	/* command_execution_directory, if that says one. */
	const char *dir = arena_cstr(a, d->action->root);
	const struct sched_param none = {0};

	setsid();
	reset_signals();
	(void)sched_setscheduler(0, SCHED_OTHER, &none);
	/* The copies are not close-on-exec; the ends themselves are. */
	if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(output, STDERR_FILENO) < 0)
		_exit(EX_OSERR);
	close_range(STDERR_FILENO + 1, ~0u, 0);
	if (dir[0] != '\0' && chdir(dir) < 0)
		give_up(dir, errno, EX_OSERR);
	if (dir[0] == '\0' && (home[0] != '/' || chdir(home) < 0))
		(void)!chdir("/");
	if (s->command_no_new_privs &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		give_up("no_new_privs", errno, EX_OSERR);
}

/* Nothing that goes wrong here for want of memory or processes bounces. */
static bool
is_passing(int error)
{
	return error == ENOMEM || error == EAGAIN || error == EMFILE ||
	       error == ENFILE || error == ETXTBSY || error == EIO;
}

_Noreturn void
exec_command(
    const struct delivery *d, const struct settings *s, int input, int output)
{
	struct str text = d->action->path;
	ARENA_CLEANUP struct arena a = {0};
	char **words, **env;
	char *shell[] = {(char[]){"sh"}, (char[]){"-c"}, NULL, NULL};

	arena_init(&a, 1024 * 1024);
	set_up(d, s, input, output, &a);
	env = exec_environment(d, s, &a);
	words = exec_words(text, &a);
	if (words != NULL) {
		setenv("PATH", COMMAND_PATH, 1); /* where execvpe looks */
		execvpe(words[0], words, env);
		if (is_passing(errno))
			give_up(words[0], errno, EX_OSERR);
		if (errno != ENOENT)
			give_up(words[0], errno, EX_UNAVAILABLE);
	}
	shell[2] = arena_cstr(&a, text);
	execve("/bin/sh", shell, env);
	give_up("/bin/sh", errno, EX_OSERR);
}
