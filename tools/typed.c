/* SPDX-License-Identifier: ISC */
/* typed - by readpassphrase(3), or read(2): stdio would keep a copy. */
#include "typed.h"

#include <errno.h>
#include <readpassphrase.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

static int
fail(int code, const char *text, const char **ret_why)
{
	*ret_why = text;
	return code;
}

static bool
is_shown(struct str s)
{
	for (size_t i = 0, n; i < s.len; i += n) {
		n = str_shown_len(str_from(s, i));
		if (n == 0)
			return false;
	}
	return true;
}

static int
take(struct str password, struct buf *ret, const char **ret_why)
{
	if (password.len == 0)
		return fail(EX_DATAERR, "an empty password is none", ret_why);
	if (!is_shown(password))
		return fail(EX_DATAERR,
		    "a password is of UTF-8 and has no control characters",
		    ret_why);
	if (buf_add_str(ret, password) < 0)
		return fail(EX_DATAERR, "the password is too long", ret_why);
	return 0;
}

int
typed_twice(struct buf *ret, const char **ret_why)
{
	char first[LINE_MAX_BYTES], second[LINE_MAX_BYTES];
	int r;

	if (readpassphrase(
		"Password: ", first, sizeof(first), RPP_REQUIRE_TTY) == NULL ||
	    readpassphrase("The same again: ", second, sizeof(second),
		RPP_REQUIRE_TTY) == NULL)
		r = fail(EX_NOINPUT,
		    "there is no terminal to ask at: use --stdin", ret_why);
	else if (strcmp(first, second) != 0)
		r = fail(EX_DATAERR, "the two are not the same", ret_why);
	else
		r = take(str_c(first), ret, ret_why);
	explicit_bzero(first, sizeof(first));
	explicit_bzero(second, sizeof(second));
	return r;
}

/* Up to the line's end, or the input's, or `max` bytes; -1: there is none. */
static ssize_t
read_line(char *ret, size_t max)
{
	size_t at = 0;
	ssize_t n = 1;

	while (at < max && n > 0) {
		n = read(STDIN_FILENO, ret + at, 1);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0 && ret[at] == '\n')
			return (ssize_t)at;
		else if (n > 0)
			at++;
	}
	return n < 0 || at == 0 ? -1 : (ssize_t)at;
}

int
typed_stdin(struct buf *ret, const char **ret_why)
{
	char line[LINE_MAX_BYTES];
	ssize_t n = read_line(line, sizeof(line));
	struct str text;
	int r;

	if (n < 0)
		return fail(EX_NOINPUT,
		    "there is no password on standard input", ret_why);
	text = str_n(line, (size_t)n);
	if (str_has_suffix(text, STR("\r")))
		text.len--;
	r = take(text, ret, ret_why);
	explicit_bzero(line, sizeof(line));
	return r;
}
