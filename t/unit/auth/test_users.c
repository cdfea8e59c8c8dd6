/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "users.h"

#include "base/file.h"
#include "mail/password.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define KEY256                                                                 \
	"{SCRAM-SHA-256}4096,c2FsdA==,"                                        \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,"                        \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define KEY1                                                                   \
	"{SCRAM-SHA-1}5000,c2FsdA==,AAAAAAAAAAAAAAAAAAAAAAAAAAA=,"             \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAA="

static const char *file;
static mode_t mode = 0640;
static unsigned remarks;

static int
open_file(void *arg, const char *path)
{
	int fd;

	(void)arg;
	if (strcmp(path, "/users") != 0)
		return strcmp(path, "/locked") == 0 ? -EACCES : -ENOENT;
	fd = memfd_sealed("users", str_c(file));
	assert_int_equal(fchmod(fd, mode), 0);
	return fd;
}

static void
count(void *arg, const char *text)
{
	(void)arg;
	(void)text;
	remarks++;
}

static const struct dict_env env = {
    .open = open_file, .remark = count, .default_type = {"hash", 4}};
static const struct users_seed seed;

static struct users *
open_users(const char *list, const char *text)
{
	BUF_CLEANUP struct buf why = {0};
	struct users *u;

	buf_init(&why, 1000);
	file = text;
	remarks = 0;
	u = users_new(&env, str_c(list), &seed, &why);
	assert_true((u == NULL) == (why.len > 0));
	return u;
}

static enum find
find(const struct users *u, const char *name, size_t *ret_n)
{
	ARENA_CLEANUP struct arena a = {0};
	struct secrets s;
	enum find found;

	arena_init(&a, 1 << 20);
	found = users_find(u, str_c(name), &a, &s);
	*ret_n = s.n;
	return found;
}

static void
test_file(void **state)
{
	struct users *u = open_users("/users",
	    "# a comment\n\nAnn@x.test:{PLAIN}a:1000:1000::/home:\n"
	    "bob:$6$salt$hash app=phone {SSHA256}x\r\n"
	    "wrong line\n:{PLAIN}x\nann@X.test:{PLAIN}b\nc d:x\n"
	    "eve:{PLAIN\nlocked:!");
	size_t n;

	(void)state;
	assert_non_null(u);
	assert_int_equal(remarks, 5);
	assert_int_equal(users_count(u), 3);
	assert_int_equal(find(u, "ANN@x.test", &n), FIND_YES);
	assert_int_equal(n, 1);
	assert_int_equal(find(u, "bob", &n), FIND_YES);
	assert_int_equal(n, 2);
	assert_int_equal(find(u, "locked", &n), FIND_YES);
	assert_int_equal(find(u, "eve", &n), FIND_NO);
	assert_int_equal(find(u, "# a comment", &n), FIND_NO);
	assert_int_equal(find(u, "", &n), FIND_NO);
	assert_true(str_eq(users_dummy(u).hash, STR("$6$salt$hash")));
	users_unref(&u);
}

/* One that anybody can read is told of. */
static void
test_mode(void **state)
{
	struct users *u;

	(void)state;
	mode = 0644;
	u = open_users("/users", "bob:{PLAIN}x");
	mode = 0640;
	assert_int_equal(remarks, 1);
	users_unref(&u);
}

static void
test_tables(void **state)
{
	struct users *u = open_users(
	    "/users, inline:{ {eve={PLAIN}e app=a {PLAIN}f}, bad=app=! }",
	    "bob:{PLAIN}x");
	size_t n;

	(void)state;
	assert_int_equal(remarks, 1);
	assert_int_equal(find(u, "Eve", &n), FIND_YES);
	assert_int_equal(n, 2);
	assert_int_equal(find(u, "bad", &n), FIND_BROKEN);
	assert_int_equal(find(u, "bob", &n), FIND_YES);
	users_unref(&u);

	u = open_users("/not-there", "");
	assert_int_equal(users_count(u), 0);
	assert_int_equal(find(u, "bob", &n), FIND_NO);
	users_unref(&u);
	assert_null(open_users("/locked", ""));
	assert_null(open_users("nosuchtype:x", ""));
}

static void
test_scram(void **state)
{
	struct users *u = open_users("/users", "a:x " KEY256 " " KEY1);
	unsigned char salt[HMAC_MAX], other[HMAC_MAX];

	(void)state;
	assert_true(users_have_scram(u, HMAC_SHA256));
	assert_true(users_have_scram(u, HMAC_SHA1));
	assert_int_equal(users_iterations(u), 4096);
	users_unref(&u);

	u = open_users("/users", "a:x " KEY1 "\nb:y " KEY1 " " KEY256);
	assert_false(users_have_scram(u, HMAC_SHA256));
	assert_true(users_have_scram(u, HMAC_SHA1));
	assert_int_equal(users_iterations(u), 5000);
	users_salt(u, STR("x"), salt);
	users_salt(u, STR("x"), other);
	assert_memory_equal(salt, other, sizeof(salt));
	users_salt(u, STR("y"), other);
	assert_memory_not_equal(salt, other, sizeof(salt));
	users_unref(&u);

	/* A file's own seed. */
	u = open_users(
	    "/users", "# seed=AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n");
	users_salt(u, STR("x"), other);
	assert_memory_not_equal(salt, other, sizeof(salt));
	users_unref(&u);

	/* An application's key is not his. */
	u = open_users("/users", "a:x app=b " KEY1);
	assert_false(users_have_scram(u, HMAC_SHA1));
	users_unref(&u);
	/* Who is locked is not turned away for want of one. */
	u = open_users("/users", "a:x " KEY1 "\nb:!\nc:!$y$x {PLAIN}x\nd:");
	assert_true(users_have_scram(u, HMAC_SHA1));
	users_unref(&u);
	u = open_users("/users", "a:x " KEY1 "\nb:! app=c {PLAIN}x");
	assert_false(users_have_scram(u, HMAC_SHA1));
	users_unref(&u);
	u = open_users("/users", "");
	assert_false(users_have_scram(u, HMAC_SHA1));
	users_unref(&u);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_file),
    cmocka_unit_test(test_mode),
    cmocka_unit_test(test_tables),
    cmocka_unit_test(test_scram),
};

TAP_RUN(tests)
