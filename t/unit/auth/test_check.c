/* SPDX-License-Identifier: ISC */
/* SECURITY: who does not know a password learns nothing from the time: the
 * same hashes are computed for whoever he names. */
#include "tap.h"

#include "check.h"

#include "base/file.h"
#include "mail/password.h"

#include <errno.h>

static char text[4096];

#define THEIRS "$5$abcdefgh$.pFsJxviBkfNcJIB9RxdSXC0LQGaHaYDsbRyMIsW6FB"
#define OLD    "$5$abcdefgh$bFA6FIw.jqnZy4bE04rX0IkHdnUSW3fjFpnjLOA2JA7"

static int
open_file(void *arg, const char *path)
{
	(void)arg;
	(void)path;
	return memfd_sealed("users", str_c(text));
}

static const struct dict_env env = {.open = open_file};

static void
make(struct buf *b, const char *scheme, const char *password)
{
	assert_int_equal(
	    password_make(str_c(scheme), str_c(password), NULL, b), 0);
}

static struct users *
make_users(void)
{
	static const struct users_seed seed;
	BUF_CLEANUP struct buf b = {0}, why = {0};
	struct users *u;

	buf_init(&b, sizeof(text) - 1);
	buf_init(&why, 1000);
	buf_add_c(&b, "ann:");
	make(&b, "CRYPT", "anns");
	buf_add_c(&b, " ");
	make(&b, "SCRAM-SHA-256", "anns");
	buf_add_c(&b, " app=phone ");
	make(&b, "SSHA256", "phones");
	buf_add_c(&b, "\nkey:");
	make(&b, "SCRAM-SHA-256", "keys");
	buf_add_c(&b, "\nshut:!$y$x ");
	make(&b, "SCRAM-SHA-256", "shuts");
	buf_add_c(&b, " app=old ");
	make(&b, "SSHA256", "olds");
	buf_add_c(&b, "\nplain:{PLAIN}plains\nlocked:!\nnothing:\ntwo:");
	make(&b, "CRYPT", "twos");
	buf_add_c(&b, " app=old ");
	make(&b, "CRYPT", "olds");
	memcpy(text, b.p, b.len + 1);
	u = users_new(&env, STR("/users"), &seed, &why);
	assert_non_null(u);
	return u;
}

static bool
check(const struct users *u, const char *name, const char *password,
    size_t *ret_slow)
{
	ARENA_CLEANUP struct arena a = {0};
	struct check_work work;
	struct secrets s;
	bool is_right;

	arena_init(&a, 1 << 20);
	users_find(u, str_c(name), &a, &s);
	is_right = check_password(u, &s, str_c(password), &work);
	*ret_slow = work.slow;
	return is_right;
}

static void
test_same_work(void **state)
{
	static const char *const names[] = {"ann", "key", "plain", "locked",
	    "shut", "nothing", "two", "nobody", "x y"};
	struct users *u = make_users();
	size_t slow;

	(void)state;
	assert_int_equal(users_cost(u), 2);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_false(check(u, names[i], "wrong", &slow));
		assert_int_equal(slow, 2);
		/* What may be meant in two ways costs twice as much. */
		assert_false(check(u, names[i], "wro\u0308ng", &slow));
		assert_int_equal(slow, 4);
	}
	users_unref(&u);
}

static void
test_right(void **state)
{
	static const struct {
		const char *name, *password;
	} good[] = {{"ann", "anns"}, {"ann", "phones"}, {"key", "keys"},
	    {"plain", "plains"}, {"two", "twos"}, {"two", "olds"},
	    {"shut", "olds"}};
	struct users *u = make_users();
	size_t slow;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(check(u, good[i].name, good[i].password, &slow));
		assert_in_range(slow, 0, 2);
	}
	assert_false(check(u, "locked", "!", &slow));
	assert_false(check(u, "shut", "shuts", &slow));
	assert_false(check(u, "nothing", "", &slow));
	/* The hash of another, whose password it is, opens nothing here. */
	assert_false(check(u, "nobody", "anns", &slow));
	users_unref(&u);
}

/* "ü" as one character and as two; hashes made by us, and elsewhere of the very
 * bytes. */
static void
test_prepared(void **state)
{
	static const struct users_seed seed;
	static const char one[] = "gr\xc3\xbcn", two[] = "gru\xcc\x88n",
			  wide[] = "x\xc2\xb2", latin[] = "gr\xfcn";
	static const struct {
		const char *name, *password;
		bool is_right;
	} tries[] = {{"ours", one, true}, {"ours", two, true},
	    {"ours", latin, false}, {"ours", "grun", false},
	    {"scram", one, true}, {"scram", two, true},
	    {"scram", "grun", false}, {"theirs", wide, true},
	    {"theirs", "x2", false}, {"old", latin, true}, {"old", one, false},
	    {"gr\xc3\xbcn@x", one, true}, {"Gru\xcc\x88n@X", one, true}};
	BUF_CLEANUP struct buf b = {0}, why = {0};
	struct users *u;
	size_t slow;

	(void)state;
	buf_init(&b, sizeof(text) - 1);
	buf_init(&why, 1000);
	buf_add_c(&b, "ours:");
	make(&b, "CRYPT", two);
	buf_add_c(&b, "\nscram:");
	make(&b, "SCRAM-SHA-256", two);
	/* openssl passwd -5 -salt abcdefgh, of "x²" and of Latin-1 "grün" */
	buf_add_c(&b, "\ntheirs:" THEIRS "\nold:" OLD "\ngru\xcc\x88n@x:");
	make(&b, "SSHA256", one);
	memcpy(text, b.p, b.len + 1);
	u = users_new(&env, STR("/users"), &seed, &why);
	assert_non_null(u);
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
		assert_int_equal(
		    check(u, tries[i].name, tries[i].password, &slow),
		    tries[i].is_right);
	users_unref(&u);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_same_work),
    cmocka_unit_test(test_right),
    cmocka_unit_test(test_prepared),
};

TAP_RUN(tests)
