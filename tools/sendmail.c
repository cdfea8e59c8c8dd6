/* SPDX-License-Identifier: ISC */
/*
 * sendmail - sends the message on standard input; and mailq and newaliases,
 * when called by those names: sendmail(1).
 */
#include "sendmail.h"

#include "base/log.h"
#include "dict/dict.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define ARENA_MAX                                                              \
	(256 * 1024 * 1024) /* what was typed is bounded by execve             \
	                     */
#define TABLES_MAX 64

void
sendmail_fatal(int exit_code, const char *fmt, ...)
{
	va_list ap;

	fputs("sendmail: fatal: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(exit_code);
}

static void
print_error(void *arg, const struct conf_remark *r)
{
	if (r->severity == CONF_ERROR)
		fprintf(arg, "sendmail: error: %.*s, line %u: %.*s\n",
		    STR_ARG(r->file), r->line, STR_ARG(r->text));
}

static void
read_conf(struct sendmail *s)
{
	struct stat st;

	if (stat(s->conf_dir, &st) < 0 || !S_ISDIR(st.st_mode))
		sendmail_fatal(
		    EX_CONFIG, "no configuration in %s", s->conf_dir);
	s->conf = conf_read(s->conf_dir, print_error, stderr);
	if (s->conf == NULL)
		sendmail_fatal(EX_CONFIG, "%s has an error", s->conf_dir);
}

/* The folder that this program is in: its kin are there. */
static const char *
own_directory(struct arena *a)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
	ptrdiff_t slash;

	slash = n <= 0 ? -1 : str_find_last(str_n(path, (size_t)n), '/');
	if (slash < 0)
		sendmail_fatal(EX_OSERR, "/proc is needed");
	return arena_cstr(a, str_n(path, (size_t)slash));
}

void
sendmail_exec(const struct sendmail *s, const char *tool, char **argv)
{
	char *path;

	if (asprintf(&path, "%s/%s", s->program_dir, tool) < 0)
		sendmail_fatal(EX_OSERR, "out of memory");
	execv(path, argv);
	sendmail_fatal(EX_OSFILE, "%s: %s", path, strerror(errno));
}

static void
run_tool(const struct sendmail *s, const char *tool, const char *option,
    const char *word)
{
	struct arena a;
	char *argv[6];
	size_t n = 0;

	arena_init(&a, 65536);
	argv[n++] = arena_cstr(&a, str_c(tool));
	argv[n++] = arena_cstr(&a, STR("-c"));
	argv[n++] = arena_cstr(&a, str_c(s->conf_dir));
	argv[n++] = arena_cstr(&a, str_c(option));
	if (word != NULL)
		argv[n++] = arena_cstr(&a, str_c(word));
	argv[n] = NULL;
	sendmail_exec(s, tool, argv);
}

/* postalias for the tables of alias_database. */
static void
rebuild_aliases(struct sendmail *s)
{
	struct arena *a = &s->arena;
	struct str rest, item;
	char *argv[TABLES_MAX + 4];
	size_t n = 0;

	read_conf(s);
	rest = s->aliases != NULL ? str_c(s->aliases)
	                          : conf_str(s->conf, PARAM_alias_database);
	argv[n++] = arena_cstr(a, STR("postalias"));
	argv[n++] = arena_cstr(a, STR("-c"));
	argv[n++] = arena_cstr(a, str_c(s->conf_dir));
	while (n < TABLES_MAX + 3 && dict_list_next(&rest, &item) == 0 &&
	       item.len > 0)
		argv[n++] = arena_cstr(a, item);
	argv[n] = NULL;
	if (n == 3)
		exit(EX_OK); /* there are none */
	sendmail_exec(s, "postalias", argv);
}

static void
need_recipients(const struct sendmail *s)
{
	if (s->nrecipients == 0 && !s->message.extract)
		sendmail_fatal(EX_USAGE,
		    "Recipient addresses must be specified on the command "
		    "line or via the -t option");
}

static struct content *
read_message(const struct sendmail *s)
{
	static struct sendmail_input in = {.fd = STDIN_FILENO};
	struct content *c = NULL;
	int r = sendmail_read(s->conf, &in,
	    s->dot_is_text ? SENDMAIL_END_FILE : SENDMAIL_END_DOT, &c);

	if (r == -EMSGSIZE)
		sendmail_fatal(EX_DATAERR, "message file too big");
	if (r == -ENOSPC || r == -EMFILE || r == -ENFILE || r == -ENOMEM)
		sendmail_fatal(EX_TEMPFAIL, "message: %s", strerror(-r));
	if (r < 0)
		sendmail_fatal(EX_IOERR, "standard input: %s", strerror(-r));
	return c;
}

static void
send_mail(struct sendmail *s)
{
	struct content *c;
	struct submit_done done;

	sendmail_envelope(s);
	need_recipients(s);
	read_conf(s);
	c = read_message(s);
	done = sendmail_send(s, c);
	content_unref(&c);
	if (done.exit_code != EX_OK)
		sendmail_fatal((int)done.exit_code, "%.*s", STR_ARG(done.text));
}

static void
run_mode(struct sendmail *s)
{
	switch (s->mode) {
	case SENDMAIL_MAIL:
		send_mail(s);
		return;
	case SENDMAIL_QUEUE:
		run_tool(s, "postqueue", "-p", NULL);
		return;
	case SENDMAIL_ALIASES:
		rebuild_aliases(s);
		return;
	case SENDMAIL_START:
		run_tool(s, "valija", "start", NULL);
		return;
	case SENDMAIL_FLUSH:
		if (s->flush_id.len > 0)
			run_tool(s, "postqueue", "-i",
			    arena_cstr(&s->arena, s->flush_id));
		if (s->flush_site.len > 0)
			run_tool(s, "postqueue", "-s",
			    arena_cstr(&s->arena, s->flush_site));
		run_tool(s, "postqueue", "-f", NULL);
		return;
	case SENDMAIL_NOTHING:
		return;
	case SENDMAIL_SMTP:
		read_conf(s);
		sendmail_smtp(s);
		return;
	case SENDMAIL_VERIFY:
		sendmail_envelope(s);
		need_recipients(s);
		read_conf(s);
		exit(sendmail_verify(s));
	}
}

int
main(int argc, char **argv)
{
	struct sendmail s = {.mode = SENDMAIL_MAIL};
	const char *env = getenv("MAIL_CONFIG");

	log_init("sendmail");
	arena_init(&s.arena, ARENA_MAX);
	s.conf_dir = env != NULL ? env : VALIJA_CONFIG;
	s.program_dir = own_directory(&s.arena);
	s.message.sender = s.message.full_name = s.message.envid = STR_NONE;
	s.flush_id = s.flush_site = STR_NONE;
	sendmail_options(&s, argc, argv);
	run_mode(&s);
	conf_free(&s.conf);
	arena_done(&s.arena);
	free(s.recipients);
	return EX_OK;
}
