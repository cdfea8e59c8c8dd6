/* SPDX-License-Identifier: ISC */
/* The broker: whom it makes, whom it does not, and when children end. */
#include "children.h"

#include <sys/wait.h>

static const struct want maildir = {
    .id = "q1",
    .action = {.kind = ACTION_MAILDIR,
	.path = {"Maildir/", 8},
	.relay = {"local", 5}},
    .header = "",
    .content = {"Subject: x\n\nbody\n", 17},
};

/* ---- what is asked for, and the answer ---- */

static int answers[16];

static void
ask_what_is_refused(void *arg)
{
	struct spawn_ask ask = make_ask(SPAWN_DELIVER);
	int n = 0;

	(void)arg;
	ask.uid = 0;
	answers[n++] = ask_child(&ask);
	ask = make_ask(SPAWN_DELIVER);
	ask.role = 0;
	answers[n++] = ask_child(&ask);
	ask = make_ask(SPAWN_DELIVER);
	ask.root = STR("relative");
	answers[n++] = ask_child(&ask);
	ask.root = STR("");
	answers[n++] = ask_child(&ask);
	ask = make_ask(SPAWN_DELIVER);
	ask.gid = 0;
	answers[n++] = ask_child(&ask);
	loop_stop();
}

static void
test_refused(void **state)
{
	(void)state;
	run_task(ask_what_is_refused, NULL);
	assert_int_equal(answers[0], -EPERM);
	assert_int_equal(answers[1], -EINVAL);
	assert_int_equal(answers[2], -EINVAL);
	assert_int_equal(answers[3], -EINVAL);
	if (geteuid() == 0)
		assert_int_equal(answers[4], -EPERM);
	else
		close(answers[4]);
}

/* ---- jobs ---- */

static void
deliver_one(void *arg)
{
	run_result = give_one(SPAWN_DELIVER, arg);
	loop_stop();
}

static void
test_maildir(void **state)
{
	char name[256], path[300];
	struct stat st;

	(void)state;
	run_task(deliver_one, &maildir);
	assert_int_equal(run_result, 0);
	assert_told(0, OUTCOME_SENT, "2.0.0", "delivered to maildir");
	assert_int_equal(count_files("Maildir/new", name), 1);
	snprintf(path, sizeof(path), "Maildir/new/%s", name);
	assert_int_equal(fstatat(scratch_fd, path, &st, 0), 0);
	assert_int_equal(st.st_uid, child_uid);
	assert_int_equal(st.st_gid, child_gid);
	assert_int_equal(st.st_mode & 07777, 0600);
}

/* As /var/mail is: the group's to write, and sticky for the group. */
static void
test_spool(void **state)
{
	struct want w = maildir;
	struct stat st;

	(void)state;
	w.action.kind = ACTION_MBOX;
	w.action.path = STR("joe");
	w.action.user = STR("joe");
	run_task(deliver_one, &w);
	assert_told(0, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	assert_int_equal(fstatat(scratch_fd, "joe", &st, 0), 0);
	assert_int_equal(st.st_uid, child_uid);
	assert_int_equal(count_files(".", NULL), 1);
}

struct spool_ask {
	struct spawn_ask ask;
	struct want want;
};

static void
deliver_asked(void *arg)
{
	struct spool_ask *s = arg;
	int fd = ask_child(&s->ask);
	struct chan *c;

	if (fd >= 0) {
		c = chan_new(fd, &job_protocol, NULL, NULL);
		run_result = give_job(c, &s->want);
		chan_close(&c);
	}
	loop_stop();
}

static void
test_spool_of_group(void **state)
{
	struct spool_ask s = {.ask = make_ask(SPAWN_DELIVER), .want = maildir};

	(void)state;
	if (geteuid() != 0)
		return; /* nobody else has groups to give */
	s.want.action.kind = ACTION_MBOX;
	s.want.action.path = STR("joe");
	s.want.action.user = STR("joe");
	assert_int_equal(chown(scratch, 0, 4800), 0);
	assert_int_equal(chmod(scratch, 02775), 0);
	run_task(deliver_asked, &s);
	assert_told(0, OUTCOME_DEFERRED, "4.2.0",
	    "cannot update mailbox joe for user joe: Permission denied");
	s.ask.mail_gid = 4800;
	run_task(deliver_asked, &s);
	assert_told(1, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
	/* A mailbox that is there is written without that right, and without
	 * a lock file then. */
	s.ask.mail_gid = 0;
	run_task(deliver_asked, &s);
	assert_told(2, OUTCOME_SENT, "2.0.0", "delivered to mailbox");
}

static void
test_no_root(void **state)
{
	struct spool_ask s = {.ask = make_ask(SPAWN_DELIVER), .want = maildir};

	(void)state;
	s.ask.root = STR("/no/such/home");
	run_task(deliver_asked, &s);
	assert_told(0, OUTCOME_DEFERRED, "4.2.0",
	    "cannot open /no/such/home: No such file or directory");
}

/* Several jobs of one conversation at once, of both kinds. */
#define JOBS 40

static struct chan *conversation;
static int done, given;

static void
give_in_parallel(void *arg)
{
	struct want w = maildir;
	int i = (int)(intptr_t)arg;
	char id[16];

	snprintf(id, sizeof(id), "q%d", i);
	w.id = id;
	if (i % 4 == 0) {
		w.action.kind = ACTION_MBOX;
		w.action.path = STR("box");
	}
	given += give_job(conversation, &w) == 0;
	if (++done < JOBS)
		return;
	chan_close(&conversation);
	loop_stop();
}

static void
start_parallel(void *arg)
{
	struct spawn_ask ask = make_ask(SPAWN_DELIVER);
	int fd = ask_child(&ask);

	(void)arg;
	conversation = chan_new(fd, &job_protocol, NULL, NULL);
	for (intptr_t i = 0; i < JOBS; i++)
		task_start(give_in_parallel, (void *)i);
}

static void
test_parallel(void **state)
{
	(void)state;
	done = given = 0;
	run_task(start_parallel, NULL);
	assert_int_equal(given, JOBS);
	assert_int_equal(ntold, JOBS);
	for (size_t i = 0; i < ntold; i++)
		assert_int_equal(told[i].state, OUTCOME_SENT);
	assert_int_equal(count_files("Maildir/new", NULL), JOBS * 3 / 4);
}

/* ---- how many, and how long ---- */

static int first_refusal, after_release;

static void
ask_too_many(void *arg)
{
	struct spawn_ask ask = make_ask(SPAWN_COMMAND);
	static int fds[SPAWN_MAX + 1];
	int n = 0;

	(void)arg;
	while (n <= SPAWN_MAX && (fds[n] = ask_child(&ask)) >= 0)
		n++;
	first_refusal = n;
	answers[0] = fds[n];
	while (n > 0)
		close(fds[--n]);
	/* They see the end, and theirs is seen by the broker. */
	for (int i = 0; i < 200; i++) {
		after_release = ask_child(&ask);
		if (after_release != -EAGAIN)
			break;
		task_sleep(clock_after(50 * CLOCK_MS));
	}
	if (after_release >= 0)
		close(after_release);
	loop_stop();
}

static void
test_how_many(void **state)
{
	(void)state;
	run_task(ask_too_many, NULL);
	assert_int_equal(first_refusal, SPAWN_MAX);
	assert_int_equal(answers[0], -EAGAIN);
	assert_true(after_release >= 0);
}

static int64_t lived;

static void
wait_for_its_end(void *arg)
{
	struct spawn_ask ask = make_ask(SPAWN_DELIVER);
	int fd = ask_child(&ask);
	int64_t start;
	struct io io;
	char bytes[1000];

	(void)arg;
	clock_update();
	start = clock_mono();
	if (fd >= 0 && io_init(&io, fd) == 0) {
		while (io_read(&io, bytes, sizeof(bytes), SOON) > 0)
			;
		clock_update();
		lived = clock_mono() - start;
		io_done(&io);
	}
	loop_stop();
}

static void
test_idle_ends(void **state)
{
	(void)state;
	run_task(wait_for_its_end, NULL);
	assert_true(lived >= (SPAWN_IDLE_SECONDS - 1) * CLOCK_SEC);
	assert_true(lived < (SPAWN_IDLE_SECONDS + 5) * CLOCK_SEC);
}

#define SPAWN_TEST(f)                                                          \
	cmocka_unit_test_setup_teardown(f, start_broker, stop_broker)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SPAWN_TEST(test_refused),
	    SPAWN_TEST(test_maildir),
	    SPAWN_TEST(test_spool),
	    SPAWN_TEST(test_spool_of_group),
	    SPAWN_TEST(test_no_root),
	    SPAWN_TEST(test_parallel),
	    SPAWN_TEST(test_how_many),
	    SPAWN_TEST(test_idle_ends),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
