/* SPDX-License-Identifier: ISC */
/* postlog - lines of scripts in the log of the mail system: postlog(1). */
#include "base/log.h"
#include "mail/conf.h"
#include "mail/log_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct postlog {
	const char *conf_dir;
	const char *tag;   /* NULL: as a program of the suite */
	const char *level; /* "warning: " ... */
	int exit_wait;     /* seconds, as Postfix has it */
};

static void
usage(void)
{
	log_fatal("usage: postlog [-iv] [-c config_dir] [-p priority] [-t tag] "
		  "[text...]");
}

static void
set_level(struct postlog *p, const char *name)
{
	static const struct {
		const char *name, *level;
		int exit_wait;
	} levels[] = {
	    {"info", "", 0},
	    {"warn", "warning: ", 0},
	    {"warning", "warning: ", 0},
	    {"error", "error: ", 0},
	    {"err", "error: ", 0},
	    {"fatal", "fatal: ", 1},
	    {"crit", "fatal: ", 1},
	    {"panic", "panic: ", 1},
	};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcmp(levels[i].name, name) == 0) {
			p->level = levels[i].level;
			p->exit_wait = levels[i].exit_wait;
			return;
		}
	log_fatal("bad severity: %s", name);
}

static void
open_log(const struct postlog *p)
{
	const char *env = getenv("MAIL_CONFIG");
	const char *dir = env != NULL ? env : VALIJA_CONFIG;
	BUF_CLEANUP struct buf why = {0};
	enum log_target target;
	struct conf *c;
	int fd;

	if (p->conf_dir != NULL)
		dir = p->conf_dir;
	c = conf_read(dir, NULL, NULL);
	if (c == NULL)
		log_fatal("the configuration in %s has an error", dir);
	buf_init(&why, LOG_LINE_MAX);
	log_target_names(c);
	fd = log_target_open(c, &target, &why);
	if (fd < 0)
		log_fatal("%s", why.p);
	if (p->tag != NULL) { /* verbatim */
		log_init(p->tag);
		log_name(STR_NONE);
	}
	log_open(target, fd);
	conf_free(&c);
}

static void
put(const struct postlog *p, const char *text)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "%s: %s%s\n",
		    p->tag != NULL ? p->tag : "postlog", p->level, text);
	log_info("%s%s", p->level, text);
}

static void
put_words(const struct postlog *p, int argc, char **argv)
{
	BUF_CLEANUP struct buf line = {0};

	buf_init(&line, LOG_LINE_MAX);
	for (int i = 0; i < argc; i++) {
		if (i > 0)
			(void)buf_add_char(&line, ' ');
		(void)buf_add_c(&line, argv[i]);
	}
	put(p, line.p);
}

static void
put_input(const struct postlog *p)
{
	char line[LOG_LINE_MAX];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		put(p, line);
		log_flush();
	}
}

int
main(int argc, char **argv)
{
	struct postlog p = {.level = ""};
	int option;

	log_init("postlog");
	while ((option = getopt(argc, argv, "c:ip:t:v")) != -1) {
		if (option == 'c')
			p.conf_dir = optarg;
		else if (option == 'p')
			set_level(&p, optarg);
		else if (option == 't')
			p.tag = optarg;
		else if (option != 'i' && option != 'v')
			usage();
	}
	open_log(&p);
	if (optind < argc)
		put_words(&p, argc - optind, argv + optind);
	else
		put_input(&p);
	log_flush();
	if (p.exit_wait > 0)
		sleep((unsigned)p.exit_wait);
	return EXIT_SUCCESS;
}
