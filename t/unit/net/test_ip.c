/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "guard.h"
#include "net/ip.h"

#include <arpa/inet.h>
#include <errno.h>

static void
check_text(const struct ip *ip, const char *expected)
{
	char text[IP_TEXT_MAX];

	ip_format(ip, text);
	assert_string_equal(text, expected);
}

static void
test_parse(void **state)
{
	static const struct {
		const char *text, *parsed; /* NULL: refused */
	} rows[] = {
	    {"192.0.2.1", "192.0.2.1"},
	    {"::1", "::1"},
	    {"2001:DB8:0::2", "2001:db8::2"},
	    {"::ffff:192.0.2.1", "192.0.2.1"},
	    {"::ffff:c000:201", "192.0.2.1"},
	    {"0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"},
	    {"::192.0.2.1", "::192.0.2.1"},
	    {"", NULL},
	    {"1.2.3", NULL},
	    {"1.2.3.4.5", NULL},
	    {"01.2.3.4", NULL},
	    {"1.2.3.256", NULL},
	    {" 1.2.3.4", NULL},
	    {"1.2.3.4 ", NULL},
	    {":::1", NULL},
	    {"fe80::1%eth0", NULL},
	    {"1:2:3:4:5:6:7:8:9", NULL},
	    {"[::1]", NULL},
	    {"0000:0000:0000:0000:0000:0000:255.255.255.255.", NULL},
	    {"00000000000000000000000000000000000000000000000000", NULL},
	    {"a.example", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str s = guard_copy(str_c(rows[i].text));
		struct ip ip;
		int r = ip_parse(s, &ip);

		assert_int_equal(r, rows[i].parsed == NULL ? -EINVAL : 0);
		if (r == 0)
			check_text(&ip, rows[i].parsed);
		guard_free(s);
	}
	{
		struct ip ip;

		assert_int_equal(ip_parse(str_n("1.2.3.4\0", 8), &ip), -EINVAL);
	}
}

static void
test_literal(void **state)
{
	static const struct {
		const char *text, *parsed;
	} rows[] = {
	    {"[192.0.2.1]", "192.0.2.1"},
	    {"192.0.2.1", "192.0.2.1"},
	    {"[IPv6:2001:db8::1]", "2001:db8::1"},
	    {"[ipv6:::ffff:192.0.2.1]", "192.0.2.1"},
	    {"IPv6:::1", "::1"},
	    {"[::1]", "::1"},
	    {"[IPv6:192.0.2.1]", NULL},
	    {"[]", NULL},
	    {"[", NULL},
	    {"[IPv6:]", NULL},
	    {"[192.0.2.1", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str s = guard_copy(str_c(rows[i].text));
		struct ip ip;
		int r = ip_parse_literal(s, &ip);

		assert_int_equal(r, rows[i].parsed == NULL ? -EINVAL : 0);
		if (r == 0)
			check_text(&ip, rows[i].parsed);
		guard_free(s);
	}
}

static void
test_block_parse(void **state)
{
	static const struct {
		const char *text;
		int result;
		const char *address;
		unsigned bits;
	} rows[] = {
	    {"10.0.0.0/8", 0, "10.0.0.0", 8},
	    {"10.1.2.3", 0, "10.1.2.3", 32},
	    {"10.1.2.3/32", 0, "10.1.2.3", 32},
	    {"0.0.0.0/0", 0, "0.0.0.0", 0},
	    {"[::1]/128", 0, "::1", 128},
	    {"[::1/128]", 0, "::1", 128},
	    {"[2001:db8::]/33", 0, "2001:db8::", 33},
	    {"::/0", 0, "::", 0},
	    {"[::ffff:127.0.0.0]/104", 0, "127.0.0.0", 8},
	    {"10.0.0.1/8", -ERANGE, "10.0.0.0", 8},
	    {"10.0.0.128/24", -ERANGE, "10.0.0.0", 24},
	    {"2001:db8::1/32", -ERANGE, "2001:db8::", 32},
	    {"10.0.0.0/33", -EINVAL, NULL, 0},
	    {"10.0.0.0/", -EINVAL, NULL, 0},
	    {"10.0.0.0/-1", -EINVAL, NULL, 0},
	    {"10.0.0.0/008", 0, "10.0.0.0", 8},
	    {"10.0.0.0/0008", -EINVAL, NULL, 0},
	    {"::/129", -EINVAL, NULL, 0},
	    {"[::ffff:127.0.0.0]/95", -EINVAL, NULL, 0},
	    {"/8", -EINVAL, NULL, 0},
	    {"10/8", -EINVAL, NULL, 0},
	    {"[10.0.0.0/8", -EINVAL, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str s = guard_copy(str_c(rows[i].text));
		struct ip_block block, fixed;
		int r = ip_block_parse(s, &block, &fixed);

		assert_int_equal(r, rows[i].result);
		if (r == -ERANGE)
			block = fixed;
		if (r != -EINVAL) {
			check_text(&block.ip, rows[i].address);
			assert_int_equal(block.bits, rows[i].bits);
		}
		guard_free(s);
	}
}

static void
test_block_has(void **state)
{
	static const struct {
		const char *block, *ip;
		bool has;
	} rows[] = {
	    {"10.0.0.0/8", "10.255.0.1", true},
	    {"10.0.0.0/8", "11.0.0.1", false},
	    {"10.0.0.0/8", "::ffff:10.0.0.1", true},
	    {"0.0.0.0/0", "192.0.2.1", true},
	    {"0.0.0.0/0", "::1", false},
	    {"::/0", "192.0.2.1", false},
	    {"::/0", "2001:db8::1", true},
	    {"192.0.2.128/25", "192.0.2.128", true},
	    {"192.0.2.128/25", "192.0.2.127", false},
	    {"192.0.2.5", "192.0.2.5", true},
	    {"192.0.2.5", "192.0.2.4", false},
	    {"2001:db8:8000::/33", "2001:db8:ffff::1", true},
	    {"2001:db8:8000::/33", "2001:db8:7fff::1", false},
	    {"[::1]/128", "::1", true},
	    {"[::1]/128", "::2", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_block block;
		struct ip ip;

		assert_int_equal(
		    ip_block_parse(str_c(rows[i].block), &block, NULL), 0);
		assert_int_equal(ip_parse(str_c(rows[i].ip), &ip), 0);
		assert_int_equal(ip_block_has(&block, &ip), rows[i].has);
	}
	assert_false(ip_block_has(&(struct ip_block){0}, &(struct ip){0}));
}

static void
test_sockaddr(void **state)
{
	static const char *const rows[] = {"192.0.2.7", "2001:db8::7"};
	struct sockaddr_storage ss;
	struct sockaddr other = {.sa_family = AF_UNIX};
	struct sockaddr_in6 in6 = {
	    .sin6_family = AF_INET6, .sin6_port = htons(25)};
	struct ip ip, back;
	uint16_t port;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(ip_parse(str_c(rows[i]), &ip), 0);
		assert_int_equal(ip_to_sockaddr(&ip, 2525, &ss),
		    i == 0 ? sizeof(struct sockaddr_in)
			   : sizeof(struct sockaddr_in6));
		assert_int_equal(
		    ip_from_sockaddr((struct sockaddr *)&ss, &back, &port), 0);
		assert_true(ip_eq(&ip, &back));
		assert_int_equal(port, 2525);
	}
	assert_int_equal(
	    inet_pton(AF_INET6, "::ffff:192.0.2.9", &in6.sin6_addr), 1);
	assert_int_equal(
	    ip_from_sockaddr((struct sockaddr *)&in6, &ip, &port), 0);
	check_text(&ip, "192.0.2.9");
	assert_int_equal(port, 25);
	assert_int_equal(ip_from_sockaddr(&other, &ip, &port), -EAFNOSUPPORT);
}

static void
test_loopback(void **state)
{
	static const struct {
		const char *ip;
		bool is_loopback;
	} rows[] = {
	    {"127.0.0.1", true},
	    {"127.9.9.9", true},
	    {"::ffff:127.0.0.1", true},
	    {"::1", true},
	    {"::", false},
	    {"128.0.0.1", false},
	    {"::2", false},
	};
	struct ip ip;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(ip_parse(str_c(rows[i].ip), &ip), 0);
		assert_int_equal(ip_is_loopback(&ip), rows[i].is_loopback);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_parse),
    cmocka_unit_test(test_literal),
    cmocka_unit_test(test_block_parse),
    cmocka_unit_test(test_block_has),
    cmocka_unit_test(test_sockaddr),
    cmocka_unit_test(test_loopback),
};

TAP_RUN(tests)
