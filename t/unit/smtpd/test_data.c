/* SPDX-License-Identifier: ISC */
/* The DATA parser against a slow one that looks at bytes one by one, over
 * every cut and all short strings of the bytes that matter. */
#include "guard.h"
#include "tap.h"

#include "data.h"

#include <stdlib.h>

struct result {
	char text[256];
	size_t len, used;
	bool ended, bare_lf, bare_cr;
};

/* RFC 5321 by the letter, on the whole input. */
static struct result
expect(struct str in)
{
	struct result r = {0};
	size_t start = 0;

	for (size_t i = 0; i < in.len; i++) {
		size_t end = i;

		if (in.p[i] != '\n' || i == 0 || in.p[i - 1] != '\r')
			continue;
		if (end == start + 2 && in.p[start] == '.') {
			r.ended = true;
			r.used = i + 1;
			in.len = i + 1;
			break;
		}
		start = i + 1;
	}
	if (!r.ended)
		r.used = in.len;
	return r;
}

static struct result
parse(struct str in, size_t cut)
{
	struct result r = {0};
	struct data d;

	data_init(&d);
	for (size_t at = 0; at < in.len && d.state != DATA_ENDED;) {
		size_t n = at < cut && cut < in.len ? cut - at : in.len - at;
		char *out = malloc(n + DATA_EXTRA);
		struct str block = guard_copy(str_sub(in, at, n));
		size_t len, used = data_parse(&d, block, out, &len);

		assert_true(len <= n + DATA_EXTRA);
		assert_true(used == n || d.state == DATA_ENDED);
		memcpy(r.text + r.len, out, len);
		r.len += len;
		at += used;
		guard_free(block);
		free(out);
	}
	r.used = (size_t)d.size;
	r.ended = d.state == DATA_ENDED;
	r.bare_lf = d.bare_lf;
	r.bare_cr = d.bare_cr;
	return r;
}

static const struct {
	const char *in, *out;
	bool ended, bare_lf, bare_cr;
} cases[] = {
    {".\r\n", "", true, false, false},
    {"a\r\n.\r\n", "a\n", true, false, false},
    {"\r\n.\r\n", "\n", true, false, false},
    {"..\r\n.\r\n", ".\n", true, false, false},
    {"...\r\n.\r\n", "..\n", true, false, false},
    {".a\r\n.\r\n", "a\n", true, false, false},
    {"a.\r\n.\r\n", "a.\n", true, false, false},
    {"a", "a", false, false, false},
    {"a\n.\n", "a\n.\n", false, true, false},
    {"a\n.\r\n.\r\n", "a\n.\n", true, true, false},
    {"a\r\n.\n.\r\n", "a\n\n.\n", false, true, false},
    {"a\r.\r\n.\r\n", "a .\n", true, false, true},
    {"a\r\r\n.\r\n", "a\n", true, false, true},
    {"a\r\n.\r\r\n.\r\n", "a\n\n", true, false, true},
    {"a\r\n.\r.\r\n.\r\n", "a\n .\n", true, false, true},
    {"a\rb\r\n.\r\n", "a b\n", true, false, true},
    {"\r", "", false, false, false},
    {"\n.\r\n.\r\n", "\n.\n", true, true, false},
};

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str in = str_c(cases[i].in);

		for (size_t cut = 0; cut <= in.len; cut++) {
			struct result r = parse(in, cut);

			assert_str(str_n(r.text, r.len), cases[i].out);
			assert_int_equal(r.ended, cases[i].ended);
			assert_int_equal(r.bare_lf, cases[i].bare_lf);
			assert_int_equal(r.bare_cr, cases[i].bare_cr);
		}
	}
}

/* What comes out is clean: LF ends lines and there is no CR. */
static void
check_output(const struct result *r, struct str in)
{
	for (size_t i = 0; i < r->len; i++)
		assert_int_not_equal(r->text[i], '\r');
	if (r->ended) {
		assert_true(r->used >= 3);
		assert_memory_equal(in.p + r->used - 3, ".\r\n", 3);
		assert_true(
		    r->used == 3 || memcmp(in.p + r->used - 5, "\r\n", 2) == 0);
	}
}

/* All strings of 2 to 6 of the bytes, between text and a real end. */
static void
test_smuggling(void **state)
{
	static const char bytes[] = {'\r', '\n', '.', ' '};

	(void)state;
	for (size_t len = 2; len <= 6; len++) {
		for (size_t n = 0; n < (size_t)1 << (2 * len); n++) {
			char text[64] = "x\r\ny";
			size_t at = 4;
			struct result want, whole;
			struct str in;

			for (size_t i = 0; i < len; i++)
				text[at++] = bytes[n >> (2 * i) & 3];
			memcpy(text + at, "MAIL\r\n.\r\n", 9);
			in = str_n(text, at + 9);
			want = expect(in);
			whole = parse(in, 0);
			assert_int_equal(whole.ended, want.ended);
			assert_int_equal(whole.used, want.used);
			check_output(&whole, in);
			for (size_t cut = 4; cut <= 5 + len; cut++) {
				struct result part = parse(in, cut);

				assert_memory_equal(
				    &part, &whole, sizeof(part));
			}
		}
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_cases),
    cmocka_unit_test(test_smuggling),
};
TAP_RUN(tests)
