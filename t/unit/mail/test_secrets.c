/* SPDX-License-Identifier: ISC */
#include "guard.h"
#include "tap.h"

#include "mail/secrets.h"

static void
test_good(void **state)
{
	struct str in = guard_copy(
	    STR(" $6$a$b {SCRAM-SHA-256}1,b,c,d app=phone {SSHA256}x {PLAIN}y "
		"app=My_lap-top.2 {}! "));
	BUF_CLEANUP struct buf out = {0};
	const char *why = NULL;
	struct secrets s;

	(void)state;
	assert_int_equal(secrets_parse(in, &s, &why), -22);
	guard_free(in);
	in = guard_copy(
	    STR(" $6$a$b {SCRAM-SHA-256}1,b,c,d app=phone {SSHA256}x "
		"{PLAIN}y app=My_lap-top.2 ! "));
	assert_int_equal(secrets_parse(in, &s, &why), 0);
	assert_int_equal(s.n, 5);
	assert_true(str_eq(s.list[0].scheme, STR("CRYPT")));
	assert_true(str_eq(s.list[1].hash, STR("1,b,c,d")));
	assert_int_equal(s.list[1].app.len, 0);
	assert_true(str_eq(s.list[3].app, STR("phone")));
	assert_true(str_eq(s.list[4].app, STR("My_lap-top.2")));
	assert_true(secrets_counts(&s, 0));
	assert_false(secrets_counts(&s, 1));
	assert_true(secrets_counts(&s, 2));
	assert_false(secrets_counts(&s, 3));
	assert_true(secrets_counts(&s, 4));
	buf_init(&out, SECRETS_TEXT_MAX);
	assert_int_equal(secrets_format(&s, &out), 0);
	assert_string_equal(out.p,
	    "{CRYPT}$6$a$b {SCRAM-SHA-256}1,b,c,d app=phone {SSHA256}x "
	    "{PLAIN}y app=My_lap-top.2 {CRYPT}!");
	guard_free(in);

	assert_int_equal(secrets_parse(STR_NONE, &s, &why), 0);
	assert_int_equal(s.n, 0);
	/* Of two keys the first, when there is nothing else. */
	assert_int_equal(
	    secrets_parse(STR("{SCRAM-SHA-1}a {scram-sha-256}b"), &s, &why), 0);
	assert_true(secrets_counts(&s, 0));
	assert_false(secrets_counts(&s, 1));
}

static void
test_malformed(void **state)
{
	static const char *const bad[] = {"{", "{A\x01}x", "{{A}x", "{A:}x",
	    "{}", "{}x", "{PLAIN", "app=", "app=a/b x", "app=a x app=a y",
	    "a\x7f", "{PLAIN}\xc3\xa9",
	    "app=0123456789012345678901234567890123456789x y"};
	BUF_CLEANUP struct buf many = {0};
	const char *why;
	struct secrets s;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct str in = guard_copy(str_c(bad[i]));

		why = NULL;
		if (secrets_parse(in, &s, &why) == 0 || why == NULL)
			fail_msg("\"%s\" was taken", bad[i]);
		guard_free(in);
	}
	buf_init(&many, 2 * SECRETS_TEXT_MAX);
	for (unsigned i = 0; i < SECRETS_MAX; i++)
		buf_add_c(&many, "x ");
	assert_int_equal(secrets_parse(buf_str(&many), &s, &why), 0);
	buf_add_c(&many, "x ");
	assert_int_equal(secrets_parse(buf_str(&many), &s, &why), -22);
	buf_reset(&many);
	for (unsigned i = 0; i <= SECRETS_APPS_MAX; i++)
		buf_addf(&many, "app=%u x ", i);
	assert_int_equal(secrets_parse(buf_str(&many), &s, &why), -22);
	buf_reset(&many);
	for (unsigned i = 0; i <= SECRETS_TEXT_MAX; i++)
		buf_add_c(&many, "x");
	assert_int_equal(secrets_parse(buf_str(&many), &s, &why), -22);
}

static void
test_lines(void **state)
{
	static const struct {
		const char *line;
		bool is_user, is_right;
	} lines[] = {{"", false, true}, {"  ", false, true},
	    {"#x:y", false, true}, {"ann:x", true, true},
	    {"ann:x:1:2", true, true}, {"ann:", true, true},
	    {"ann", true, false}, {":x", true, false}, {"a b:x", true, false},
	    {"-a:x", true, false}, {" ann:x", true, false},
	    {"a\tb:x", true, false}};
	struct str name, text;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct str in = guard_copy(str_c(lines[i].line));

		assert_int_equal(
		    secrets_line(in, &name, &text, &why), lines[i].is_user);
		assert_int_equal(why == NULL, lines[i].is_right);
		guard_free(in);
	}
	assert_true(secrets_line(STR("a:b:c"), &name, &text, &why));
	assert_true(str_eq(name, STR("a")));
	assert_true(str_eq(text, STR("b")));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_good),
    cmocka_unit_test(test_malformed),
    cmocka_unit_test(test_lines),
};

TAP_RUN(tests)
