/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "guard.h"
#include "nexthop.h"

static void
test_forms(void **state)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
		bool has_mx, is_ip;
	} rows[] = {
	    {"example.org", "example.org", 25, true, false},
	    {"example.org:587", "example.org", 587, true, false},
	    {"example.org:submission", "example.org", 587, true, false},
	    {"[mx.example.org]", "mx.example.org", 25, false, false},
	    {"[mx.example.org]:2525", "mx.example.org", 2525, false, false},
	    {"[192.0.2.1]", "192.0.2.1", 25, false, true},
	    {"[192.0.2.1]:26", "192.0.2.1", 26, false, true},
	    {"192.0.2.1", "192.0.2.1", 25, false, true},
	    {"192.0.2.1:26", "192.0.2.1", 26, false, true},
	    {"[2001:db8::1]", "2001:db8::1", 25, false, true},
	    {"[IPv6:2001:db8::1]:26", "IPv6:2001:db8::1", 26, false, true},
	    {" example.org ", "example.org", 25, true, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nexthop n;
		struct str text = guard_copy(str_c(rows[i].text));
		assert_int_equal(nexthop_parse(text, 25, &n), 0);
		assert_str(n.host, rows[i].host);
		assert_int_equal(n.port, rows[i].port);
		assert_int_equal(n.has_mx, rows[i].has_mx);
		assert_int_equal(n.is_ip, rows[i].is_ip);
		guard_free(text);
	}
}

static void
test_refused(void **state)
{
	static const char *const bad[] = {"", " ", "[", "[]", "[a", "a]",
	    "[a]b", "[a]:", "a:", ":25", "[a]:0", "a:65536", "a:-1", "a b",
	    "a:nosuchport", "[a]]:25", "a@b", "a\tb", "[a b]:25"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct nexthop n;
		struct str text = guard_copy(str_c(bad[i]));
		if (nexthop_parse(text, 25, &n) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
		guard_free(text);
	}
}

/* RFC 2033 */
static void
test_lmtp(void **state)
{
	static const struct {
		const char *text, *host, *path; /* both NULL: refused */
		uint16_t port;
	} rows[] = {
	    {"unix:private/lmtp", "", "private/lmtp", 0},
	    {" unix:/run/x y ", "", "/run/x y", 0},
	    {"inet:example.org", "example.org", "", 24},
	    {"inet:example.org:2003", "example.org", "", 2003},
	    {"inet:[::1]:2003", "::1", "", 2003},
	    {"example.org:lmtp", "example.org", "", 24},
	    {"[127.0.0.1]", "127.0.0.1", "", 24},
	    {"unix:", NULL, NULL, 0},
	    {"inet:", NULL, NULL, 0},
	    {"inet:unix:x", NULL, NULL, 0},
	    {"", NULL, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nexthop n;
		struct str text = guard_copy(str_c(rows[i].text));
		int e = nexthop_parse_lmtp(text, 24, &n);
		assert_int_equal(e == 0, rows[i].host != NULL);
		if (e == 0) {
			assert_str(n.host, rows[i].host);
			assert_str(n.path, rows[i].path);
			assert_int_equal(n.port, rows[i].port);
			assert_false(n.has_mx);
		}
		guard_free(text);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_lmtp),
    cmocka_unit_test(test_forms),
    cmocka_unit_test(test_refused),
};

TAP_RUN(tests)
