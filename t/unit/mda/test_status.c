/* SPDX-License-Identifier: ISC */
/* What a command's end and output become. */
#include "jobs.h"

#include "status.h"

#define EXIT(n)   ((n) << 8)
#define SIGNAL(n) (n)

static struct delivery *taken;

static void
take(struct delivery *d)
{
	taken = d;
}

static void
check(int status, struct str output, uint64_t state, const char *dsn,
    const char *text)
{
	const struct want w = {
	    .id = "id", .action = {.path = {"my command", 10}}, .header = ""};

	ntold = 0;
	job_start(make_job(&w), take);
	status_tell(taken, status, output);
	assert_int_equal(ntold, 1);
	assert_told(0, state, dsn, text);
	assert_int_equal(told[0].is_verdict, state != OUTCOME_SENT);
}

static void
test_statuses(void **state)
{
	(void)state;
	check(EXIT(0), STR("chatter"), OUTCOME_SENT, "2.0.0",
	    "delivered to command: my command");
	check(
	    EXIT(75), STR(""), OUTCOME_DEFERRED, "4.3.0", "temporary failure");
	check(EXIT(75), STR("later, please\n"), OUTCOME_DEFERRED, "4.3.0",
	    "temporary failure. Command output: later, please");
	check(EXIT(71), STR(""), OUTCOME_DEFERRED, "4.3.0",
	    "system resource problem");
	check(EXIT(67), STR(""), OUTCOME_BOUNCED, "5.1.1", "user unknown");
	check(EXIT(69), STR("no\r\nway\r\n"), OUTCOME_BOUNCED, "5.3.0",
	    "service unavailable. Command output: no  way");
	check(EXIT(77), STR(""), OUTCOME_BOUNCED, "5.7.0", "permission denied");
	check(EXIT(1), STR("oops"), OUTCOME_BOUNCED, "5.3.0",
	    "Command died with status 1: \"my command\". "
	    "Command output: oops");
	check(EXIT(127), STR(""), OUTCOME_BOUNCED, "5.3.0",
	    "Command died with status 127: \"my command\"");
	check(SIGNAL(9), STR(""), OUTCOME_DEFERRED, "4.3.0",
	    "Command died with signal 9: \"my command\"");
}

static void
test_codes_in_output(void **state)
{
	static const char *const no_codes[] = {"2.0.0 fine", "5.1 short",
	    "5.1.1", "5.1.1 ", "5.1.1000 x", "5.1.x x", "5..1 x", "5.1.1.1 x",
	    "6.1.1 x", ".5.1.1 x", "5.1.1. x", "55.1.1 x"};

	(void)state;
	check(EXIT(1), STR("4.2.2 mailbox full\n"), OUTCOME_DEFERRED, "4.2.2",
	    "mailbox full");
	check(EXIT(75), STR("5.7.1 go away"), OUTCOME_BOUNCED, "5.7.1",
	    "go away");
	check(EXIT(1), STR("5.999.999 x"), OUTCOME_BOUNCED, "5.999.999", "x");
	for (size_t i = 0; i < sizeof(no_codes) / sizeof(no_codes[0]); i++) {
		char text[200];

		snprintf(text, sizeof(text),
		    "temporary failure. Command output: %.*s",
		    STR_ARG(str_trim(str_c(no_codes[i]))));
		check(EXIT(75), str_c(no_codes[i]), OUTCOME_DEFERRED, "4.3.0",
		    text);
	}
}

/* An outcome is one line of bounded length, whatever was printed. */
static void
test_hostile_output(void **state)
{
	char noise[STATUS_OUTPUT_MAX];

	(void)state;
	check(EXIT(75), STR("a\tb\x1b[2J\x7f"), OUTCOME_DEFERRED, "4.3.0",
	    "temporary failure. Command output: a b [2J");
	memset(noise, 'x', sizeof(noise));
	ntold = 0;
	check(EXIT(0), str_n(noise, sizeof(noise)), OUTCOME_SENT, "2.0.0",
	    "delivered to command: my command");
	{
		const struct want w = {.id = "id", .header = ""};

		ntold = 0;
		job_start(make_job(&w), take);
		status_tell(taken, EXIT(75), str_n(noise, sizeof(noise)));
		assert_int_equal(strlen(told[0].text), OUTCOME_TEXT_MAX);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_statuses),
    cmocka_unit_test(test_codes_in_output),
    cmocka_unit_test(test_hostile_output),
};

TAP_RUN(tests)
