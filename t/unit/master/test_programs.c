/* SPDX-License-Identifier: ISC */
#include "tap.h"

#include "programs.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

/* The whole table, so that a new row is a decision twice. */
static const char *const allowed[] = {
    "smtpd qmgr",
    "smtpd dns",
    "smtpd lookup",
    "smtpd keys",
    "smtpd auth",
    "auth pam",
    "smtpd memo",
    "pickup qmgr",
    "pickup lookup",
    "bounce qmgr",
    "bounce lookup",
    "qmgr local",
    "qmgr mda",
    "qmgr bounce",
    "qmgr smtp",
    "qmgr lookup",
    "local mda",
    "local lookup",
    "smtp dns",
    "smtp lookup",
    "smtp keys",
    "smtp bounce",
};
#define NALLOWED (sizeof(allowed) / sizeof(allowed[0]))

static bool
is_allowed(const char *client, const char *server)
{
	char pair[64];

	snprintf(pair, sizeof(pair), "%s %s", client, server);
	for (size_t i = 0; i < NALLOWED; i++)
		if (strcmp(allowed[i], pair) == 0)
			return true;
	return false;
}

static void
only_these_talk(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t c = 0; c < PROGRAMS; c++) {
		for (size_t s = 0; s < PROGRAMS; s++) {
			bool may = program_may_talk(&programs[c], &programs[s]);

			assert_int_equal(may,
			    is_allowed(programs[c].name, programs[s].name));
			n += may;
		}
	}
	assert_int_equal(n, NALLOWED);
}

static void
each_has_its_own_user(void **state)
{
	(void)state;
	for (size_t i = 0; i < PROGRAMS; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(
			    programs[i].user, programs[k].user);
}

/* Those of mda, and for keys to lock its memory. */
static void
two_keep_capabilities(void **state)
{
	(void)state;
	for (size_t i = 0; i < PROGRAMS; i++) {
		unsigned caps = programs[i].keep_caps;

		if (strcmp(programs[i].name, "mda") == 0)
			assert_int_equal(
			    caps, 1u << CAP_SETUID | 1u << CAP_SETGID);
		else if (strcmp(programs[i].name, "keys") == 0)
			assert_int_equal(caps, 1u << CAP_IPC_LOCK);
		else
			assert_int_equal(caps, 0);
	}
}

static void
programs_are_found_by_name(void **state)
{
	(void)state;
	assert_string_equal(program_find(STR("qmgr"))->user, "valija-queue");
	assert_null(program_find(STR("cleanup")));
	assert_null(program_find(STR("")));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(only_these_talk),
    cmocka_unit_test(each_has_its_own_user),
    cmocka_unit_test(two_keep_capabilities),
    cmocka_unit_test(programs_are_found_by_name),
};

TAP_RUN(tests)
