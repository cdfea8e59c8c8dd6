/* SPDX-License-Identifier: ISC */
/* A link's conversations follow one another: none begins before the one before
 * it has been heard to its end. */
#include "tap.h"

#include "base/serve.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct note {
	uint64_t n;
};
static const struct field note_fields[] = {
    SHAPE_U64(struct note, n, 1000),
};
static const struct shape note_shape = SHAPE("note", struct note, note_fields);
static const struct shape *const shapes[] = {&note_shape};
static const struct protocol proto = {"note", 1, shapes, 1};

/* Both sides of the conversation, told in the order of what happened. */
static struct {
	struct chan *server;
	char told[128];
	int connects;
} world;

static void
tell(const char *what)
{
	strlcat(world.told, what, sizeof(world.told));
}

int
serve_link(struct serve *sv, const char *service, int64_t deadline)
{
	int ends[2];

	(void)sv;
	(void)service;
	(void)deadline;
	tell("connect;");
	if (++world.connects > 2)
		return -EACCES;
	assert_int_equal(chan_pair(ends), 0);
	world.server = chan_new(ends[1], &proto, NULL, NULL);
	return ends[0];
}

static void
on_parcel(struct chan *c, struct parcel *p, void *arg)
{
	(void)c;
	(void)p;
	(void)arg;
	tell("parcel;");
}

static void
on_close(struct chan *c, const char *why, void *arg)
{
	(void)c;
	(void)arg;
	assert_string_equal(why, "");
	tell("close;");
}

static const struct chan_events events = {on_parcel, on_close};

/* Sent now, and not at the end of the turn: a descriptor goes with it. */
static void
send_at_once(struct chan *c)
{
	struct note note = {1};
	int fd = dup(STDERR_FILENO);

	chan_send(c, 0, 0, &note, &fd, 1);
	close(fd);
}

static void
live(void *arg)
{
	struct link *l = link_new(NULL, "x", &proto, &events, NULL);
	int64_t deadline = clock_after(5 * CLOCK_SEC);
	struct chan *c = link_chan(l, deadline);
	struct note note = {2};

	(void)arg;
	assert_non_null(c);
	assert_ptr_equal(link_chan(l, deadline), c);
	/* The server says something and leaves; before its words are read
	 * here, a send finds that it has gone. */
	chan_send(world.server, 0, 0, &note, NULL, 0);
	chan_close(&world.server);
	send_at_once(c);
	assert_false(chan_is_open(c));
	assert_non_null(link_chan(l, deadline));
	assert_string_equal(world.told, "connect;parcel;close;connect;");

	/* It leaves once more, and nobody takes its place. */
	chan_close(&world.server);
	send_at_once(link_chan(l, deadline));
	assert_null(link_chan(l, deadline));
	assert_string_equal(
	    world.told, "connect;parcel;close;connect;close;connect;");
	link_free(&l);
}

static void
conversations_follow_one_another(void **state)
{
	(void)state;
	assert_int_equal(loop_init(), 0);
	task_start(live, NULL);
	loop_run();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(conversations_follow_one_another),
};

TAP_RUN(tests)
