/* SPDX-License-Identifier: ISC */
/* The conversations with mda and its children, both played here. */
#include "tap.h"

#include "suite.h"

#include "mail/proto/home.h"
#include "mail/proto/spawn.h"

#include <errno.h>
#include <unistd.h>

static struct {
	unsigned spawned, reads, left; /* children, questions, partings */
	uint64_t error;                /* what mda says instead of giving one */
	bool no_answer;                /* children leave when they are asked */
	bool one_leaves;               /* the next one does */
	uint64_t owner;                /* of the last question */
	struct chan *child;            /* the last one */
} played;

static void
child_left(struct chan *c, const char *why, void *arg)
{
	(void)why;
	(void)arg;
	played.left++;
	if (played.child == c)
		played.child = NULL;
	chan_close(&c);
}

static void
child_asked(struct chan *c, struct parcel *p, void *arg)
{
	const struct home_read *q = p->value;
	struct home_text text = {.find = FIND_YES, .text = STR("x@y.test\n")};

	(void)arg;
	played.reads++;
	played.owner = q->owner;
	if (played.no_answer || played.one_leaves) {
		played.one_leaves = false;
		chan_close(&c);
		return;
	}
	if (str_eq(q->path, STR("/home/u/bad"))) {
		text.find = FIND_BROKEN;
		text.why = STR("is writable by group or others");
	}
	chan_send(c, HOME_TEXT, p->exchange, &text, NULL, 0);
}

static void
mda_asked(struct chan *c, struct parcel *p, void *arg)
{
	static const struct chan_events events = {child_asked, child_left};
	const struct spawn_given given = {.error = played.error};
	const struct spawn_ask *ask = p->value;
	int fds[2];

	(void)arg;
	assert_int_equal(ask->role, SPAWN_READER);
	if (played.error != 0) {
		chan_send(c, SPAWN_GIVEN, p->exchange, &given, NULL, 0);
		return;
	}
	played.spawned++;
	assert_int_equal(chan_pair(fds), 0);
	played.child = chan_new(fds[0], &home_protocol, &events, NULL);
	chan_send(c, SPAWN_GIVEN, p->exchange, &given, &fds[1], 1);
	close(fds[1]);
}

static void
mda_left(struct chan *c, const char *why, void *arg)
{
	(void)why;
	(void)arg;
	chan_close(&c);
}

/* In the place of lib/base/serve.c: the only program there is mda. */
int
serve_link(struct serve *sv, const char *service, int64_t deadline)
{
	static const struct chan_events events = {mda_asked, mda_left};
	int fds[2];

	(void)sv;
	(void)deadline;
	assert_string_equal(service, "mda");
	assert_int_equal(chan_pair(fds), 0);
	chan_new(fds[0], &spawn_protocol, &events, NULL);
	return fds[1];
}

static struct world world;

static enum find
read_as(uid_t uid, const char *path, bool any_owner, struct arena *a,
    struct str *ret_text, struct str *ret_why)
{
	const struct world_file f = {
	    .uid = uid,
	    .gid = uid,
	    .user = STR("u"),
	    .root = STR("/home/u"),
	    .path = str_c(path),
	    .any_owner = any_owner,
	};

	return world.read(world.arg, &f, a, ret_text, ret_why);
}

static void
run(void *arg)
{
	struct str text = STR_NONE, why = STR_NONE;
	struct arena a;

	(void)arg;
	arena_init(&a, 1 << 20);
	world = suite_world(suite_new(NULL, NULL));

	/* One child for one user, kept. */
	assert_int_equal(
	    read_as(1000, "/home/u/.forward", false, &a, &text, &why),
	    FIND_YES);
	assert_str(text, "x@y.test\n");
	assert_int_equal(played.owner, 1000);
	assert_int_equal(
	    read_as(1000, "/home/u/bad", true, &a, &text, &why), FIND_BROKEN);
	assert_str(why, "is writable by group or others");
	assert_int_equal(played.owner, HOME_ANY_OWNER);
	assert_int_equal(played.spawned, 1);
	assert_int_equal(
	    read_as(1001, "/home/u/f", false, &a, &text, &why), FIND_YES);
	assert_int_equal(played.spawned, 2);

	/* It leaves when it has nothing to do: another one comes. */
	chan_close(&played.child);
	assert_int_equal(
	    read_as(1001, "/home/u/f", false, &a, &text, &why), FIND_YES);
	assert_int_equal(played.spawned, 3);

	/* It leaves just then: the question is put to another one. */
	played.one_leaves = true;
	assert_int_equal(
	    read_as(1001, "/home/u/f", false, &a, &text, &why), FIND_YES);
	assert_int_equal(played.spawned, 4);

	/* Nobody stays: could not ask, and not "no such file". */
	played.no_answer = true;
	assert_int_equal(
	    read_as(1001, "/home/u/f", false, &a, &text, &why), FIND_RETRY);
	played.no_answer = false;
	played.error = EAGAIN;
	assert_int_equal(
	    read_as(1002, "/home/u/f", false, &a, &text, &why), FIND_RETRY);
	assert_str(why, "Resource temporarily unavailable");
	played.error = 0;

	/* Children are not kept without end. */
	played.left = 0;
	for (uid_t uid = 2000; uid < 2200; uid++)
		assert_int_equal(
		    read_as(uid, "/home/u/f", false, &a, &text, &why),
		    FIND_YES);
	task_yield();
	assert_true(played.left >= 200 - 128);
	arena_done(&a);
	loop_stop();
}

static void
test_readers(void **state)
{
	(void)state;
	assert_int_equal(loop_init(), 0);
	task_start(run, NULL);
	loop_run();
	assert_true(played.reads > 100);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_readers),
};

TAP_RUN(tests)
