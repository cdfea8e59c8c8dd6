/* SPDX-License-Identifier: ISC */
/* What sendmail(1) makes of its standard input, however it is cut. */
#include "mail/conf_help.h"

#include "sendmail.h"

#include <stdlib.h>
#include <errno.h>
#include <unistd.h>

#define WHOLE SENDMAIL_END_FILE
#define DOT   SENDMAIL_END_DOT
#define SMTP  SENDMAIL_END_SMTP

static const struct {
	const char *in;
	enum sendmail_end end;
	const char *want; /* NULL: cut short */
	const char *rest; /* the next line, or NULL */
} rows[] = {
    {"", DOT, "", NULL},
    {"\n", DOT, "\n", NULL},
    {"a: b\n\nbody\n", DOT, "a: b\n\nbody\n", NULL},
    {"no end", DOT, "no end\n", NULL},
    {"crlf\r\n\r\n", DOT, "crlf\n\n", NULL},
    {"bare\rcr\r\r\nx\r", DOT, "bare\rcr\r\nx\r\n", NULL},
    {"one\n.\ntwo\n", DOT, "one\n", "two"},
    {"one\r\n.\r\ntwo\n", DOT, "one\n", "two"},
    {".\none\n", DOT, "", "one"},
    {"one\n.\ntwo\n", WHOLE, "one\n.\ntwo\n", NULL},
    {"..\n.x\n. \n.\r\r\n.", DOT, "..\n.x\n. \n.\r\n.\n", NULL},
    {"one\n.", DOT, "one\n.\n", NULL},
    {"\r\n\r", DOT, "\n\r\n", NULL},
    {"one\n.\nQUIT\n", SMTP, "one\n", "QUIT"},
    {"one\r\n..two\r\n...\r\n.x\r\n.\r\n", SMTP, "one\n.two\n..\nx\n", NULL},
    {".\r\n", SMTP, "", NULL},
    {".\rx\n.\n", SMTP, "\rx\n", NULL},
    {"one\ntwo", SMTP, NULL, NULL},
    {"one\n.", SMTP, NULL, NULL},
    {"one\n.\r", SMTP, NULL, NULL},
    {"", SMTP, NULL, NULL},
};

static void
write_pieces(int fd, const char *in, size_t piece)
{
	size_t n = strlen(in);

	for (size_t at = 0; at < n; at += piece) {
		size_t part = n - at < piece ? n - at : piece;

		if (write(fd, in + at, part) < 0)
			_exit(1);
		if (piece < 3)
			usleep(500); /* so that it is read as cut */
	}
	_exit(0);
}

static void
open_pieces(struct sendmail_input *in, const char *text, size_t piece)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	if (fork() == 0)
		write_pieces(fds[1], text, piece);
	close(fds[1]);
	in->fd = fds[0];
	in->ahead = STR_NONE;
}

static void
check_row(const struct conf *conf, size_t row, size_t piece)
{
	static struct sendmail_input in;
	BUF_CLEANUP struct buf line = {0};
	struct content *c = NULL;
	struct str got;
	int r;

	buf_init(&line, 100);
	open_pieces(&in, rows[row].in, piece);
	r = sendmail_read(conf, &in, rows[row].end, &c);
	assert_int_equal(r, rows[row].want == NULL ? -ENODATA : 0);
	if (r == 0) {
		assert_int_equal(content_view(c, 0, &got), 0);
		assert_str(got, rows[row].want);
		content_unref(&c);
	}
	r = sendmail_read_line(&in, &line);
	assert_int_equal(r, rows[row].rest == NULL ? -ENODATA : 0);
	if (r == 0)
		assert_str(buf_str(&line), rows[row].rest);
	close(in.fd);
}

static void
test_rows(void **state)
{
	struct remarks said;
	struct conf *conf = conf_of("alias_maps =\n", &said);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t piece = 1; piece < 4; piece++)
			check_row(conf, i, piece);
	conf_free(&conf);
}

static void
test_too_big(void **state)
{
	static struct sendmail_input in;
	struct remarks said;
	struct conf *conf =
	    conf_of("alias_maps =\nmessage_size_limit = 10\n", &said);
	BUF_CLEANUP struct buf line = {0};
	struct content *c = NULL;

	(void)state;
	buf_init(&line, 4);
	open_pieces(
	    &in, "123456789\n.\n1234567890\nmore\n.\nlong line\nQUIT\n", 100);
	assert_int_equal(sendmail_read(conf, &in, SMTP, &c), 0);
	assert_int_equal(content_size(c), 10);
	content_unref(&c);
	assert_int_equal(sendmail_read(conf, &in, SMTP, &c), -EMSGSIZE);
	assert_int_equal(sendmail_read_line(&in, &line), -EMSGSIZE);
	assert_int_equal(sendmail_read_line(&in, &line), 0);
	assert_str(buf_str(&line), "QUIT");
	close(in.fd);
	conf_free(&conf);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_rows),
    cmocka_unit_test(test_too_big),
};
TAP_RUN(tests)
