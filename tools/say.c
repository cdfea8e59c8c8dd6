/* SPDX-License-Identifier: ISC */
/* say - to a person and to the log. */
#include "say.h"

#include "base/log.h"
#include "mail/log_target.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *name;
static bool has_log;

void
say_init(const char *program)
{
	name = program;
	log_init(program);
}

void
say_open(const struct conf *c)
{
	BUF_CLEANUP struct buf why = {0};
	enum log_target target;
	int fd;

	log_target_names(c);
	buf_init(&why, LOG_LINE_MAX);
	fd = log_target_open(c, &target, &why);
	if (fd < 0) /* a user who may not, or nobody listens */
		return;
	log_open(target, fd);
	has_log = true;
}

static void
say(const char *level, const char *fmt, va_list ap)
{
	char text[LOG_LINE_MAX];

	vsnprintf(text, sizeof(text), fmt, ap);
	fflush(stdout);
	fprintf(stderr, "%s: %s%s\n", name, level, text);
	if (has_log)
		log_info("%s%s", level, text);
}

void
say_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
}

void
say_warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("warning: ", fmt, ap);
	va_end(ap);
}

void
say_fatal(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("fatal: ", fmt, ap);
	va_end(ap);
	log_flush();
	exit(code);
}

struct conf *
say_conf(const char *dir, int code)
{
	const char *env = getenv("MAIL_CONFIG");
	struct conf *c;

	if (dir == NULL)
		dir = env != NULL ? env : VALIJA_CONFIG;
	c = conf_read(dir, NULL, NULL);
	if (c == NULL)
		say_fatal(code,
		    "the configuration in %s has an error: see valija check",
		    dir);
	say_open(c);
	return c;
}
