/* SPDX-License-Identifier: ISC */
/* A program in a child, and this test as its master. */
#include "tap.h"

#include "base/control.h"
#include "base/file.h"
#include "base/serve.h"
#include "base/serve_args.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the program ---- */

static const struct sandbox sandbox = {.chroot = true};

/* A conversation of one number there and one back. */
struct ask {
	uint64_t n;
};
static const struct field ask_fields[] = {
    SHAPE_U64(struct ask, n, 1000),
};
static const struct shape ask_shape = SHAPE("ask", struct ask, ask_fields);
static const struct shape *const ask_shapes[] = {&ask_shape};
static const struct protocol ask_protocol = {"ask", 1, ask_shapes, 1};

static struct link *other;

/* Ask twice; the one who answers leaves after each answer. */
static void
ask_other(void *arg)
{
	struct serve *sv = arg;
	char text[64];
	uint64_t sum = 0;
	int r = 0;

	for (uint64_t i = 1; r == 0 && i <= 2; i++) {
		struct ask ask = {i};
		struct parcel p;

		r = link_call(
		    other, 0, &ask, NULL, 0, &p, clock_after(5 * CLOCK_SEC));
		if (r < 0)
			break;
		sum += ((const struct ask *)p.value)->n;
		parcel_done(&p);
	}
	snprintf(text, sizeof(text), "sum %d", r < 0 ? r : (int)sum);
	serve_status(sv, text);
	r = serve_link(sv, "forbidden", clock_after(5 * CLOCK_SEC));
	snprintf(text, sizeof(text), "forbidden %d", r);
	serve_status(sv, text);
}

static int
start(struct serve *sv)
{
	char text[128], byte = 0;
	int fd = serve_gift(sv, STR("file:x"));

	if (fd >= 0 && pread(fd, &byte, 1, 0) != 1)
		return -EIO;
	snprintf(text, sizeof(text), "%.*s %.*s %llu %zu %c",
	    STR_ARG(serve_service(sv)), STR_ARG(serve_config(sv)),
	    (unsigned long long)serve_generation(sv), serve_gifts(sv), byte);
	serve_status(sv, text);
	other = link_new(sv, "other", &ask_protocol, NULL, NULL);
	task_start(ask_other, sv);
	return 0;
}

static void
linked(struct serve *sv, struct str client, int fd)
{
	char text[64];

	snprintf(text, sizeof(text), "linked %.*s", STR_ARG(client));
	serve_status(sv, text);
	close(fd);
}

static void
reconfigure(struct serve *sv, struct str config)
{
	char text[64], byte = 0;

	if (pread(serve_gift(sv, STR("file:x")), &byte, 1, 0) != 1)
		byte = '?';
	snprintf(text, sizeof(text), "again %.*s %llu %zu %c", STR_ARG(config),
	    (unsigned long long)serve_generation(sv), serve_gifts(sv), byte);
	serve_status(sv, text);
}

static void
drain(struct serve *sv)
{
	if (serve_is_urgent(sv))
		serve_exit(sv, 7);
	else
		serve_status(sv, "draining");
}

static _Noreturn void
be_program(int control)
{
	static const struct program program = {
	    .name = "test",
	    .sandbox = &sandbox,
	    .start = start,
	    .linked = linked,
	    .reconfigure = reconfigure,
	    .drain = drain,
	};
	char name[] = "test";
	char *argv[] = {name, NULL};

	dup2(control, CONTROL_FD);
	optind = 1;
	_exit(serve_main(&program, 1, argv));
}

/* ---- its master ---- */

struct master {
	struct chan *control;
	struct chan *answering; /* as "other" */
	pid_t pid;
	bool is_ready;
	unsigned done; /* answers to what it was asked */
	char text[256];
	struct task_queue heard;
};

static void
answer(struct chan *c, struct parcel *p, void *arg)
{
	struct master *m = arg;
	struct ask back = {10 * ((const struct ask *)p->value)->n};

	chan_send(c, 0, p->exchange, &back, NULL, 0);
	chan_close(&m->answering);
}

static const struct chan_events answer_events = {.on_parcel = answer};

static void
give_link(struct master *m, uint32_t exchange, struct str service)
{
	struct control_link link = {.peer = service};
	int ends[2];

	if (!str_eq(service, STR("other"))) {
		link.error = EACCES;
		chan_send(m->control, CONTROL_LINK, exchange, &link, NULL, 0);
		return;
	}
	assert_int_equal(chan_pair(ends), 0);
	chan_send(m->control, CONTROL_LINK, exchange, &link, &ends[0], 1);
	close(ends[0]);
	m->answering = chan_new(ends[1], &ask_protocol, &answer_events, m);
}

static void
hear(struct chan *c, struct parcel *p, void *arg)
{
	struct master *m = arg;
	const struct control_status *status = p->value;
	const struct control_want *want = p->value;

	(void)c;
	if (p->kind == CONTROL_READY)
		m->is_ready = true;
	if (p->kind == CONTROL_DONE)
		m->done++;
	if (p->kind == CONTROL_STATUS)
		snprintf(m->text + strlen(m->text),
		    sizeof(m->text) - strlen(m->text), "%.*s;",
		    STR_ARG(status->text));
	if (p->kind == CONTROL_WANT)
		give_link(m, p->exchange, want->service);
	task_wake_all(&m->heard);
}

static void
hear_end(struct chan *c, const char *why, void *arg)
{
	struct master *m = arg;

	(void)c;
	assert_string_equal(why, "");
	chan_close(&m->control);
	task_wake_all(&m->heard);
}

static const struct chan_events master_events = {hear, hear_end};

static void
start_program(struct master *m)
{
	int ends[2];

	*m = (struct master){0};
	task_queue_init(&m->heard);
	assert_int_equal(chan_pair(ends), 0);
	m->pid = fork();
	assert_true(m->pid >= 0);
	if (m->pid == 0)
		be_program(ends[1]);
	close(ends[1]);
	assert_int_equal(loop_init(), 0);
	m->control = chan_new(ends[0], &control_protocol, &master_events, m);
}

static int
exit_code(const struct master *m)
{
	int status = 0;

	assert_int_equal(waitpid(m->pid, &status, 0), m->pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
wait_text(struct master *m, const char *text)
{
	int64_t deadline = clock_after(10 * CLOCK_SEC);

	while (strstr(m->text, text) == NULL)
		assert_int_equal(task_wait(&m->heard, deadline), 0);
}

static void
wait_done(struct master *m, unsigned n)
{
	int64_t deadline = clock_after(10 * CLOCK_SEC);

	while (m->done < n)
		assert_int_equal(task_wait(&m->heard, deadline), 0);
	assert_int_equal(m->done, n);
}

static void
wait_end(struct master *m)
{
	int64_t deadline = clock_after(10 * CLOCK_SEC);

	while (m->control != NULL)
		assert_int_equal(task_wait(&m->heard, deadline), 0);
}

static void
send_config(struct master *m, enum control_kind kind, const void *value,
    const char *text)
{
	int fd = memfd_sealed("config", str_c(text));

	assert_true(fd >= 0);
	chan_send(m->control, kind, 0, value, &fd, 1);
	close(fd);
}

static void
send_gift(struct master *m, const char *text)
{
	struct control_gift gift = {STR("file:x")};
	int fd = memfd_sealed("x", str_c(text));

	chan_send(m->control, CONTROL_GIFT, 0, &gift, &fd, 1);
	close(fd);
}

static void
send_start(struct master *m)
{
	struct control_start start_value = {
	    .service = STR("tests"),
	    .syslog_name = STR("postfix"),
	    .generation = 3,
	};

	send_config(m, CONTROL_START, &start_value, "config-one");
}

static void
live_a_life(void *arg)
{
	struct control_go go = {.gifts = 1};
	struct control_link link = {.peer = STR("client")};
	struct control_config config = {.generation = 4};
	struct control_drain drain_value = {0};
	struct master *m = arg;
	int ends[2];

	send_start(m);
	send_gift(m, "g");
	chan_send(m->control, CONTROL_GO, 0, &go, NULL, 0);
	wait_text(m, "tests config-one 3 1 g;");
	wait_text(m, "sum 30;");
	wait_text(m, "forbidden -13;");
	assert_true(m->is_ready);

	assert_int_equal(chan_pair(ends), 0);
	chan_send(m->control, CONTROL_LINK, 0, &link, ends, 1);
	close(ends[0]);
	close(ends[1]);
	wait_text(m, "linked client;");

	/* A gift of the same name takes the place of the first. */
	send_gift(m, "h");
	send_config(m, CONTROL_CONFIG, &config, "config-two");
	wait_text(m, "again config-two 4 1 h;");
	wait_done(m, 1);

	chan_send(m->control, CONTROL_DRAIN, 0, &drain_value, NULL, 0);
	wait_text(m, "draining;");
	wait_done(m, 2);
	drain_value.reason = 1;
	chan_send(m->control, CONTROL_DRAIN, 0, &drain_value, NULL, 0);
	wait_end(m);
	loop_stop();
}

static void
a_program_from_start_to_end(void **state)
{
	struct master m;

	(void)state;
	start_program(&m);
	task_start(live_a_life, &m);
	loop_run();
	assert_int_equal(exit_code(&m), 7);
}

static void
go_away(void *arg)
{
	struct control_go go = {0};
	struct master *m = arg;

	send_start(m);
	chan_send(m->control, CONTROL_GO, 0, &go, NULL, 0);
	wait_text(m, "tests config-one 3 0");
	chan_close(&m->control);
	/* Until its reader has left, and with it the loop. */
}

static void
a_program_leaves_when_master_is_gone(void **state)
{
	struct master m;

	(void)state;
	start_program(&m);
	task_start(go_away, &m);
	loop_run();
	assert_int_equal(exit_code(&m), 0);
}

static void
forget_a_gift(void *arg)
{
	struct control_go go = {.gifts = 2};
	struct master *m = arg;

	send_start(m);
	send_gift(m, "g");
	chan_send(m->control, CONTROL_GO, 0, &go, NULL, 0);
	wait_end(m);
	assert_false(m->is_ready);
	loop_stop();
}

static void
a_lost_gift_is_fatal(void **state)
{
	struct master m;

	(void)state;
	start_program(&m);
	task_start(forget_a_gift, &m);
	loop_run();
	assert_int_equal(exit_code(&m), 1);
}

static void
arguments_are_the_identity(void **state)
{
	char *good[] = {(char[]){"x"}, (char[]){"-u"}, (char[]){"101"},
	    (char[]){"-g"}, (char[]){"102"}, (char[]){"-G"}, (char[]){"8"},
	    (char[]){"-G"}, (char[]){"9"}, (char[]){"-r"}, (char[]){"/r"},
	    (char[]){"-m"}, (char[]){"1000"}, (char[]){"-x"}, (char[]){"5000"},
	    (char[]){"-d"}, (char[]){"queue"}, NULL};
	char *bad[][4] = {
	    {(char[]){"x"}, (char[]){"-u"}, (char[]){"root"}, NULL},
	    {(char[]){"x"}, (char[]){"-u"}, (char[]){"4294967295"}, NULL},
	    {(char[]){"x"}, (char[]){"-g"}, (char[]){"-1"}, NULL},
	    {(char[]){"x"}, (char[]){"-z"}, (char[]){"1"}, NULL},
	    {(char[]){"x"}, (char[]){"more"}, NULL, NULL},
	};
	struct serve_args a;

	(void)state;
	optind = 0;
	assert_int_equal(serve_args_parse(&a, 17, good), 0);
	assert_true(a.who.switch_user);
	assert_int_equal(a.who.uid, 101);
	assert_int_equal(a.who.gid, 102);
	assert_int_equal(a.who.ngroups, 2);
	assert_int_equal(a.who.groups[1], 9);
	assert_string_equal(a.who.root, "/r");
	assert_int_equal(a.who.min_uid, 1000);
	assert_int_equal(a.who.refused[0], 5000);
	assert_int_equal(a.who.ndir_fds, 1);
	assert_string_equal(a.dirs[0], "queue");
	assert_int_equal(a.fds[0], SERVE_DIR_FD);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int argc = bad[i][2] == NULL ? 2 : 3;

		optind = 0;
		assert_int_equal(serve_args_parse(&a, argc, bad[i]), -EINVAL);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_program_from_start_to_end),
    cmocka_unit_test(a_program_leaves_when_master_is_gone),
    cmocka_unit_test(a_lost_gift_is_fatal),
    cmocka_unit_test(arguments_are_the_identity),
};

TAP_RUN(tests)
