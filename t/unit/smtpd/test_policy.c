/* SPDX-License-Identifier: ISC */
/* What a policy server says, line by line. */
#include "guard.h"
#include "tap.h"

#include "policy.h"

#include <errno.h>

static const struct {
	const char *lines; /* LF between them */
	int want;
	const char *action;
} rows[] = {
    {"action=DUNNO\n\n", 1, "DUNNO"},
    {"action=REJECT 5.7.1 a=b\n\n", 1, "REJECT 5.7.1 a=b"},
    {" action = OK \n\n", 1, "OK"},
    {"x=y\naction=A\naction=B\nz=\n\n", 1, "A"},
    {"action=\n\n", 1, ""},
    {"action=A", 0, NULL},
    {"x=y", 0, NULL},
    {"\n", -EBADMSG, NULL},
    {"x=y\n\n", -EBADMSG, NULL},
    {"action\n", -EBADMSG, NULL},
    {"Action=A\n\n", -EBADMSG, NULL},
    {"action=A\nno attribute\n\n", -EBADMSG, NULL},
};

static int
read_reply(struct str text, struct arena *a, struct policy_reply *ret)
{
	struct str line;
	int r = 0;

	*ret = (struct policy_reply){.action = STR_NONE};
	while (r == 0 && str_line(&text, &line)) {
		struct str copy = guard_copy(line);

		r = policy_reply_line(ret, copy, a);
		guard_free(copy);
	}
	return r;
}

static void
test_rows(void **state)
{
	ARENA_CLEANUP struct arena a = {0};
	struct policy_reply reply;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    read_reply(str_c(rows[i].lines), &a, &reply), rows[i].want);
		if (rows[i].action != NULL)
			assert_str(reply.action, rows[i].action);
	}
}

static void
test_too_many_lines(void **state)
{
	ARENA_CLEANUP struct arena a = {0};
	struct policy_reply reply = {.action = STR_NONE};
	int r = 0;

	(void)state;
	arena_init(&a, 1 << 20);
	for (int i = 0; i < POLICY_LINES_MAX; i++)
		r |= policy_reply_line(&reply, STR("x=y"), &a);
	assert_int_equal(r, 0);
	assert_int_equal(
	    policy_reply_line(&reply, STR("action=OK"), &a), -EBADMSG);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_rows),
    cmocka_unit_test(test_too_many_lines),
};
TAP_RUN(tests)
