/* SPDX-License-Identifier: ISC */
/* Users' commands, run by a child of the broker's. */
#include "children.h"

#include <sched.h>

static void
run_one(void *arg)
{
	run_result = give_one(SPAWN_COMMAND, arg);
	loop_stop();
}

static struct want
make_command(const char *text)
{
	return (struct want){
	    .id = "q1",
	    .action = {.kind = ACTION_COMMAND,
		.path = str_c(text),
		.user = STR("user"),
		.home = str_c(scratch),
		.relay = STR("local")},
	    .header = "Return-Path: <a@b>\n",
	    .content = STR("Subject: x\n\nbody\n"),
	};
}

static void
run(const char *text)
{
	struct want w = make_command(text);

	ntold = 0;
	run_task(run_one, &w);
	assert_int_equal(run_result, 0);
}

static void
test_message_in(void **state)
{
	char *got;

	(void)state;
	run("cat > got");
	assert_told(
	    0, OUTCOME_SENT, "2.0.0", "delivered to command: cat > got");
	got = read_text("got", NULL);
	assert_int_equal(strncmp(got, "From sender@example.com ", 24), 0);
	assert_string_equal(
	    strchr(got, '\n') + 1, "Return-Path: <a@b>\nSubject: x\n\nbody\n");
	free(got);
}

static void
test_large_message(void **state)
{
	size_t n = 2 * CONTENT_CHUNK + 1000;
	char *bytes = malloc(n), *got;
	struct want w = make_command("cat > got");
	size_t len;

	(void)state;
	memset(bytes, 'w', n);
	w.content = str_n(bytes, n);
	run_task(run_one, &w);
	assert_told(
	    0, OUTCOME_SENT, "2.0.0", "delivered to command: cat > got");
	got = read_text("got", &len);
	assert_memory_equal(got + len - n, bytes, n);
	free(got);
	/* One who reads nothing of it is not at fault. */
	w.action.path = STR("true");
	run_task(run_one, &w);
	assert_told(1, OUTCOME_SENT, "2.0.0", "delivered to command: true");
	free(bytes);
}

/* What fits is in a pipe as ever; and what does not is none the less whole. */
static void
test_input(void **state)
{
	const size_t most = 1024 * 1024;
	char *bytes = malloc(most + 1000), *got;
	struct want w = make_command(
	    "cat > got; [ ! -p /dev/stdin ] || printf pipe; exit 75");
	size_t npipes = 0, len;

	(void)state;
	memset(bytes, 'w', most + 1000);
	for (size_t n = 1; n < most + 1000; n += n < 5000 ? 499 : 130007) {
		w.content = str_n(bytes, n);
		ntold = 0;
		run_task(run_one, &w);
		assert_int_equal(told[0].state, OUTCOME_DEFERRED);
		got = read_text("got", &len);
		assert_int_equal(strncmp(got, "From sender", 11), 0);
		assert_true(len > n);
		assert_memory_equal(got + len - n - 1, "\n", 1);
		assert_memory_equal(got + len - n, bytes, n);
		free(got);
		if (strstr(told[0].text, "pipe") == NULL)
			assert_true(n > most / 2);
		else
			npipes++;
	}
	assert_true(npipes >= 12);
	assert_null(strstr(told[0].text, "pipe"));
	free(bytes);
}

/* The suite's programs yield to each other; a user's does as any other. */
static void
test_turns(void **state)
{
	const struct sched_param none = {0};

	(void)state;
	sched_setscheduler(0, SCHED_BATCH, &none);
	run("cat > /dev/null; cut -d ' ' -f 41 /proc/self/stat; exit 75");
	sched_setscheduler(0, SCHED_OTHER, &none);
	assert_told(0, OUTCOME_DEFERRED, "4.3.0",
	    "temporary failure. Command output: 0");
}

static void
test_outcomes(void **state)
{
	(void)state;
	run("echo busy; exit 75");
	assert_told(0, OUTCOME_DEFERRED, "4.3.0",
	    "temporary failure. Command output: busy");
	run("echo who >&2; exit 67");
	assert_told(
	    0, OUTCOME_BOUNCED, "5.1.1", "user unknown. Command output: who");
	run("echo 4.2.2 full; exit 1");
	assert_told(0, OUTCOME_DEFERRED, "4.2.2", "full");
	run("kill -9 $$");
	assert_told(0, OUTCOME_DEFERRED, "4.3.0",
	    "Command died with signal 9: \"kill -9 $$\"");
	run("/no/such/program -x");
	assert_int_equal(told[0].state, OUTCOME_BOUNCED);
	assert_string_equal(told[0].dsn, "5.3.0");
	run("printf 'a\\000b'; exit 75");
	assert_told(0, OUTCOME_DEFERRED, "4.3.0",
	    "temporary failure. Command output: a b");
}

/* More output than anybody wants, and some after the end. */
static void
test_much_output(void **state)
{
	(void)state;
	run("head -c 1000000 /dev/zero | tr '\\000' z; exit 75");
	assert_int_equal(told[0].state, OUTCOME_DEFERRED);
	assert_int_equal(strlen(told[0].text), OUTCOME_TEXT_MAX);
	run("(sleep 5; echo late) & echo early; exit 75");
	assert_told(0, OUTCOME_DEFERRED, "4.3.0",
	    "temporary failure. Command output: early");
}

/* All of the session dies at the time limit. */
static void
test_time_limit(void **state)
{
	struct want w = make_command(
	    "(sleep 60; echo x > late) & echo $! > pid; cat > got; sleep 60");
	int64_t start;
	char *got;
	pid_t pid;

	(void)state;
	w.action.time_limit = 1;
	clock_update();
	start = clock_mono();
	run_task(run_one, &w);
	clock_update();
	assert_true(clock_mono() - start < 8 * CLOCK_SEC);
	assert_int_equal(told[0].state, OUTCOME_DEFERRED);
	assert_string_equal(told[0].dsn, "4.3.0");
	assert_int_equal(
	    strncmp(told[0].text, "Command time limit exceeded: \"(", 31), 0);
	got = read_text("pid", NULL);
	pid = (pid_t)strtol(got, NULL, 10);
	free(got);
	for (int i = 0; i < 100 && kill(pid, 0) == 0; i++)
		usleep(20000);
	assert_int_equal(kill(pid, 0), -1);
}

/* Who it is, what it has, where it is. */
static void
test_surroundings(void **state)
{
	char *got, want[200];

	(void)state;
	run("(id -u; id -g; pwd; umask; ls /proc/self/fd | wc -w; "
	    "env | cut -d= -f1 | sort | tr '\\n' ' ') > got");
	assert_int_equal(told[0].state, OUTCOME_SENT);
	got = read_text("got", NULL);
	/* 0, 1, 2, and the descriptor by which ls reads the directory. */
	snprintf(want, sizeof(want),
	    "%d\n%d\n%s\n0077\n4\nDOMAIN EXTENSION HOME LANG LOCAL LOGNAME "
	    "ORIGINAL_RECIPIENT PATH PWD RECIPIENT SENDER SHELL USER ",
	    (int)child_uid, (int)child_gid, scratch);
	assert_string_equal(got, want);
	free(got);
	run("echo $EXTENSION $RECIPIENT $SENDER > got");
	assert_file("got", "ext user+ext@example.org sender@example.com\n");
	run("grep -E '^(CapEff|CapPrm|CapInh|CapAmb|NoNewPrivs|SigBlk|SigIgn)' "
	    "/proc/self/status | tr -d '\\t' > got");
	assert_file("got", "SigBlk:0000000000000000\nSigIgn:0000000000000000\n"
			   "CapInh:0000000000000000\nCapPrm:0000000000000000\n"
			   "CapEff:0000000000000000\nCapAmb:0000000000000000\n"
			   "NoNewPrivs:0\n");
	settings.command_no_new_privs = true;
	run("grep ^NoNewPrivs /proc/self/status | tr -d '\\t' > got");
	settings.command_no_new_privs = false;
	assert_file("got", "NoNewPrivs:1\n");
}

/* The text is run as it stands: an address does not get into it. */
static void
test_no_shell_for_words(void **state)
{
	(void)state;
	run("/bin/touch a.b");
	assert_told(
	    0, OUTCOME_SENT, "2.0.0", "delivered to command: /bin/touch a.b");
	assert_int_equal(faccessat(scratch_fd, "a.b", F_OK, 0), 0);
	run("touch '$RECIPIENT'");
	assert_int_equal(faccessat(scratch_fd, "$RECIPIENT", F_OK, 0), 0);
}

/* It does not write files for us. */
static void
test_wrong_kind(void **state)
{
	struct want w = make_command("box");

	(void)state;
	w.action.kind = ACTION_MBOX;
	run_task(run_one, &w);
	assert_told(
	    0, OUTCOME_DEFERRED, "4.3.5", "this is no command to be run");
}

static struct chan *left;

static void
ask_and_be_left(void *arg)
{
	run_result = give_job(left, arg);
}

static bool
has_text(const char *name)
{
	struct stat st;

	return fstatat(scratch_fd, name, &st, 0) == 0 && st.st_size > 0;
}

/* Two of one recipient, of which the second has to wait; then leave. */
static void
leave_two(void *arg)
{
	struct spawn_ask ask = make_ask(SPAWN_COMMAND);
	int64_t deadline = SOON;
	char *pid;
	pid_t child;

	left = chan_new(ask_child(&ask), &job_protocol, NULL, NULL);
	task_start(ask_and_be_left, arg);
	task_start(ask_and_be_left, arg);
	while (!has_text("ran") && clock_mono() < deadline)
		task_sleep(clock_after(10 * CLOCK_MS));
	chan_close(&left);
	task_sleep(clock_after(200 * CLOCK_MS)); /* it hears that first */
	close(openat(scratch_fd, "go", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	pid = read_text("ran", NULL);
	child = (pid_t)strtol(pid, NULL, 10);
	free(pid);
	while (kill(child, 0) == 0 && clock_mono() < deadline)
		task_sleep(clock_after(10 * CLOCK_MS));
	assert_int_equal(kill(child, 0), -1);
	loop_stop();
}

/* Whoever has not heard of it asks another child: it is not to run twice. */
static void
test_not_begun(void **state)
{
	struct want w = make_command("echo $PPID >> ran; "
				     "until test -e go; do sleep 0.05; done");
	char *ran;

	(void)state;
	settings.commands_max = 1;
	run_task(leave_two, &w);
	settings.commands_max = 0;
	assert_int_equal(run_result, -EPIPE);
	ran = read_text("ran", NULL);
	assert_ptr_equal(strchr(ran, '\n'), strrchr(ran, '\n'));
	free(ran);
}

#define COMMAND_TEST(f)                                                        \
	cmocka_unit_test_setup_teardown(f, start_broker, stop_broker)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    COMMAND_TEST(test_message_in),
	    COMMAND_TEST(test_large_message),
	    COMMAND_TEST(test_input),
	    COMMAND_TEST(test_outcomes),
	    COMMAND_TEST(test_turns),
	    COMMAND_TEST(test_much_output),
	    COMMAND_TEST(test_time_limit),
	    COMMAND_TEST(test_surroundings),
	    COMMAND_TEST(test_no_shell_for_words),
	    COMMAND_TEST(test_wrong_kind),
	    COMMAND_TEST(test_not_begun),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
