/* SPDX-License-Identifier: ISC */
/* valija_where - the place of a suite, from a main.cf that has an error. */
#include "valija.h"

#include "base/file.h"
#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX (4 * 1024 * 1024)

static bool
says_where(struct str line)
{
	static const char *const names[] = {"queue_directory", "maillog_file",
	    "maillog_file_prefixes", "syslog_name", "syslog_facility"};
	struct str name;

	if (!str_cut(line, '=', &name, NULL))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_eq(str_trim(name), str_c(names[i])))
			return true;
	return false;
}

struct conf *
valija_where(const char *conf_dir)
{
	BUF_CLEANUP struct buf text = {0}, kept = {0};
	struct str rest, line;
	struct conf *c;
	char *path;

	buf_init(&text, FILE_MAX);
	buf_init(&kept, FILE_MAX);
	if (asprintf(&path, "%s/main.cf", conf_dir) < 0)
		log_fatal("out of memory");
	file_read(AT_FDCWD, path, &text);
	free(path);
	rest = buf_str(&text);
	while (str_line(&rest, &line))
		if (says_where(line))
			buf_addf(&kept, "%.*s\n", STR_ARG(line));
	c = conf_from_text(conf_dir, buf_str(&kept), STR_NONE, NULL, NULL);
	if (c == NULL)
		c = conf_from_text(conf_dir, STR_NONE, STR_NONE, NULL, NULL);
	if (c == NULL)
		log_fatal("%s cannot be read", conf_dir);
	return c;
}
