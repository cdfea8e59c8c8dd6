/* SPDX-License-Identifier: ISC */
/*
 * valija_log - `log`: the lives of messages, from the log.
 *
 *	valija log [-f file]... queue-id | address | message-id
 */
#include "valija.h"

#include "lives.h"
#include "log_line.h"
#include "log_source.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define NOT_FOUND 1

static void
warn(const char *path, int error)
{
	fprintf(stderr, "valija: warning: %s: %s\n", path, strerror(-error));
}

static int
usage(void)
{
	fprintf(stderr, "usage: valija [-c dir] log [-f file]... "
			"queue-id | address | message-id\n");
	return EX_USAGE;
}

/* What the suite's lines went to, and what was rotated away from it. */
static int
open_own_log(struct log_source *s, const char *conf_dir)
{
	struct conf *c = conf_read(conf_dir, NULL, NULL);
	char *path;
	int r;

	if (c == NULL)
		c = valija_where(conf_dir);
	path = strndup(conf_str(c, PARAM_maillog_file).p,
	    conf_str(c, PARAM_maillog_file).len);
	conf_free(&c);
	if (path == NULL)
		log_fatal("out of memory");
	if (strcmp(path, "/dev/stdout") == 0) {
		fprintf(stderr, "valija: fatal: the log goes to standard "
				"output: give what was kept of it with -f\n");
		free(path);
		return EX_NOINPUT;
	}
	r = path[0] != '\0' ? log_source_add_rotated(s, path, warn)
	                    : log_source_add_journal(s);
	if (r < 0 && path[0] != '\0')
		fprintf(stderr, "valija: fatal: %s: %s\n", path, strerror(-r));
	else if (r < 0)
		fprintf(stderr,
		    "valija: fatal: maillog_file is not set, and the journal "
		    "cannot be read (%s): give a log with -f\n",
		    r == -ENOENT ? "there is no journalctl" : strerror(-r));
	free(path);
	return r < 0 ? EX_NOINPUT : 0;
}

static int
open_source(struct valija *v, struct log_source *s)
{
	bool has_files = false;
	int option, r;

	optind = 1;
	while ((option = getopt(v->argc, v->argv, "f:")) != -1) {
		if (option != 'f')
			return usage();
		has_files = true;
		r = log_source_add(s, optarg);
		if (r == 0)
			continue;
		fprintf(
		    stderr, "valija: fatal: %s: %s\n", optarg, strerror(-r));
		return EX_NOINPUT;
	}
	if (v->argc - optind != 1)
		return usage();
	return has_files ? 0 : open_own_log(s, v->conf_dir);
}

static void
take_line(void *arg, struct str line)
{
	lives_line(arg, line);
}

/* What of the log cannot be read is said once; the rest is read. */
static int
read_all(struct log_source *s, struct lives *l)
{
	const char *path;
	int r;

	do {
		lives_begin(l);
		r = log_source_each(s, take_line, l, &path);
	} while (lives_has_learnt(l));
	if (r < 0)
		fprintf(stderr, "valija: error: %s: %s\n", path,
		    r == -EBADMSG ? "damaged" : strerror(-r));
	return r;
}

/* "<a@b>" is a@b.  False: nothing that a log has lines about. */
static bool
parse_question(const char *text, struct str *ret_id, struct str *ret_who)
{
	struct str s = str_c(text);

	*ret_id = *ret_who = STR_NONE;
	if (log_line_is_id(s)) {
		*ret_id = s;
		return true;
	}
	if (s.len > 2 && s.p[0] == '<' && s.p[s.len - 1] == '>')
		*ret_who = str_sub(s, 1, s.len - 2);
	else if (str_has_char(s, '@'))
		*ret_who = s;
	return ret_who->len > 0;
}

static int
show(struct log_source *s, struct lives *l)
{
	int r = read_all(s, l);
	size_t n = lives_print(l, stdout);

	if (fflush(stdout) == EOF) {
		fprintf(stderr, "valija: fatal: standard output: %s\n",
		    strerror(errno));
		return EX_IOERR;
	}
	if (lives_is_cut(l))
		fprintf(stderr,
		    "valija: error: there is more than can be shown: this "
		    "came first; ask for less\n");
	if (r < 0)
		return EX_IOERR;
	if (lives_is_cut(l))
		return EX_DATAERR;
	return n > 0 ? EX_OK : NOT_FOUND;
}

int
valija_log(struct valija *v)
{
	struct log_source *s = log_source_new();
	struct lives *l;
	struct str id, who;
	int r = open_source(v, s);

	if (r == 0 && !parse_question(v->argv[optind], &id, &who)) {
		fprintf(stderr,
		    "valija: fatal: %s: neither a queue id nor an address nor "
		    "a <message-id>\n",
		    v->argv[optind]);
		r = EX_USAGE;
	}
	if (r == 0) {
		l = lives_new(id, who);
		r = show(s, l);
		lives_free(&l);
	}
	log_source_free(&s);
	return r;
}
