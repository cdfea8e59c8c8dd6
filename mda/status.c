/* SPDX-License-Identifier: ISC */
/* status - exit statuses in Postfix's words.  Owns nothing. */
#include "status.h"

#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#define DSN_ROOM 12 /* "5.999.999" */

static const struct exit_row {
	int status;
	const char *dsn;
	const char *text;
} rows[] = {
    {EX_USAGE, "5.3.0", "command line usage error"},
    {EX_DATAERR, "5.6.0", "data format error"},
    {EX_NOINPUT, "5.3.0", "cannot open input"},
    {EX_NOUSER, "5.1.1", "user unknown"},
    {EX_NOHOST, "5.1.2", "host name unknown"},
    {EX_UNAVAILABLE, "5.3.0", "service unavailable"},
    {EX_SOFTWARE, "5.3.0", "internal software error"},
    {EX_OSERR, "4.3.0", "system resource problem"},
    {EX_OSFILE, "5.3.0", "critical OS file missing"},
    {EX_CANTCREAT, "5.2.0", "can't create user output file"},
    {EX_IOERR, "5.3.0", "input/output error"},
    {EX_TEMPFAIL, "4.3.0", "temporary failure"},
    {EX_PROTOCOL, "5.5.0", "remote error in protocol"},
    {EX_NOPERM, "5.7.0", "permission denied"},
    {EX_CONFIG, "5.3.5", "local configuration error"},
};

static const struct exit_row *
find_row(int status)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].status == status)
			return &rows[i];
	return NULL;
}

/* "4.2.2": class, subject and detail. */
static bool
is_dsn(struct str s)
{
	for (int i = 0; i < 3; i++) {
		struct str part;
		uint64_t n;

		if (str_cut(s, '.', &part, &s) != (i < 2) || part.len > 3 ||
		    str_parse_u64(part, 999, &n) < 0)
			return false;
		if (i == 0 && n != 4 && n != 5)
			return false;
	}
	return true;
}

/* What it printed is "4.2.2 mailbox full". */
static bool
parse_dsn(struct str output, char ret_dsn[DSN_ROOM], struct str *ret_text)
{
	struct str code = str_word(&output, " \t\r\n");

	*ret_text = str_trim(output);
	if (code.len >= DSN_ROOM || !is_dsn(code) || str_is_empty(*ret_text))
		return false;
	memcpy(ret_dsn, code.p, code.len);
	ret_dsn[code.len] = '\0';
	return true;
}

/* The command and what it printed, as it ends most of the texts. */
static void
tell_died(struct delivery *d, const char *dsn, const char *how, int number,
    struct str output)
{
	delivery_refused(d, dsn, "Command died with %s %d: \"%.*s\"%s%.*s", how,
	    number, STR_ARG(d->action->path),
	    str_is_empty(output) ? "" : ". Command output: ", STR_ARG(output));
}

void
status_tell(struct delivery *d, int status, struct str output)
{
	char dsn[DSN_ROOM];
	const struct exit_row *row;
	struct str text;

	output = str_trim(output);
	if (WIFSIGNALED(status)) {
		tell_died(d, "4.3.0", "signal", WTERMSIG(status), output);
		return;
	}
	if (WEXITSTATUS(status) == 0) {
		delivery_sent(
		    d, "delivered to command: %.*s", STR_ARG(d->action->path));
		return;
	}
	row = find_row(WEXITSTATUS(status));
	if (parse_dsn(output, dsn, &text))
		delivery_refused(d, dsn, "%.*s", STR_ARG(text));
	else if (row != NULL)
		delivery_refused(d, row->dsn, "%s%s%.*s", row->text,
		    str_is_empty(output) ? "" : ". Command output: ",
		    STR_ARG(output));
	else
		tell_died(d, "5.3.0", "status", WEXITSTATUS(status), output);
}
