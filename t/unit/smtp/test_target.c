/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "names.h"
#include "target.h"

#include <stdio.h>

static const struct name_row zone[] = {
    {"pref.test", DNS_MX, "20 b.test"},
    {"pref.test", DNS_MX, "10 a.test"},
    {"pref.test", DNS_MX, "30 c.test"},
    {"a.test", DNS_A, "192.0.2.1"},
    {"b.test", DNS_A, "192.0.2.2"},
    {"b.test", DNS_AAAA, "2001:db8::2"},
    {"c.test", DNS_A, "192.0.2.3"},
    {"own.test", DNS_A, "192.0.2.99"},
    {"any.test", DNS_A, "0.0.0.0"},
    {"aonly.test", DNS_A, "192.0.2.4"},
    {"aonly.test", DNS_AAAA, "2001:db8::4"},
    {"mapped.test", DNS_AAAA, "::ffff:192.0.2.5"},
    {"null.test", DNS_MX, "0 "},
    {"notnull.test", DNS_MX, "0 "},
    {"notnull.test", DNS_MX, "10 a.test"},
    {"text.test", DNS_TXT, ""},
    {"retry.test", 0, ""},
    {"retrymx.test", DNS_MX, "10 retry.test"},
    {"halfretry.test", DNS_MX, "10 retry.test"},
    {"halfretry.test", DNS_MX, "20 gone.test"},
    {"skipretry.test", DNS_MX, "10 retry.test"},
    {"skipretry.test", DNS_MX, "20 a.test"},
    {"noaddr.test", DNS_MX, "10 gone.test"},
    {"odd.test", DNS_MX, "10 a\\010b.test"},
    {"odd.test", DNS_MX, "10 192.0.2.7"},
    {"oddnot.test", DNS_MX, "10 a\\010b.test"},
    {"oddnot.test", DNS_MX, "20 a.test"},
    {"self.test", DNS_MX, "10 own.test"},
    {"self.test", DNS_MX, "20 a.test"},
    {"self2.test", DNS_MX, "10 a.test"},
    {"self2.test", DNS_MX, "20 own.test"},
    {"self2.test", DNS_MX, "20 b.test"},
    {"self2.test", DNS_MX, "30 c.test"},
    {"self3.test", DNS_MX, "10 gone.test"},
    {"self3.test", DNS_MX, "20 own.test"},
    {"zero.test", DNS_MX, "10 any.test"},
    {"xn--bcher-kva.test", DNS_A, "192.0.2.8"},
    {"mix.test", DNS_MX, "10 v4.test"},
    {"mix.test", DNS_MX, "10 v6.test"},
    {"v4.test", DNS_A, "192.0.2.11"},
    {"v4.test", DNS_A, "192.0.2.12"},
    {"v4.test", DNS_A, "192.0.2.13"},
    {"v4.test", DNS_A, "192.0.2.14"},
    {"v4.test", DNS_A, "192.0.2.15"},
    {"v4.test", DNS_A, "192.0.2.16"},
    {"v6.test", DNS_AAAA, "2001:db8::11"},
    {"v6.test", DNS_AAAA, "2001:db8::12"},
    {NULL, 0, NULL},
};
static const struct name_row hosts[] = {
    {"native.test", 1, "10.0.0.1"},
    {NULL, 0, NULL},
};

static struct settings settings;
static struct own own;
static struct arena a;
static struct fail why;
static struct buf text; /* "host[address]:port ..." of what was found */

static void
init(void)
{
	name_rows = zone;
	host_rows = hosts;
	settings = (struct settings){.port = 25,
	    .use_ipv4 = true,
	    .use_ipv6 = true,
	    .lookup_dns = true,
	    .first = FAMILY_IPV4,
	    .address_limit = 5,
	    .balance = true};
	own = (struct own){.ips = {{4, {192, 0, 2, 99}}}, .n = 1};
}

static const char *
find(const char *nexthop)
{
	const struct target_finder f = {&settings, &own, NULL, NULL};
	struct targets targets;
	struct nexthop to;
	char ip[IP_TEXT_MAX];

	arena_reset(&a);
	buf_reset(&text);
	assert_int_equal(nexthop_parse(str_c(nexthop), settings.port, &to), 0);
	if (!target_find(&f, &to, &a, &targets, &why)) {
		buf_addf(&text, "%s %s", why.dsn, why.text.p);
		return text.p;
	}
	target_order(&targets, &settings);
	for (size_t i = 0; i < targets.n; i++) {
		ip_format(&targets.list[i].ip, ip);
		buf_addf(&text, "%s%.*s[%s]:%u", i > 0 ? " " : "",
		    STR_ARG(targets.list[i].host), ip, targets.list[i].port);
	}
	return text.p;
}

#define NOT_FOUND "Host or domain name not found. Name service error for name="

static void
test_find(void **state)
{
	static const struct {
		const char *nexthop, *found;
	} rows[] = {
	    {"pref.test", "a.test[192.0.2.1]:25 b.test[192.0.2.2]:25 "
			  "b.test[2001:db8::2]:25 c.test[192.0.2.3]:25"},
	    {"pref.test:587", "a.test[192.0.2.1]:587 b.test[192.0.2.2]:587 "
			      "b.test[2001:db8::2]:587 c.test[192.0.2.3]:587"},
	    {"aonly.test",
		"aonly.test[192.0.2.4]:25 aonly.test[2001:db8::4]:25"},
	    {"[pref.test]",
		"5.4.4 " NOT_FOUND "pref.test type=AAAA: Host found but no "
		"data record of requested type"},
	    {"[a.test]:26", "a.test[192.0.2.1]:26"},
	    {"[192.0.2.77]", "192.0.2.77[192.0.2.77]:25"},
	    {"[IPv6:2001:db8::7]:26", "2001:db8::7[2001:db8::7]:26"},
	    {"mapped.test", "mapped.test[192.0.2.5]:25"},
	    {"null.test",
		"5.1.10 Domain null.test does not accept mail (nullMX)"},
	    {"notnull.test", "a.test[192.0.2.1]:25"},
	    {"gone.test",
		"5.4.4 " NOT_FOUND "gone.test type=MX: Host not found"},
	    {"text.test",
		"5.4.4 " NOT_FOUND "text.test type=AAAA: Host found but no "
		"data record of requested type"},
	    {"retry.test",
		"4.4.3 " NOT_FOUND "retry.test type=MX: Host not found, try "
		"again"},
	    {"retrymx.test",
		"4.4.3 " NOT_FOUND "retry.test type=AAAA: Host not found, "
		"try again"},
	    {"halfretry.test",
		"4.4.3 " NOT_FOUND "retry.test type=AAAA: Host not found, "
		"try again"},
	    {"skipretry.test", "a.test[192.0.2.1]:25"},
	    {"noaddr.test",
		"5.4.4 " NOT_FOUND "gone.test type=AAAA: Host not found"},
	    {"odd.test", "5.4.4 " NOT_FOUND "odd.test type=MX: Malformed or "
			 "unexpected name server reply"},
	    {"oddnot.test", "a.test[192.0.2.1]:25"},
	    {"b\303\274cher.test", "xn--bcher-kva.test[192.0.2.8]:25"},
	};

	(void)state;
	init();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(find(rows[i].nexthop), rows[i].found);
}

static void
test_own(void **state)
{
	(void)state;
	init();
	assert_string_equal(
	    find("self.test"), "5.4.6 mail for self.test loops back to myself");
	assert_string_equal(find("self2.test"), "a.test[192.0.2.1]:25");
	assert_string_equal(find("self3.test"),
	    "4.4.4 unable to find primary relay for self3.test");
	assert_string_equal(
	    find("zero.test"), "5.4.6 mail for zero.test loops back to myself");
	assert_string_equal(
	    find("own.test"), "5.4.6 mail for own.test loops back to myself");
	assert_string_equal(find("[192.0.2.99]"),
	    "5.4.6 mail for 192.0.2.99 loops back to myself");
	/* Another port is another server. */
	assert_string_equal(
	    find("[192.0.2.99]:2525"), "192.0.2.99[192.0.2.99]:2525");
	assert_string_equal(find("own.test:2525"), "own.test[192.0.2.99]:2525");
	/* What the kernel says. */
	own = (struct own){.all = true};
	assert_string_equal(find("[127.0.0.1]"),
	    "5.4.6 mail for 127.0.0.1 loops back to myself");
	assert_string_equal(find("a.test"), "a.test[192.0.2.1]:25");
}

static void
test_families(void **state)
{
	(void)state;
	init();
	settings.first = FAMILY_IPV6;
	assert_string_equal(find("aonly.test"),
	    "aonly.test[2001:db8::4]:25 aonly.test[192.0.2.4]:25");
	/* Preference counts more than family; the limit takes both. */
	assert_string_equal(find("mix.test"),
	    "v6.test[2001:db8::11]:25 v6.test[2001:db8::12]:25 "
	    "v4.test[192.0.2.11]:25 v4.test[192.0.2.12]:25 "
	    "v4.test[192.0.2.13]:25");
	settings.first = FAMILY_IPV4;
	assert_string_equal(find("mix.test"),
	    "v4.test[192.0.2.11]:25 v4.test[192.0.2.12]:25 "
	    "v4.test[192.0.2.13]:25 v6.test[2001:db8::11]:25 "
	    "v6.test[2001:db8::12]:25");
	settings.balance = false;
	assert_null(strstr(find("mix.test"), "v6"));
	settings.use_ipv6 = false;
	assert_string_equal(find("aonly.test"), "aonly.test[192.0.2.4]:25");
	settings.use_ipv6 = true;
	settings.use_ipv4 = false;
	assert_string_equal(find("aonly.test"), "aonly.test[2001:db8::4]:25");
	assert_string_equal(
	    find("[192.0.2.1]"), "4.4.4 no usable address for host 192.0.2.1");
}

static void
test_native(void **state)
{
	(void)state;
	init();
	assert_int_equal(strncmp(find("native.test"), "5.4.4", 5), 0);
	settings.lookup_native = true;
	assert_string_equal(find("native.test"), "native.test[10.0.0.1]:25");
	assert_string_equal(find("a.test"), "a.test[192.0.2.1]:25");
	settings.lookup_dns = false;
	names_asked = 0;
	assert_string_equal(find("native.test"), "native.test[10.0.0.1]:25");
	assert_string_equal(find("pref.test"),
	    "5.4.4 unable to look up host pref.test: "
	    "Name or service not known");
	assert_int_equal(names_asked, 0);
}

/* Hosts of one preference come first equally often. */
static void
test_shuffle(void **state)
{
	unsigned first = 0;

	(void)state;
	init();
	settings.first = FAMILY_ANY;
	settings.shuffle = true;
	for (int i = 0; i < 1000; i++)
		if (strncmp(find("aonly.test"), "aonly.test[192", 14) == 0)
			first++;
	assert_true(first > 400 && first < 600);
	for (int i = 0; i < 100; i++)
		assert_int_equal(
		    strncmp(find("pref.test"), "a.test[192.0.2.1]", 17), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_find),
    cmocka_unit_test(test_own),
    cmocka_unit_test(test_families),
    cmocka_unit_test(test_native),
    cmocka_unit_test(test_shuffle),
};

int
main(void)
{
	arena_init(&a, 4 << 20);
	buf_init(&text, 4096);
	fail_init(&why);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_done(&a);
	buf_done(&text);
	fail_done(&why);
	return failed;
}
