/* SPDX-License-Identifier: ISC */
/* Lines and bytes over a socketpair; the peer is the test. */
#include "tap.h"

#include "base/clock.h"
#include "net/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct stream stream;
static int peer;

static int
setup(void **state)
{
	int fds[2], r = loop_init();

	(void)state;
	if (r < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds))
		return -1;
	peer = fds[1];
	return stream_init(&stream, fds[0]);
}

static int
teardown(void **state)
{
	(void)state;
	stream_done(&stream);
	if (peer >= 0)
		close(peer);
	return 0;
}

static void
say(const char *bytes, size_t n)
{
	assert_int_equal(write(peer, bytes, n), n);
}

/* What is written on the other side so far. */
static void
assert_heard(const char *text)
{
	char got[1024];
	ssize_t n = read(peer, got, sizeof(got) - 1);

	got[n < 0 ? 0 : n] = '\0';
	assert_string_equal(got, text);
}

/* ---- lines: everything that came, then the end ---- */

#define MAX 8

static struct buf seen; /* "line\n" each; C: with CRLF; !: too long */
static int last;

static void
read_lines(void *arg)
{
	(void)arg;
	for (;;) {
		struct str line;
		bool crlf;

		last = stream_read_line(&stream, MAX, &line, &crlf);
		if (last == -EMSGSIZE) {
			buf_add_c(&seen, "!\n");
			continue;
		}
		if (last < 0)
			return;
		if (crlf)
			buf_add_char(&seen, 'C');
		buf_add_str(&seen, line);
		buf_add_char(&seen, '\n');
	}
}

/* The peer sends `in` in pieces of `step` bytes and closes. */
struct script {
	struct str in;
	size_t step;
};

static void
send_script(void *arg)
{
	struct script *s = arg;

	while (s->in.len > 0) {
		struct str piece = str_sub(s->in, 0, s->step);

		if (write(peer, piece.p, piece.len) != (ssize_t)piece.len)
			abort();
		s->in = str_from(s->in, piece.len);
		task_yield();
		task_yield();
	}
	close(peer);
	peer = -1;
}

static void
check_lines(struct str in, const char *expected)
{
	for (size_t step = 1; step <= in.len; step++) {
		struct script s = {in, step};

		buf_init(&seen, 1 << 16);
		assert_int_equal(setup(NULL), 0);
		task_start(read_lines, NULL);
		task_start(send_script, &s);
		loop_run();
		assert_int_equal(last, -ECONNRESET);
		assert_string_equal(seen.p, expected);
		teardown(NULL);
		buf_done(&seen);
	}
}

#define CHECK_LINES(in, expected) check_lines(STR(in), expected)

static void
test_lines(void **state)
{
	(void)state;
	CHECK_LINES("a\r\nbc\r\n", "Ca\nCbc\n");
	CHECK_LINES("a\nb\r\n", "a\nCb\n");
	CHECK_LINES("\n\r\n\r\r\n", "\nC\nC\r\n");
	CHECK_LINES("a\rb\r\n", "Ca\rb\n");
	CHECK_LINES("no end", "");
	CHECK_LINES("a\r\nno end\r", "Ca\n");
	CHECK_LINES("12345678\r\n", "C12345678\n");
	CHECK_LINES("12345678\n", "12345678\n");
	CHECK_LINES("123456789\r\nx\r\n", "!\nCx\n");
	CHECK_LINES("123456789\nx\n", "!\nx\n");
	CHECK_LINES("12345678\rx\nyy\n", "!\nyy\n");
	CHECK_LINES("12345678\r\r\nyy\n", "!\nyy\n");
	CHECK_LINES("123456789012345678901234567890\r\n"
		    "123456789012345678901234567890\n12345678\r\n.\r\n",
	    "!\n!\nC12345678\nC.\n");
	CHECK_LINES("1234567890 and no end", "!\n");
}

static void
test_nul_is_a_byte(void **state)
{
	(void)state;
	buf_init(&seen, 100);
	say("a\0b\r\n", 5);
	close(peer);
	peer = -1;
	task_start(read_lines, NULL);
	loop_run();
	assert_int_equal(seen.len, 5);
	assert_memory_equal(seen.p, "Ca\0b\n", 5);
	buf_done(&seen);
}

/* ---- the largest line that is allowed ---- */

static void
read_big_line(void *arg)
{
	struct str line;
	bool crlf;

	last = stream_read_line(&stream, STREAM_LINE_MAX, &line, &crlf);
	*(bool *)arg = last == 0 && crlf && line.len == STREAM_LINE_MAX &&
	               line.p[0] == 'y' && line.p[line.len - 1] == 'y';
}

static void
test_big_line(void **state)
{
	static char big[STREAM_IN];
	bool is_good = false;

	(void)state;
	memset(big, 'y', sizeof(big));
	memcpy(big + STREAM_LINE_MAX, "\r\n", 2);
	say(big, sizeof(big));
	task_start(read_big_line, &is_good);
	loop_run();
	assert_true(is_good);
}

/* ---- peek ---- */

static void
peek_and_read(void *arg)
{
	struct str bytes;
	bool crlf;

	(void)arg;
	buf_init(&seen, 100);
	if (stream_peek(&stream, &bytes) == 0)
		buf_add_str(&seen, bytes);
	stream_consume(&stream, 2);
	buf_add_c(&seen, stream_has_input(&stream) ? "+" : "-");
	if (stream_read_line(&stream, 100, &bytes, &crlf) == 0)
		buf_add_str(&seen, bytes);
	buf_add_c(&seen, stream_has_input(&stream) ? "+" : "-");
}

static void
test_peek(void **state)
{
	(void)state;
	say("abcd\r\n", 6);
	task_start(peek_and_read, NULL);
	loop_run();
	assert_string_equal(seen.p, "abcd\r\n+cd-");
	buf_done(&seen);
}

/* ---- output gathers, and goes out before a wait ---- */

static void
answer(void *arg)
{
	struct str line;
	bool crlf;

	(void)arg;
	for (int i = 0;; i++) {
		last = stream_read_line(&stream, 100, &line, &crlf);
		if (last < 0)
			return;
		stream_writef(&stream, "%d %.*s\r\n", i, STR_ARG(line));
	}
}

static void
ask_twice(void *arg)
{
	(void)arg;
	say("a\r\nb\r\nc", 7);
	task_sleep(clock_after(5 * CLOCK_MS));
	assert_heard("0 a\r\n1 b\r\n");
	say("\r\nd\r\n", 5);
	task_sleep(clock_after(5 * CLOCK_MS));
	assert_heard("2 c\r\n3 d\r\n");
	close(peer);
	peer = -1;
}

static void
test_gathers(void **state)
{
	(void)state;
	task_start(answer, NULL);
	task_start(ask_twice, NULL);
	loop_run();
	assert_int_equal(last, -ECONNRESET);
}

/* ---- a lot of output against a peer that reads slowly ---- */

#define LOT (1000 * 1000)

static void
write_lot(void *arg)
{
	char *big = malloc(LOT);

	(void)arg;
	for (size_t i = 0; i < LOT; i++)
		big[i] = (char)('a' + i % 23);
	last = stream_write(&stream, str_n(big, 10));
	if (last == 0)
		last = stream_write(&stream, str_n(big + 10, STREAM_OUT));
	if (last == 0)
		last = stream_write(&stream,
		    str_n(big + 10 + STREAM_OUT, LOT - 10 - STREAM_OUT));
	if (last == 0)
		last = stream_writef(&stream, "%s", "end");
	if (last == 0)
		last = stream_flush(&stream);
	free(big);
}

static void
read_lot(void *arg)
{
	size_t got = 0;
	char bytes[3000];

	(void)arg;
	while (got < LOT + 3) {
		ssize_t n = read(peer, bytes, sizeof(bytes));

		for (ssize_t i = 0; i < n && got + (size_t)i < LOT; i++)
			if (bytes[i] != (char)('a' + (got + (size_t)i) % 23))
				abort();
		if (n > 0)
			got += (size_t)n;
		else
			task_yield();
	}
	*(size_t *)arg = got;
}

static void
test_lot(void **state)
{
	size_t got = 0;

	(void)state;
	task_start(write_lot, NULL);
	task_start(read_lot, &got);
	loop_run();
	assert_int_equal(last, 0);
	assert_int_equal(got, LOT + 3);
}

/* ---- a time-out leaves room for a last word; a reset does not ---- */

static int word, word_flushed, repeated;

static void
time_out(void *arg)
{
	struct str line;
	bool crlf;

	(void)arg;
	stream_deadline(&stream, clock_after(5 * CLOCK_MS));
	last = stream_read_line(&stream, 100, &line, &crlf);
	stream_deadline(&stream, clock_after(CLOCK_SEC));
	word = stream_writef(&stream, "421 bye\r\n");
	word_flushed = stream_flush(&stream);
}

static void
test_last_word(void **state)
{
	(void)state;
	task_start(time_out, NULL);
	loop_run();
	assert_int_equal(last, -ETIMEDOUT);
	assert_int_equal(word, 0);
	assert_int_equal(word_flushed, 0);
	assert_heard("421 bye\r\n");
}

static void
write_to_nobody(void *arg)
{
	struct str line;
	bool crlf;

	(void)arg;
	stream_writef(&stream, "hello\r\n");
	last = stream_flush(&stream);
	word = stream_writef(&stream, "421 bye\r\n");
	word_flushed = stream_flush(&stream);
	repeated = stream_read_line(&stream, 100, &line, &crlf);
}

static void
test_dead_stays_dead(void **state)
{
	(void)state;
	close(peer);
	peer = -1;
	task_start(write_to_nobody, NULL);
	loop_run();
	assert_int_equal(last, -ECONNRESET);
	assert_int_equal(word, -ECONNRESET);
	assert_int_equal(word_flushed, -ECONNRESET);
	assert_int_equal(repeated, -ECONNRESET);
}

static void
cancel_it(void *arg)
{
	task_cancel(arg);
}

static void
test_cancel(void **state)
{
	struct task *t = task_start(answer, NULL);

	(void)state;
	task_start(cancel_it, t);
	loop_run();
	assert_int_equal(last, -ECANCELED);
	assert_int_equal(stream.error, 0);
}

/* ---- idle: nothing is held, nothing is lost ---- */

static void
idle_between(void *arg)
{
	struct str line;
	bool crlf;

	(void)arg;
	buf_init(&seen, 100);
	for (int i = 0; i < 3; i++) {
		stream_idle(&stream);
		buf_add_char(&seen, stream.in.cap > 0 ? 'm' : '-');
		if (stream_read_line(&stream, 100, &line, &crlf) < 0)
			break;
		buf_add_str(&seen, line);
		stream_writef(&stream, "ok\r\n");
	}
}

static void
test_idle(void **state)
{
	(void)state;
	say("a\r\nb\r\n", 6);
	close(dup(peer));
	task_start(idle_between, NULL);
	assert_int_equal(shutdown(peer, SHUT_WR), 0);
	loop_run();
	assert_string_equal(seen.p, "-amb-");
	assert_heard("ok\r\nok\r\n");
	buf_done(&seen);
}

#define STREAM_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines),
	    STREAM_TEST(test_nul_is_a_byte),
	    STREAM_TEST(test_big_line),
	    STREAM_TEST(test_peek),
	    STREAM_TEST(test_gathers),
	    STREAM_TEST(test_lot),
	    STREAM_TEST(test_last_word),
	    STREAM_TEST(test_dead_stays_dead),
	    STREAM_TEST(test_cancel),
	    STREAM_TEST(test_idle),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
