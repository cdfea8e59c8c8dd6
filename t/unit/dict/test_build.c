/* SPDX-License-Identifier: ISC */
/* Tables are made whole, beside the old one, and read back. */
#include "check.h"

#include "base/file.h"
#include "dict/dict_build.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

struct place {
	char dir[64];
	struct buf source, spec, warnings, why;
	struct dict_build b;
};

static void
keep_warning(void *arg, const char *text)
{
	struct place *p = arg;
	struct str line = str_c(text), dir = str_c(p->dir);
	ptrdiff_t at;

	/* Without the folder's name, so that rows can be compared. */
	while ((at = str_find_str(line, dir)) >= 0) {
		buf_add_str(&p->warnings, str_sub(line, 0, (size_t)at));
		line = str_from(line, (size_t)at + dir.len);
	}
	buf_add_str(&p->warnings, line);
	buf_add_char(&p->warnings, '\n');
}

static void
write_file(const char *path, const char *text)
{
	FD_CLEANUP int fd =
	    open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

static void
setup(struct place *p, const char *text)
{
	*p = (struct place){.dir = "/tmp/test_build.XXXXXX"};
	assert_non_null(mkdtemp(p->dir));
	buf_init(&p->source, 100);
	buf_init(&p->spec, 100);
	buf_init(&p->warnings, 10000);
	buf_init(&p->why, 10000);
	buf_addf(&p->source, "%s/t", p->dir);
	buf_addf(&p->spec, "hash:%s", p->source.p);
	p->b.default_type = STR("hash");
	p->b.warn = keep_warning;
	p->b.arg = p;
	if (text != NULL)
		write_file(p->source.p, text);
}

static void
teardown(struct place *p)
{
	BUF_CLEANUP struct buf path = {0};

	buf_init(&path, 100);
	buf_addf(&path, "%s.cdb", p->source.p);
	unlink(path.p);
	unlink(p->source.p);
	/* Nothing else may have been left behind. */
	assert_int_equal(rmdir(p->dir), 0);
	buf_done(&p->source);
	buf_done(&p->spec);
	buf_done(&p->warnings);
	buf_done(&p->why);
}

static void
build(struct place *p)
{
	assert_int_equal(dict_build(&p->b, buf_str(&p->spec), &p->why), 0);
	assert_string_equal(p->why.p, "");
}

static struct dict *
reopen(struct place *p)
{
	struct dict *d = dict_open(&dict_env_tool, buf_str(&p->spec), &p->why);

	assert_string_equal(p->why.p, "");
	return d;
}

static void
test_map(void **state)
{
	struct place p;
	struct dict *d;

	(void)state;
	setup(&p, "# head\n"
		  " stray line\n"
		  "Key value one,\n"
		  "  two\n"
		  "alone\n"
		  "KEY again\n"
		  "name: value\n"
		  "\"a b\"@c quoted\n");
	/* A stray line first: it continues nothing. */
	build(&p);
	assert_string_equal(p.warnings.p,
	    "/t, line 2: logical line must not start with whitespace: "
	    "\"stray line\"\n"
	    "/t, line 5: expected format: key whitespace value\n"
	    "/t.cdb: duplicate entry: \"key\"\n"
	    "/t, line 7: record is in \"key: value\" format; is this an alias "
	    "file?\n");
	d = reopen(&p);
	check_get(d, "key", "value one,  two");
	check_get(d, "name:", "value");
	check_get(d, "\"a b\"@c", "quoted");
	check_get(d, "alone", "NO");
	dict_free(&d);
	teardown(&p);
}

static void
test_aliases(void **state)
{
	struct place p;
	struct dict *d;

	(void)state;
	setup(&p, "Postmaster:\troot\n"
		  "\"some one\" : a@b, \"|/bin/x y\"\n"
		  "list: :include:/etc/list\n"
		  "no colon here\n"
		  "empty:\n"
		  "a@b: c\n"
		  ": value\n");
	p.b.format = DICT_BUILD_ALIASES;
	build(&p);
	assert_string_equal(p.warnings.p, "/t, line 4: need name:value pair\n"
					  "/t, line 5: need name:value pair\n"
					  "/t, line 6: name must be local\n"
					  "/t, line 7: need name:value pair\n");
	d = reopen(&p);
	check_get(d, "postmaster", "root");
	check_get(d, "some one", "a@b, \"|/bin/x y\"");
	check_get(d, "list", ":include:/etc/list");
	dict_free(&d);
	teardown(&p);
}

static void
test_again(void **state)
{
	static const struct {
		enum dict_build_again again;
		const char *value, *warnings;
	} rows[] = {
	    {DICT_BUILD_WARN, "1", "/t.cdb: duplicate entry: \"a\"\n"},
	    {DICT_BUILD_IGNORE, "1", ""},
	    {DICT_BUILD_REPLACE, "2", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct place p;
		struct dict *d;

		setup(&p, "a 1\na 2\n");
		p.b.again = rows[i].again;
		build(&p);
		assert_string_equal(p.warnings.p, rows[i].warnings);
		d = reopen(&p);
		check_get(d, "a", rows[i].value);
		dict_free(&d);
		teardown(&p);
	}
}

static void
add_pair(void *arg, struct str key, struct str value)
{
	buf_addf(arg, "%.*s=%.*s;", STR_ARG(key), STR_ARG(value));
}

static void
check_pairs(struct place *p, const char *expected)
{
	BUF_CLEANUP struct buf got = {0};
	struct dict *d = reopen(p);

	buf_init(&got, 1000);
	assert_int_equal(dict_each(d, add_pair, &got), FIND_YES);
	assert_string_equal(got.p, expected);
	dict_free(&d);
}

static void
test_change(void **state)
{
	const struct str keys[] = {STR("B"), STR("x"), STR("c")};
	struct place p;
	size_t n = 0;

	(void)state;
	setup(&p, NULL);
	assert_int_equal(
	    dict_build_add(&p.b, buf_str(&p.spec), STR("a 1\nb 2\n"), &p.why),
	    0);
	check_pairs(&p, "a=1;b=2;");
	p.b.add_nul = true;
	p.b.again = DICT_BUILD_REPLACE;
	assert_int_equal(
	    dict_build_add(&p.b, buf_str(&p.spec), STR("c 3\nA 4\n"), &p.why),
	    0);
	check_pairs(&p, "a=4;b=2;c=3;");
	assert_int_equal(
	    dict_build_delete(&p.b, buf_str(&p.spec), keys, 3, &n, &p.why), 0);
	assert_int_equal(n, 2);
	check_pairs(&p, "a=4;");
	assert_int_equal(
	    dict_build_delete(&p.b, buf_str(&p.spec), keys, 3, &n, &p.why), 0);
	assert_int_equal(n, 0);
	teardown(&p);
}

/* Who has the old table open goes on with it. */
static void
test_replaced_not_changed(void **state)
{
	struct place p;
	struct stat st;
	BUF_CLEANUP struct buf path = {0};
	struct dict *d;

	(void)state;
	setup(&p, "a 1\n");
	build(&p);
	d = reopen(&p);
	write_file(p.source.p, "a 2\n");
	build(&p);
	check_get(d, "a", "1");
	dict_free(&d);
	d = reopen(&p);
	check_get(d, "a", "2");
	dict_free(&d);
	buf_init(&path, 100);
	buf_addf(&path, "%s.cdb", p.source.p);
	assert_int_equal(stat(path.p, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	teardown(&p);
}

static void
test_leftovers(void **state)
{
	BUF_CLEANUP struct buf temp = {0};
	struct place p;

	(void)state;
	setup(&p, "a 1\n");
	buf_init(&temp, 100);
	buf_addf(&temp, "%s.cdb.tmp", p.source.p);
	write_file(temp.p, "what a maker that died left");
	build(&p);
	check_pairs(&p, "a=1;");
	/* SECURITY: a planted name must not lead elsewhere. */
	assert_int_equal(symlink("elsewhere", temp.p), 0);
	assert_true(dict_build(&p.b, buf_str(&p.spec), &p.why) < 0);
	assert_int_equal(unlink(temp.p), 0);
	buf_reset(&p.why);
	check_pairs(&p, "a=1;");
	teardown(&p);
}

static void
test_refused(void **state)
{
	static const char *const wrong[] = {"texthash:/x", "hash:", "hash:/x/",
	    "regexp:/x", "hash:/nowhere/x", "/nowhere/y"};
	struct place p;

	(void)state;
	setup(&p, "a 1\n");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		buf_reset(&p.why);
		assert_true(dict_build(&p.b, str_c(wrong[i]), &p.why) < 0);
		assert_true(p.why.len > 0);
	}
	teardown(&p);
}

/* As root: the table of a user's source is the user's, and root puts nothing
 * of its own into a user's folder. */
static void
test_owner(void **state)
{
	BUF_CLEANUP struct buf path = {0};
	struct place p;
	struct stat st;

	(void)state;
	setup(&p, "a 1\n");
	buf_init(&path, 100);
	buf_addf(&path, "%s.cdb", p.source.p);
	if (geteuid() == 0) {
		assert_int_equal(chown(p.dir, 65534, 65534), 0);
		assert_int_equal(
		    dict_build(&p.b, buf_str(&p.spec), &p.why), -EPERM);
		assert_non_null(strstr(p.why.p, "belongs to the user"));
		buf_reset(&p.why);
		assert_int_equal(chown(p.source.p, 65534, 65534), 0);
	}
	build(&p);
	assert_int_equal(stat(path.p, &st), 0);
	assert_int_equal(st.st_uid, geteuid() == 0 ? 65534 : geteuid());
	p.b.as_root = true;
	build(&p);
	assert_int_equal(stat(path.p, &st), 0);
	assert_int_equal(st.st_uid, geteuid());
	teardown(&p);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_map),
    cmocka_unit_test(test_aliases),
    cmocka_unit_test(test_again),
    cmocka_unit_test(test_change),
    cmocka_unit_test(test_replaced_not_changed),
    cmocka_unit_test(test_leftovers),
    cmocka_unit_test(test_refused),
    cmocka_unit_test(test_owner),
};

TAP_RUN(tests)
