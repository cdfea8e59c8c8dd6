/* SPDX-License-Identifier: ISC */
/*
 * The way of a message into the queue, against a qmgr that this test plays on
 * the other end of a socketpair.
 */
#include "mail/conf_help.h"

#include "base/log.h"
#include "dict/env.h"
#include "fake_qmgr.h"
#include "mail/intake.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* In the place of lib/base/serve.c: a link is to the qmgr above. */
struct serve {
	int unused;
};

int
serve_link(struct serve *sv, const char *service, int64_t deadline)
{
	(void)sv;
	(void)deadline;
	assert_string_equal(service, "qmgr");
	return fake_qmgr_link();
}

struct str
serve_service(const struct serve *sv)
{
	(void)sv;
	return STR("smtpd");
}

static struct {
	struct conf *conf;
	struct router *router;
	struct taker *taker;
	void (*test)(void);
} site;
static struct fake_env env;

#define MAIN_CF                                                                \
	"alias_maps =\nmessage_size_limit = 2000000\nhopcount_limit = 5\n"     \
	"append_dot_mydomain = no\nundisclosed_recipients_header =\n"          \
	"mail_name = Postfix\nvirtual_alias_domains =\n"                       \
	"virtual_alias_maps = inline:{{list@a.example=x@b.example, joe},"      \
	"{bad@a.example=fail}, {ring@a.example=ring2@a.example},"              \
	"{ring2@a.example=ring@a.example}}\n"                                  \
	"virtual_alias_recursion_limit = 10\n"

static void
run_in_task(void *arg)
{
	struct serve *sv = arg;
	struct buf why;

	buf_init(&why, 1000);
	site.taker = taker_new(sv, site.conf, site.router, &env.env, &why);
	assert_string_equal(why.p, "");
	site.test();
	taker_free(&site.taker);
	chan_close(&qmgr.chan);
	buf_done(&why);
}

static void
with_qmgr(void (*test)(void))
{
	struct remarks said;
	struct serve sv;
	struct buf why;

	fake_init(&env);
	fake_qmgr_init();
	buf_init(&why, 1000);
	site.conf = conf_of(MAIN_CF, &said);
	assert_string_equal(said.text, "");
	site.router = router_new(site.conf, &env.env, &why);
	assert_string_equal(why.p, "");
	site.test = test;
	task_start(run_in_task, &sv);
	loop_run();
	router_free(&site.router);
	conf_free(&site.conf);
	fake_qmgr_done();
	buf_done(&why);
}

static const struct intake_origin client = {
    .client = {"c.example[192.0.2.1]", 20},
    .client_name = {"c.example", 9},
    .client_addr = {"192.0.2.1", 9},
    .helo = {"helo.example", 12},
    .proto = {"ESMTP", 5},
};
static const struct intake_origin local = {
    .uid = 1000,
    .is_local_header = true,
};

static struct intake *
begin(const struct intake_origin *o, const char *from, const char *to)
{
	struct intake *t = intake_begin(site.taker, o);
	struct addr sender;

	assert_int_equal(addr_parse(str_c(from), &sender), 0);
	intake_sender(t, sender);
	if (to != NULL) {
		struct recipient r = {str_c(to), str_c(to), STR_NONE, 0, {0}};

		assert_int_equal(intake_recipient(t, &r), 0);
	}
	return t;
}

static void
commit(struct intake **t, enum intake_result want, const char *want_dsn)
{
	struct str dsn, text;

	assert_int_equal(intake_commit(*t, &dsn, &text), want);
	assert_str(dsn, want_dsn);
	assert_true(want == INTAKE_QUEUED || text.len > 0);
	intake_end(t);
	assert_null(*t);
}

/* The content behind the trace line. */
static struct str
received(void)
{
	struct str all;
	ptrdiff_t end;

	assert_int_equal(content_view(qmgr.content, 0, &all), 0);
	assert_true(str_has_prefix(all, STR("Received: ")));
	end = str_find_str(all, STR("(UTC)\n"));
	assert_true(end > 0);
	return str_from(all, (size_t)end + 6);
}

static void
client_test(void)
{
	struct intake *t = begin(&client, "s@s.example", "joe@b.example");
	uint64_t generation;

	assert_int_equal(qid_generation(intake_id(t), &generation), 0);
	assert_int_equal(generation, 1);
	intake_bytes(t, STR("Subject: x\nDelivered-To: A@b.example\nTo: jo"));
	intake_bytes(t, STR("e\nBcc: x\n"));
	intake_bytes(t, STR("\n"));
	intake_bytes(t, STR("body\n.\n\nlast \xff"));
	commit(&t, INTAKE_QUEUED, "");
	assert_string_equal(qmgr.seen.p,
	    "from=s@s.example client=c.example[192.0.2.1] proto=ESMTP hops=1 "
	    "8bit=1 to=joe@b.example(joe@b.example) loop=a@b.example");
	assert_str(received(),
	    "Subject: x\nDelivered-To: A@b.example\nTo: joe\n\n"
	    "body\n.\n\nlast \xff\n");
	/* A line at a time, without an end to the header. */
	t = begin(&client, "", "joe");
	assert_int_equal(intake_line(t, STR("Subject: x")), 0);
	commit(&t, INTAKE_QUEUED, "");
	assert_string_equal(qmgr.seen.p,
	    "from= client=c.example[192.0.2.1] proto=ESMTP hops=1 8bit=0 "
	    "to=joe@mail.example.com(joe)");
	assert_str(received(), "Subject: x\n");
	assert_int_equal(qmgr.joins, 1);
}

static void
test_client(void **state)
{
	(void)state;
	with_qmgr(client_test);
}

static void
local_test(void)
{
	struct intake *t = begin(&local, "joe", "ann");
	struct str text;

	intake_bytes(t, STR("From joe now\nTo: ann\n\nbody"));
	commit(&t, INTAKE_QUEUED, "");
	assert_string_equal(qmgr.seen.p,
	    "from=joe@mail.example.com client=local proto= hops=1 8bit=0 "
	    "to=ann@mail.example.com(ann)");
	text = received();
	assert_true(
	    str_has_prefix(text, STR("To: ann@mail.example.com\nMessage-Id: "
				     "<")));
	assert_true(str_find_str(text, STR("@mail.example.com>\nDate: ")) > 0);
	assert_true(str_has_suffix(
	    text, STR("\nFrom: joe@mail.example.com\n\nbody\n")));
}

static void
test_local(void **state)
{
	(void)state;
	with_qmgr(local_test);
}

static void
extract_test(void)
{
	struct intake_origin o = local;
	struct intake *t;

	o.extract_recipients = true;
	t = begin(&o, "joe", "arg");
	intake_bytes(t, STR("To: a, b@b.example\nCc: a\nBcc: c\n\nbody\n"));
	commit(&t, INTAKE_QUEUED, "");
	assert_non_null(strstr(qmgr.seen.p,
	    " to=arg@mail.example.com(arg) to=a@mail.example.com(a) "
	    "to=b@b.example(b@b.example) to=c@mail.example.com(c)"));
	assert_true(str_find_str(received(), STR("Bcc")) < 0);
	t = begin(&o, "joe", NULL);
	intake_bytes(t, STR("To: a\nResent-To: r\n\nbody\n"));
	commit(&t, INTAKE_QUEUED, "");
	assert_non_null(strstr(qmgr.seen.p, "8bit=0 to=r@mail.example.com(r)"));
	t = begin(&o, "joe", NULL);
	intake_bytes(t, STR("Subject: x\n\nTo: body\n"));
	commit(&t, INTAKE_REFUSED, "5.1.0");
	t = begin(&o, "joe", "arg");
	intake_bytes(t, STR("To: a b c\n\n"));
	commit(&t, INTAKE_REFUSED, "5.1.3");
	assert_int_equal(qmgr.messages, 2);
}

static void
test_extract(void **state)
{
	(void)state;
	with_qmgr(extract_test);
}

static void
expand_test(void)
{
	struct recipient r = {STR("joe"), STR("joe"), STR_NONE, 0, {0}};
	struct intake *t = begin(&client, "s@s.example", "list@a.example");

	intake_recipient(t, &r);
	intake_recipient(t, &r); /* twice: once */
	commit(&t, INTAKE_QUEUED, "");
	assert_non_null(
	    strstr(qmgr.seen.p, "8bit=0 to=x@b.example(list@a.example) "
				"to=joe@mail.example.com(list@a.example) "
				"to=joe@mail.example.com(joe)"));
	t = begin(&client, "s@s.example", "ring@a.example");
	commit(&t, INTAKE_RETRY, "4.6.0");
	assert_int_equal(qmgr.messages, 1);
}

static void
test_expand(void **state)
{
	(void)state;
	with_qmgr(expand_test);
}

static void
limit_test(void)
{
	struct intake *t = begin(&client, "", "joe");
	struct recipient bad = {STR("@"), STR("@"), STR_NONE, 0, {0}};
	char *big = malloc(2000001);

	memset(big, 'x', 2000001);
	big[0] = big[1999999] = '\n';
	assert_int_equal(intake_recipient(t, &bad), -EINVAL);
	/* As large as may be, in one line; and one more. */
	assert_int_equal(intake_bytes(t, str_n(big, 2000000)), 0);
	commit(&t, INTAKE_QUEUED, "");
	assert_true(content_size(qmgr.content) > 2000000);
	assert_int_equal(content_fds(qmgr.content), 8);
	t = begin(&client, "", "joe");
	assert_int_equal(intake_bytes(t, str_n(big, 2000001)), -EMSGSIZE);
	assert_int_equal(intake_bytes(t, STR("x")), -EMSGSIZE);
	commit(&t, INTAKE_REFUSED, "5.3.4");
	/* A header line beyond all bounds. */
	t = begin(&client, "", "joe");
	assert_int_equal(intake_bytes(t, str_n(big + 1, 1500000)), -EMSGSIZE);
	commit(&t, INTAKE_REFUSED, "5.3.4");
	t = begin(&client, "", "joe");
	for (size_t i = 0; i < 5; i++)
		intake_line(t, STR("Received: x"));
	commit(&t, INTAKE_REFUSED, "5.4.6");
	t = begin(&local, "", "joe"); /* qmgr returns it */
	for (size_t i = 0; i < 5; i++)
		intake_line(t, STR("Received: x"));
	commit(&t, INTAKE_QUEUED, "");
	assert_non_null(strstr(qmgr.seen.p, "hops=6"));
	t = begin(&client, "", "joe"); /* given up: nothing happens */
	intake_line(t, STR("x"));
	intake_end(&t);
	assert_int_equal(qmgr.messages, 2);
	free(big);
}

static void
test_limit(void **state)
{
	(void)state;
	with_qmgr(limit_test);
}

static void
trouble_test(void)
{
	struct str dsn = STR_NONE, text = STR_NONE;
	uint64_t generation;
	struct intake *t = begin(&client, "", "joe"), *old;

	/* qmgr says no. */
	qmgr.how = RETRY;
	commit(&t, INTAKE_RETRY, "4.3.1");
	/* The conversation breaks before the answer: asked once. */
	old = begin(&client, "", "joe");
	t = begin(&client, "", "joe");
	qmgr.how = CLOSE;
	commit(&t, INTAKE_RETRY, "4.3.0");
	assert_int_equal(qmgr.messages, 2);
	/* What had an id of that conversation is refused, new ones are not. */
	qmgr.how = ANSWER;
	commit(&old, INTAKE_RETRY, "4.3.0");
	assert_int_equal(qmgr.messages, 2);
	t = begin(&client, "", "joe");
	assert_int_equal(qid_generation(intake_id(t), &generation), 0);
	assert_int_equal(generation, 2);
	intake_parent(t, STR("0000000000z000000"));
	commit(&t, INTAKE_QUEUED, "");
	assert_non_null(strstr(qmgr.seen.p, "parent=0000000000z000000"));
	assert_int_equal(qmgr.joins, 2);
	assert_true(taker_has_room(site.taker, 5000000, &dsn, &text));
	assert_false(taker_has_room(site.taker, 5000001, &dsn, &text));
	assert_str(dsn, "4.3.1");
	assert_str(text, "Insufficient system storage");
}

static void
test_trouble(void **state)
{
	(void)state;
	with_qmgr(trouble_test);
}

static void
state_test(void)
{
	struct queue_state s = {0, 0, STR("4.3.2"), STR("going down")};
	struct str dsn, text;
	struct intake *t;

	assert_true(taker_has_room(site.taker, 1, &dsn, &text));
	t = begin(&client, "", "joe");
	commit(&t, INTAKE_QUEUED, "");
	chan_send(qmgr.chan, QUEUE_STATE, 0, &s, NULL, 0);
	for (int i = 0; i < 10; i++)
		task_yield();
	task_sleep(clock_after(20 * CLOCK_MS));
	assert_false(taker_has_room(site.taker, 1, &dsn, &text));
	assert_str(dsn, "4.3.2");
	assert_str(text, "going down");
}

static void
test_state(void **state)
{
	(void)state;
	with_qmgr(state_test);
}

static int
start_loop(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	log_init("test");
	return loop_init();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_client),
	    cmocka_unit_test(test_local),
	    cmocka_unit_test(test_extract),
	    cmocka_unit_test(test_expand),
	    cmocka_unit_test(test_limit),
	    cmocka_unit_test(test_trouble),
	    cmocka_unit_test(test_state),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, start_loop, NULL);
}
