/* SPDX-License-Identifier: ISC */
/*
 * The table holds every name that Postfix has (t/data/postconf-names.txt: as
 * postconf -d of Debian 12 prints them with the master.cf of the package) and
 * every name that setups in the field use (t/data/field-names.txt).
 */
#include "tap.h"

#include "mail/param.h"

#include <stdio.h>

static bool
is_known(struct str name)
{
	struct str transport;
	enum param p;

	return param_find(name, &p) ||
	       param_find_transport(name, &transport, &p);
}

static void
test_rows(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PARAM_COUNT; i++) {
		const struct param_row *row = &param_table[i];
		assert_non_null(row->name);
		assert_non_null(row->text);
		assert_true(strlen(row->text) > 8);
		if (i > 0 && strcmp(param_table[i - 1].name, row->name) >= 0)
			fail_msg("%s is not in its place", row->name);
		if (param_works((enum param)i)) {
			assert_true(row->users != 0);
			assert_true(row->max >= row->min);
		}
	}
}

static void
all_known(const char *path, size_t least)
{
	FILE *f = fopen(path, "r");
	char line[256];
	size_t n = 0;

	if (f == NULL)
		fail_msg("%s is not there", path);
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' || line[0] == '\0')
			continue;
		if (!is_known(str_c(line)))
			fail_msg("%s has no row", line);
		n++;
	}
	(void)fclose(f);
	assert_true(n >= least);
}

static void
test_postfix_names(void **state)
{
	(void)state;
	all_known(T_DATA "/postconf-names.txt", 1040);
}

static void
test_field_names(void **state)
{
	(void)state;
	all_known(T_DATA "/field-names.txt", 250);
}

static void
test_find(void **state)
{
	struct str transport;
	enum param p;

	(void)state;
	assert_true(param_find(STR("myhostname"), &p));
	assert_int_equal(p, PARAM_myhostname);
	assert_true(param_find(STR("2bounce_notice_recipient"), &p));
	assert_true(param_find(STR("virtual_uid_maps"), &p));
	assert_false(param_find(STR("myhostnam"), &p));
	assert_false(param_find(STR_NONE, &p));
	assert_false(param_find(STR("zzz"), &p));
	assert_true(param_find_transport(
	    STR("smtp-amavis_destination_recipient_limit"), &transport, &p));
	assert_str(transport, "smtp-amavis");
	assert_int_equal(p, PARAM_default_destination_recipient_limit);
	assert_true(
	    param_find_transport(STR("x_recipient_limit"), &transport, &p));
	assert_int_equal(p, PARAM_default_recipient_limit);
	assert_false(
	    param_find_transport(STR("_recipient_limit"), &transport, &p));
	assert_false(param_find_transport(STR("relayhost"), &transport, &p));
}

static void
test_suggest(void **state)
{
	(void)state;
	assert_string_equal(param_suggest(STR("myhostnaem")), "myhostname");
	assert_string_equal(param_suggest(STR("smtpd_recipient_restriction")),
	    "smtpd_recipient_restrictions");
	assert_null(param_suggest(STR("something_else_altogether")));
	assert_null(param_suggest(STR_NONE));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_rows),
    cmocka_unit_test(test_postfix_names),
    cmocka_unit_test(test_field_names),
    cmocka_unit_test(test_find),
    cmocka_unit_test(test_suggest),
};
TAP_RUN(tests)
