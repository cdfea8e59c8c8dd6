/* SPDX-License-Identifier: ISC */
#include "guard.h"
#include "tap.h"

#include "resolver.h"

#include <string.h>

static void
test_list(void **state)
{
	BUF_CLEANUP struct buf why = {0};
	struct resolvers r;

	(void)state;
	buf_init(&why, 1000);
	assert_int_equal(resolvers_parse(&r,
			     STR("127.0.0.1:5353, [::1]:53 192.0.2.1\t::1,"
				 "[2001:db8::1], 127.0.0.53"),
			     &why),
	    0);
	assert_int_equal(r.n, 6);
	assert_string_equal(r.list[0].text, "127.0.0.1:5353");
	assert_string_equal(r.list[1].text, "[::1]:53");
	assert_string_equal(r.list[2].text, "192.0.2.1:53");
	assert_string_equal(r.list[3].text, "[::1]:53");
	assert_string_equal(r.list[4].text, "[2001:db8::1]:53");
	assert_true(r.list[0].trusted);
	assert_true(r.list[1].trusted);
	assert_false(r.list[2].trusted);
	assert_false(r.list[4].trusted);
	assert_false(r.list[5].trusted);
	assert_int_equal(resolvers_parse(&r, STR(""), &why), 0);
	assert_int_equal(r.n, 0);
}

static void
test_list_refused(void **state)
{
	static const char *const bad[] = {"localhost", "127.0.0.1:", "1.2.3",
	    "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", "[::1]53", "[::1",
	    "[127.0.0.1:53", "::1:53x", ":53", "[]:53", "127.0.0.1 ns.example"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		BUF_CLEANUP struct buf why = {0};
		struct resolvers r;
		buf_init(&why, 1000);
		struct str in = guard_copy(str_c(bad[i]));
		if (resolvers_parse(&r, in, &why) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
		guard_free(in);
		assert_true(why.len > 0);
	}
}

static void
test_file(void **state)
{
	struct resolvers r;

	(void)state;
	resolvers_parse_file(
	    &r, STR("# a comment\nsearch example.org\n nameserver 192.0.2.1\n"
		    "nameserver\t2001:db8::1 \nnameserver fe80::1%eth0\n"
		    "nameserver ns.example\nnameservers 192.0.2.9\n"
		    "options trust-ad\nnameserver 127.0.0.1"));
	assert_int_equal(r.n, 3);
	assert_string_equal(r.list[0].text, "192.0.2.1:53");
	assert_string_equal(r.list[1].text, "[2001:db8::1]:53");
	assert_string_equal(r.list[2].text, "127.0.0.1:53");
	resolvers_parse_file(&r, STR_NONE);
	assert_int_equal(r.n, 1);
	assert_string_equal(r.list[0].text, "127.0.0.1:53");

	char many[2000] = "";
	for (int i = 0; i < 40; i++)
		strlcat(many, "nameserver 192.0.2.1\n", sizeof(many));
	resolvers_parse_file(&r, str_c(many));
	assert_int_equal(r.n, RESOLVER_MAX);
}

/* A file cut anywhere, and lines that are none. */
static void
test_malformed_file(void **state)
{
	static const struct {
		const char *text;
		const char *first;
	} rows[] = {
	    {"nameserver", "127.0.0.1:53"},
	    {"nameserver ", "127.0.0.1:53"},
	    {"nameserver\n192.0.2.1", "127.0.0.1:53"},
	    {"nameserver 192.0.2.1 192.0.2.2\n", "192.0.2.1:53"},
	    {"nameserver 192.0.2.1\r\n", "192.0.2.1:53"},
	    {"\n\n;nameserver 192.0.2.1", "127.0.0.1:53"},
	    {"nameserver 192.0.2.256\nnameserver [::", "127.0.0.1:53"},
	    {"NAMESERVER 192.0.2.1", "127.0.0.1:53"},
	};
	struct resolvers r;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str whole = str_c(rows[i].text);

		for (size_t n = 0; n <= whole.len; n++) {
			struct str in = guard_copy(str_sub(whole, 0, n));
			resolvers_parse_file(&r, in);
			guard_free(in);
			assert_in_range(r.n, 1, RESOLVER_MAX);
		}
		assert_string_equal(r.list[0].text, rows[i].first);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_list),
    cmocka_unit_test(test_list_refused),
    cmocka_unit_test(test_file),
    cmocka_unit_test(test_malformed_file),
};

TAP_RUN(tests)
