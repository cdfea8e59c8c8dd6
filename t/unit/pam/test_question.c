/* SPDX-License-Identifier: ISC */
#include "guard.h"
#include "tap.h"

#include "question.h"

#define NUL "\0"

static bool
parse(struct str text, struct question *ret)
{
	struct str in = guard_copy(text);
	bool is_right = question_parse(in, ret);

	guard_free(in);
	return is_right;
}

static void
test_good(void **state)
{
	struct str in =
	    guard_copy(STR("ann" NUL "pass word" NUL "192.0.2.1" NUL));
	struct question q;

	(void)state;
	assert_true(question_parse(in, &q));
	assert_string_equal(q.name, "ann");
	assert_string_equal(q.password, "pass word");
	assert_string_equal(q.address, "192.0.2.1");
	guard_free(in);
	assert_true(parse(STR("a" NUL NUL NUL), &q));
}

static void
test_malformed(void **state)
{
	static const struct str bad[] = {STR_NONE, STR("a"), STR(NUL),
	    STR("a" NUL), STR("a" NUL "b"), STR("a" NUL "b" NUL),
	    STR("a" NUL "b" NUL "c"), STR(NUL "b" NUL "c" NUL),
	    STR("a" NUL "b" NUL "c" NUL "d"), STR("a" NUL "b" NUL "c" NUL NUL)};
	BUF_CLEANUP struct buf large = {0};
	struct question q;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(parse(bad[i], &q));
	buf_init(&large, 4096);
	for (size_t i = 0; i <= SECRETS_USER_MAX; i++)
		buf_add_char(&large, 'a');
	buf_add(&large, "\0b\0c\0", 5);
	assert_false(parse(buf_str(&large), &q));
}

/* Whom PAM is never asked about, whatever its modules would say. */
static void
test_nobody(void **state)
{
	static const char *const names[] = {
	    "root", "daemon", "no-such-user", "root@here.test", "", "../root"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct question q = {names[i], "password", "", 1000};

		assert_int_equal(question_ask(&q), PAM_WRONG);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_good),
    cmocka_unit_test(test_malformed),
    cmocka_unit_test(test_nobody),
};

TAP_RUN(tests)
