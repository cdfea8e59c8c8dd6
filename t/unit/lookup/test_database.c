/* SPDX-License-Identifier: ISC */
/*
 * What every machine has: root, its group, and localhost in /etc/hosts.
 */
#include "tap.h"

#include "database.h"

#include "net/ip.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

static struct arena a;

static struct lookup_answer
ask(enum lookup_database database, struct str key)
{
	struct lookup_answer answer;

	database_ask(database, key, &a, &answer);
	return answer;
}

static void
test_passwd(void **state)
{
	const struct passwd *root = getpwuid(0);
	struct lookup_answer got = ask(LOOKUP_PASSWD_BYNAME, STR("root"));

	(void)state;
	assert_non_null(root);
	assert_int_equal(got.find, FIND_YES);
	assert_int_equal(got.uid, 0);
	assert_int_equal(got.gid, root->pw_gid);
	assert_true(str_eq(got.home, str_c(root->pw_dir)));
	assert_true(str_eq(got.shell, str_c(root->pw_shell)));

	got = ask(LOOKUP_PASSWD_BYUID, STR("0"));
	assert_int_equal(got.find, FIND_YES);
	assert_true(str_eq(got.name, STR("root")));
}

static void
test_groups(void **state)
{
	struct lookup_answer got = ask(LOOKUP_GROUP_BYNAME, STR("root"));

	(void)state;
	assert_int_equal(got.find, FIND_YES);
	assert_int_equal(got.gid, 0);
	got = ask(LOOKUP_GROUPS_OF, STR("root"));
	assert_int_equal(got.find, FIND_YES);
	assert_true(
	    str_eq(got.text, STR("0")) || str_has_prefix(got.text, STR("0 ")));
}

static void
test_hosts(void **state)
{
	struct lookup_answer got = ask(LOOKUP_HOST, STR("localhost"));
	struct str rest = got.text, word;
	struct ip ip;

	(void)state;
	assert_int_equal(got.find, FIND_YES);
	while ((word = str_word(&rest, " ")).len > 0) {
		assert_int_equal(ip_parse(word, &ip), 0);
		assert_true(ip_is_loopback(&ip));
	}
	got = ask(LOOKUP_ADDRESS, STR("127.0.0.1"));
	assert_int_equal(got.find, FIND_YES);
	assert_true(got.text.len > 0);
}

/* None of these is there, and none may be more than "not there". */
static void
test_not_there(void **state)
{
	static const struct {
		enum lookup_database database;
		const char *key;
	} rows[] = {
	    {LOOKUP_PASSWD_BYNAME, ""},
	    {LOOKUP_PASSWD_BYNAME, "no-such-user-here"},
	    {LOOKUP_PASSWD_BYNAME, "ROOT"},
	    {LOOKUP_PASSWD_BYNAME, "root:x"},
	    {LOOKUP_PASSWD_BYNAME, "../root"},
	    {LOOKUP_PASSWD_BYUID, "root"},
	    {LOOKUP_PASSWD_BYUID, "-1"},
	    {LOOKUP_PASSWD_BYUID, "4294967296"},
	    {LOOKUP_PASSWD_BYUID, "3999999999"},
	    {LOOKUP_GROUP_BYNAME, "no-such-group-here"},
	    {LOOKUP_GROUPS_OF, "no-such-user-here"},
	    {LOOKUP_HOST, "no-such-host.invalid"},
	    {LOOKUP_ADDRESS, "192.0.2.77"},
	    {LOOKUP_ADDRESS, "localhost"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lookup_answer got =
		    ask(rows[i].database, str_c(rows[i].key));
		if (got.find != FIND_NO)
			fail_msg("%s: %d, %.*s", rows[i].key, (int)got.find,
			    STR_ARG(got.name));
	}
	struct lookup_answer got =
	    ask(LOOKUP_PASSWD_BYNAME, STR("root\0hidden"));
	assert_int_equal(got.find, FIND_NO);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_passwd),
    cmocka_unit_test(test_groups),
    cmocka_unit_test(test_hosts),
    cmocka_unit_test(test_not_there),
};

int
main(void)
{
	arena_init(&a, 8 << 20);
	database_init();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_done(&a);
	return failed;
}
