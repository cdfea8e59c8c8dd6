/* SPDX-License-Identifier: ISC */
/* What of a command, and of an address, gets near a shell. */
#include "jobs.h"

#include "exec.h"
#include "guard.h"

static void
test_words(void **state)
{
	static const struct {
		const char *text, *words; /* NULL: the shell's */
	} rows[] = {
	    {"/usr/bin/procmail", "/usr/bin/procmail"},
	    {"procmail -a  x", "procmail|-a|x"},
	    {" /bin/cat\t-u ", "/bin/cat|-u"},
	    {"/bin/x a=b", "/bin/x|a=b"},
	    {"/bin/x %h@y_z+q:1,2", "/bin/x|%h@y_z+q:1,2"},
	    {"A=b /bin/x", NULL},
	    {"exit 75", NULL},
	    {"exec /bin/x", NULL},
	    {"cat > /tmp/x", NULL},
	    {"a;b", NULL},
	    {"a|b", NULL},
	    {"a `b`", NULL},
	    {"a $b", NULL},
	    {"\"a\" b", NULL},
	    {"a 'b'", NULL},
	    {"a\\b", NULL},
	    {"a*", NULL},
	    {"~/bin/x", NULL},
	    {"a # b", NULL},
	    {"a\xc3\xa4", NULL},
	    {"", NULL},
	    {"   ", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str text = guard_copy(str_c(rows[i].text));
		ARENA_CLEANUP struct arena a = {0};
		BUF_CLEANUP struct buf got = {0};
		char **words;

		arena_init(&a, 10000);
		buf_init(&got, 100);
		words = exec_words(text, &a);
		assert_true((words == NULL) == (rows[i].words == NULL));
		for (size_t w = 0; words != NULL && words[w] != NULL; w++)
			buf_addf(&got, "%s%s", w > 0 ? "|" : "", words[w]);
		if (words != NULL)
			assert_string_equal(got.p, rows[i].words);
		guard_free(text);
	}
}

static const char *
find_variable(char **env, const char *name)
{
	size_t n = strlen(name);

	for (; *env != NULL; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}

struct address_row {
	const char *recipient, *sender, *local, *domain, *extension,
	    *seen_recipient, *seen_sender;
};

static void
check_address(const struct address_row *row)
{
	const struct settings s = {.delimiters = "+-"};
	const struct action action = {
	    .user = STR("user"), .home = STR("/home/user"), .path = STR("x")};
	struct recipient rcpt = {.address = str_c(row->recipient)};
	struct job_deliver deliver = {.sender = str_c(row->sender)};
	struct job job = {.d = &deliver};
	const struct delivery d = {
	    .job = &job, .recipient = &rcpt, .action = &action};
	ARENA_CLEANUP struct arena a = {0};
	char **env;

	arena_init(&a, 10000);
	env = exec_environment(&d, &s, &a);
	assert_string_equal(find_variable(env, "LOCAL"), row->local);
	assert_string_equal(find_variable(env, "DOMAIN"), row->domain);
	assert_string_equal(find_variable(env, "EXTENSION"), row->extension);
	assert_string_equal(
	    find_variable(env, "RECIPIENT"), row->seen_recipient);
	assert_string_equal(find_variable(env, "SENDER"), row->seen_sender);
	assert_string_equal(find_variable(env, "PATH"), "/usr/bin:/bin");
	assert_string_equal(find_variable(env, "HOME"), "/home/user");
	assert_string_equal(find_variable(env, "USER"), "user");
	assert_string_equal(find_variable(env, "LOGNAME"), "user");
	assert_string_equal(find_variable(env, "SHELL"), "/bin/sh");
	assert_string_equal(find_variable(env, "LANG"), "C");
	assert_null(find_variable(env, "IFS"));
}

static void
test_environment(void **state)
{
	static const struct address_row rows[] = {
	    {"user+box@example.org", "a@b", "user+box", "example.org", "box",
		"user+box@example.org", "a@b"},
	    {"user-box@example.org", "", "user-box", "example.org", "box",
		"user-box@example.org", ""},
	    {"User+Box@h", "", "User+Box", "h", "Box", "User+Box@h", ""},
	    {"user@h", "", "user", "h", "", "user@h", ""},
	    {"user+@h", "", "user+", "h", "", "user+@h", ""},
	    {"user2+x@h", "", "user2+x", "h", "", "user2+x@h", ""},
	    {"alias+x@h", "", "alias+x", "h", "", "alias+x@h", ""},
	    {"nodomain", "", "nodomain", "", "", "nodomain", ""},
	    {"a@b@c", "", "a@b", "c", "", "a@b@c", ""},
	    {"user+$(id)`x`;|&<>*?\\\"'\n@h", "$IFS@x",
		"user+__id__x____________", "h", "__id__x____________",
		"user+__id__x____________@h", "_IFS@x"},
	    {"user+\xc3\xa4{}~#!^@h", "-f", "user+______!_", "h", "______!_",
		"user+______!_@h", "-f"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_address(&rows[i]);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_words),
    cmocka_unit_test(test_environment),
};

TAP_RUN(tests)
