/* SPDX-License-Identifier: ISC */
/*
 * param_mdoc - prints valija-main.cf(5) from the table of parameters, when
 * the suite is built.  Between head and tail, which are files, stands an item
 * a row.
 */
#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "mail/param.h"

#include <errno.h>
#include <fcntl.h>

#define FILE_MAX (256 * 1024)

static void
print_file(const char *path)
{
	BUF_CLEANUP struct buf text = {0};
	buf_init(&text, FILE_MAX);
	int r = file_read(AT_FDCWD, path, &text);

	if (r != 0)
		log_fatal("%s: %s", path, strerror(-r));
	(void)fwrite(text.p, 1, text.len, stdout);
}

/* Text of the table as mdoc text: one line a sentence's part. */
static void
print_text(const char *text)
{
	bool at_start = true;

	for (; *text != '\0'; text++) {
		if (at_start && (*text == '.' || *text == '\''))
			(void)fputs("\\&", stdout);
		at_start = *text == '\n';
		if (*text == '\\')
			(void)fputs("\\e", stdout);
		else if (*text == '"')
			(void)fputs("\\(dq", stdout);
		else
			(void)putchar(*text);
	}
}

static const char *
type_word(enum param_type type)
{
	switch (type) {
	case PARAM_STR:
	case PARAM_WORD:
		return "text";
	case PARAM_BOOL:
		return "yes or no";
	case PARAM_INT:
		return "number";
	case PARAM_SIZE:
		return "bytes";
	case PARAM_TIME:
		return "time";
	case PARAM_FEEDBACK:
		return "number or quotient";
	case PARAM_LIST:
		return "list";
	case PARAM_MAPS:
		return "tables";
	case PARAM_RESTRICTIONS:
		return "restrictions";
	case PARAM_RAW:
		return "text, in which $names are not expanded";
	case PARAM_GONE:
	case PARAM_MOOT:
		return "";
	}
	return "";
}

static void
print_working(const struct param_row *row)
{
	(void)printf(
	    ".It Va %s Pq %s; default: ", row->name, type_word(row->type));
	if (row->def[0] == '\0')
		(void)fputs("empty\n", stdout);
	else {
		(void)fputs("\"", stdout);
		print_text(row->def);
		(void)fputs("\"\n", stdout);
	}
	print_text(row->text);
	(void)fputs(".\n", stdout);
}

static void
print_list(bool working)
{
	for (unsigned p = 0; p < PARAM_COUNT; p++) {
		const struct param_row *row = &param_table[p];
		if (param_works((enum param)p) != working)
			continue;
		if (working) {
			print_working(row);
			continue;
		}
		(void)printf(".It Va %s\n", row->name);
		print_text(row->text);
		(void)fputs(".\n", stdout);
	}
}

int
main(int argc, char **argv)
{
	log_init("param_mdoc");
	if (argc != 3)
		log_fatal("usage: param_mdoc head tail");
	print_file(argv[1]);
	(void)fputs(".Sh PARAMETERS\n.Bl -tag -width Ds\n", stdout);
	print_list(true);
	(void)fputs(".El\n.Sh PARAMETERS WITHOUT EFFECT\n"
		    "These are known, so that a\n.Pa main.cf\nwritten for "
		    "Postfix is read whole.\n.Bl -tag -width Ds\n",
	    stdout);
	print_list(false);
	(void)fputs(".El\n", stdout);
	print_file(argv[2]);
	return fflush(stdout) == 0 ? 0 : 1;
}
