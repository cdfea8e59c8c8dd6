/* SPDX-License-Identifier: ISC */
#include "guard.h"
#include "tap.h"

#include "users_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEED "# seed=AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"

static void
check_put(
    const char *text, const char *name, const char *secrets, const char *want)
{
	struct str in = guard_copy(str_c(text)), value = str_c(secrets);
	BUF_CLEANUP struct buf out = {0};

	buf_init(&out, 4096);
	assert_int_equal(users_text_put(in, str_c(name),
			     secrets == NULL ? NULL : &value, &out),
	    0);
	assert_string_equal(out.p, want);
	guard_free(in);
}

static void
test_put(void **state)
{
	(void)state;
	check_put(SEED, "ann", "x", SEED "ann:x\n");
	check_put(SEED "ann:old:1:2::\nbob:b", "ann", "new",
	    SEED "ann:new:1:2::\nbob:b\n");
	check_put(SEED "Ann:old\n", "ann", "new {X}y", SEED "ann:new {X}y\n");
	check_put(SEED "# note\n\nann:a\nbob:b\nann:again\n", "ann", NULL,
	    SEED "# note\n\nbob:b\n");
	check_put(SEED "nonsense\n:x\nann2:a\n", "ann", "n",
	    SEED "nonsense\n:x\nann2:a\nann:n\n");
	check_put(SEED "ann:a\n", "bob", NULL, SEED "ann:a\n");
}

/* A file without a seed gets one, and keeps it. */
static void
test_seed(void **state)
{
	BUF_CLEANUP struct buf once = {0}, twice = {0};
	struct str secrets = STR("x"), found;

	(void)state;
	buf_init(&once, 4096);
	buf_init(&twice, 4096);
	assert_int_equal(
	    users_text_put(STR_NONE, STR("ann"), &secrets, &once), 0);
	assert_true(str_has_prefix(buf_str(&once), STR("# seed=")));
	assert_int_equal(
	    users_text_put(buf_str(&once), STR("ann"), &secrets, &twice), 0);
	assert_string_equal(once.p, twice.p);
	assert_true(users_text_find(buf_str(&once), STR("ann"), &found));
	assert_true(str_eq(found, secrets));
	assert_false(users_text_find(buf_str(&once), STR("an"), &found));
}

static void
test_bound(void **state)
{
	BUF_CLEANUP struct buf small = {0};
	struct str secrets = STR("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");

	(void)state;
	buf_init(&small, 32);
	assert_int_equal(
	    users_text_put(STR(SEED), STR("ann"), &secrets, &small), -EMSGSIZE);
}

static void
open_and_write(const char *path, const char *text)
{
	BUF_CLEANUP struct buf why = {0};
	struct users_file f;

	buf_init(&why, 1000);
	assert_int_equal(users_file_open(&f, path, true, &why), 0);
	assert_int_equal(users_file_write(&f, str_c(text)), 0);
	users_file_close(&f);
}

static void
check_refused(const char *path)
{
	BUF_CLEANUP struct buf why = {0};
	struct users_file f;

	buf_init(&why, 1000);
	assert_true(users_file_open(&f, path, false, &why) < 0);
	assert_true(why.len > 0);
}

static void
test_file(void **state)
{
	char dir[] = "/tmp/users_file.XXXXXX", path[64], link[64];
	BUF_CLEANUP struct buf why = {0};
	struct users_file f;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/users", dir);
	snprintf(link, sizeof(link), "%s/link", dir);
	buf_init(&why, 1000);
	open_and_write(path, "ann:x\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(chmod(path, 0640), 0);
	open_and_write(path, "bob:x\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(users_file_open(&f, path, false, &why), 0);
	assert_string_equal(f.text.p, "bob:x\n");
	users_file_close(&f);

	assert_int_equal(symlink(path, link), 0);
	check_refused(link);
	check_refused(dir);
	assert_int_equal(chmod(path, 0660), 0);
	check_refused(path);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(chmod(dir, 0770), 0);
	check_refused(path);
	assert_int_equal(chmod(dir, 01777), 0);
	check_refused(path);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	check_refused(path);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_put),
    cmocka_unit_test(test_seed),
    cmocka_unit_test(test_bound),
    cmocka_unit_test(test_file),
};

TAP_RUN(tests)
