/* SPDX-License-Identifier: ISC */
/*
 * What DATA carries, for one content cut at every place: a stream whose
 * output is read back from its buffer.
 */
#include "tap.h"
#include "wire.h"

#include "body.h"

static struct str
write_in_two(struct str content, size_t cut, size_t limit)
{
	struct body b;

	buf_reset(&wire_out.out);
	body_init(&b, &wire_out, limit);
	assert_int_equal(body_write(&b, str_sub(content, 0, cut)), 0);
	assert_int_equal(body_write(&b, str_from(content, cut)), 0);
	assert_int_equal(body_end(&b), 0);
	return buf_str(&wire_out.out);
}

static void
test_stuffing(void **state)
{
	static const struct {
		const char *content, *wire;
		size_t limit;
	} rows[] = {
	    {"", ".\r\n", 0},
	    {"a\n", "a\r\n.\r\n", 0},
	    {"a", "a\r\n.\r\n", 0},
	    {"a\n\n\n", "a\r\n\r\n\r\n.\r\n", 0},
	    {".\n", "..\r\n.\r\n", 0},
	    {".", "..\r\n.\r\n", 0},
	    {"..\n.a\nb.\n", "...\r\n..a\r\nb.\r\n.\r\n", 0},
	    {"a\n.\nb\n", "a\r\n..\r\nb\r\n.\r\n", 0},
	    {"a\r\n.\r\nb", "a \r\n.. \r\nb\r\n.\r\n", 0},
	    {"a\rb\n\r.\n", "a b\r\n .\r\n.\r\n", 0},
	    {"\r", " \r\n.\r\n", 0},
	    {"\r\r\r\n", "   \r\n.\r\n", 0},
	    {"abcdefgh\n", "abcdefgh\r\n.\r\n", 8},
	    {"abcdefghi\n", "abcdefgh\r\n i\r\n.\r\n", 8},
	    {"abcdefghijklmnopq\n", "abcdefgh\r\n ijklmno\r\n pq\r\n.\r\n", 8},
	    {"........x\n", ".........\r\n x\r\n.\r\n", 8},
	    {"abcdefgh.\n", "abcdefgh\r\n .\r\n.\r\n", 8},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str content = str_c(rows[i].content);
		for (size_t cut = 0; cut <= content.len; cut++) {
			struct str got =
			    write_in_two(content, cut, rows[i].limit);
			if (!str_eq(got, str_c(rows[i].wire)))
				fail_msg("row %zu, cut at %zu: \"%.*s\"", i,
				    cut, STR_ARG(got));
		}
	}
}

/* All texts of six bytes over CR, LF, dot and a letter: CR and LF come out
 * together or not at all, and the only line that is a dot is the last. */
static void
test_no_smuggling(void **state)
{
	static const char bytes[] = "\r\n.x";
	char content[6];

	(void)state;
	for (unsigned n = 0; n < 1u << 12; n++) {
		for (unsigned i = 0; i < 6; i++)
			content[i] = bytes[n >> 2 * i & 3];
		struct str wire = write_in_two(str_n(content, 6), n % 7, 0);
		for (size_t i = 0; i < wire.len; i++) {
			bool cr = i > 0 && wire.p[i - 1] == '\r';
			assert_int_equal(wire.p[i] == '\n', cr);
		}
		ptrdiff_t end = str_find_str(wire, STR("\r\n.\r\n"));
		bool only_dot = str_eq(wire, STR(".\r\n"));
		assert_true(only_dot || end == (ptrdiff_t)wire.len - 5);
		assert_false(str_has_prefix(wire, STR(".\r\n")) && !only_dot);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_stuffing),
    cmocka_unit_test(test_no_smuggling),
};

int
main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, wire_begin, wire_end);
}
