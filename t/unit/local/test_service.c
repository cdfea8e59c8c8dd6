/* SPDX-License-Identifier: ISC */
/* Questions over a conversation, and one that ends before the answer. */
#include "fake.h"

#include "service.h"

#include "base/task.h"

static struct fake_host host;
static struct task_queue gate; /* where a reader waits to be let on */
static unsigned waiting;

static enum find
read_slowly(void *arg, const struct world_file *f, struct arena *a,
    struct str *ret_text, struct str *ret_why)
{
	(void)arg;
	(void)f;
	(void)a;
	(void)ret_text;
	waiting++;
	task_wait(&gate, CLOCK_NEVER);
	waiting--;
	*ret_why = STR("was interrupted");
	return FIND_RETRY;
}

static void
check_call(struct chan *c, const char *transport, const char *rcpt,
    const char *expected)
{
	const struct expand_ask ask = {
	    .id = STR("4XyZ12345678"),
	    .transport = str_c(transport),
	    .sender = STR("s@out.test"),
	    .recipient = {.address = str_c(rcpt)},
	};
	BUF_CLEANUP struct buf got = {0};
	struct parcel answer;

	buf_init(&got, 1000);
	assert_int_equal(chan_call(c, EXPAND_ASK, &ask, NULL, 0, &answer,
			     clock_after(10 * CLOCK_SEC)),
	    0);
	assert_int_equal(answer.kind, EXPAND_ANSWER);
	fake_show(answer.value, &got);
	assert_string_equal(got.p, expected);
	parcel_done(&answer);
}

static void
run(void *arg)
{
	const struct expand_ask ask = {
	    .transport = STR("local"),
	    .recipient = {.address = STR("ann@here.test")},
	};
	struct chan *c;
	int fds[2];

	(void)arg;
	assert_int_equal(chan_pair(fds), 0);
	service_open(host.site, fds[0]);
	c = chan_new(fds[1], &expand_protocol, NULL, NULL);
	check_call(c, "local", "ann@here.test",
	    "mbox 1001:11001+8 [/var/mail] ann to ann@here.test");
	check_call(c, "virtual", "ann@here.test",
	    "bounced 5.1.1 unknown user: \"ann@here.test\"");

	/* Two that wait, while a third is answered. */
	host.site->world.read = read_slowly;
	assert_int_equal(chan_send(c, EXPAND_ASK, 1, &ask, NULL, 0), 0);
	assert_int_equal(chan_send(c, EXPAND_ASK, 2, &ask, NULL, 0), 0);
	check_call(c, "local", "nosuch@here.test",
	    "bounced 5.1.1 unknown user: \"nosuch\"");
	assert_int_equal(waiting, 2);

	/* The asker leaves: what is open comes to its end all the same. */
	chan_close(&c);
	for (int i = 0; i < 10; i++)
		task_yield();
	task_wake_all(&gate);
	for (int i = 0; i < 10; i++)
		task_yield();
	assert_int_equal(waiting, 0);
	loop_stop();
}

static void
test_service(void **state)
{
	(void)state;
	fake_open_host(&host, "myhostname = mx.here.test\n"
			      "mydestination = here.test\n"
			      "alias_maps =\n");
	task_queue_init(&gate);
	assert_int_equal(loop_init(), 0);
	task_start(run, NULL);
	loop_run();
	fake_close_host(&host);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_service),
};

TAP_RUN(tests)
