/* SPDX-License-Identifier: ISC */
/* What sendmail(1) makes of its standard input, however it is cut. */
#include "mail/conf_help.h"

#include "sendmail.h"

#include <setjmp.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

static jmp_buf out;
static int exit_code;

/* In the place of sendmail.c's, which ends the process. */
void
sendmail_fatal(int code, const char *fmt, ...)
{
	(void)fmt;
	exit_code = code;
	longjmp(out, 1);
}

static const struct {
	const char *in;
	bool dot_is_text;
	const char *want;
} rows[] = {
    {"", false, ""},
    {"\n", false, "\n"},
    {"a: b\n\nbody\n", false, "a: b\n\nbody\n"},
    {"no end", false, "no end\n"},
    {"crlf\r\n\r\n", false, "crlf\n\n"},
    {"bare\rcr\r\r\nx\r", false, "bare\rcr\r\nx\r\n"},
    {"one\n.\ntwo\n", false, "one\n"},
    {"one\r\n.\r\ntwo\n", false, "one\n"},
    {".\none\n", false, ""},
    {"one\n.\ntwo\n", true, "one\n.\ntwo\n"},
    {"..\n.x\n. \n.\r\r\n.", false, "..\n.x\n. \n.\r\n.\n"},
    {"one\n.", false, "one\n.\n"},
    {"\r\n\r", false, "\n\r\n"},
};

static struct content *
read_pieces(struct sendmail *s, const char *in, size_t piece)
{
	int fds[2];
	pid_t pid;
	struct content *c;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		size_t n = strlen(in);

		for (size_t at = 0; at < n; at += piece) {
			size_t part = n - at < piece ? n - at : piece;

			if (write(fds[1], in + at, part) < 0)
				_exit(1);
			if (piece < 3)
				usleep(500); /* so that it is read as cut */
		}
		_exit(0);
	}
	close(fds[1]);
	c = sendmail_read(s, fds[0]);
	close(fds[0]);
	return c;
}

static void
test_rows(void **state)
{
	struct remarks said;
	struct sendmail s = {.conf = conf_of("alias_maps =\n", &said)};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (size_t piece = 1; piece < 4; piece++) {
			struct content *c;
			struct str got;

			s.dot_is_text = rows[i].dot_is_text;
			c = read_pieces(&s, rows[i].in, piece);
			assert_int_equal(content_view(c, 0, &got), 0);
			assert_str(got, rows[i].want);
			content_unref(&c);
		}
	}
	conf_free(&s.conf);
}

static void
test_too_big(void **state)
{
	struct remarks said;
	struct sendmail s = {.dot_is_text = true};

	(void)state;
	s.conf = conf_of("alias_maps =\nmessage_size_limit = 10\n", &said);
	if (setjmp(out) == 0) {
		struct content *c = read_pieces(&s, "123456789\n", 100);

		assert_int_equal(content_size(c), 10);
		content_unref(&c);
		read_pieces(&s, "1234567890\n", 100);
		fail();
	}
	assert_int_equal(exit_code, EX_DATAERR);
	conf_free(&s.conf);
}

/* What ends sendmail(1) ends a test by a jump, and what it held is leaked. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_rows),
    cmocka_unit_test(test_too_big),
};
TAP_RUN(tests)
