/* SPDX-License-Identifier: ISC */
/* fake_auth - the server's side of the Dovecot authentication protocol, as
 * far as a client sees it. */
#include "fake_auth.h"

#include "base/buf.h"
#include "base/task.h"
#include "net/stream.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

static const char greeting[] =
    "VERSION\t1\t2\n"
    "MECH\tPLAIN\tplaintext\n"
    "MECH\tLOGIN\tplaintext\n"
    "MECH\tCRAM-MD5\tdictionary\tactive\n"
    "MECH\tANONYMOUS\tanonymous\n"
    "MECH\tEXTERNAL\n"
    "MECH\tDOVECOT-TOKEN\tprivate\n"
    "SPID\t1\nCUID\t1\nCOOKIE\t0123456789abcdef\nDONE\n";

static struct {
	struct str how;
	struct buf heard;
	unsigned connections;
} fake = {.how = {"up", 2}};

struct line {
	struct stream stream;
	bool has_name; /* LOGIN: the name was right */
};

void
fake_auth(struct str how)
{
	fake.how = how;
}

struct str
fake_auth_heard(void)
{
	return buf_str(&fake.heard);
}

void
fake_auth_forget(void)
{
	buf_done(&fake.heard);
	buf_init(&fake.heard, 1 << 20);
	fake.connections = 0;
}

unsigned
fake_auth_connections(void)
{
	return fake.connections;
}

/* With the number for "ID". */
static void
say(struct line *l, struct str text, struct str id)
{
	for (;;) {
		ptrdiff_t at = str_find_str(text, STR("ID"));

		stream_write(
		    &l->stream, at < 0 ? text : str_sub(text, 0, (size_t)at));
		if (at < 0)
			return;
		stream_write(&l->stream, id);
		text = str_from(text, (size_t)at + 2);
	}
}

static void
judge(struct line *l, struct str id, bool is_right)
{
	say(l,
	    is_right ? STR("OK\tID\tuser=alice\tother=x\n")
		     : STR("FAIL\tID\tuser=mallory\n"),
	    id);
}

static void
begin(struct line *l, struct str id, struct str mech, struct str rest)
{
	ptrdiff_t at = str_find_str(rest, STR("resp="));
	struct str resp = at < 0 ? STR_NONE : str_from(rest, (size_t)at + 5);

	l->has_name = false;
	if (str_eq(mech, STR("LOGIN")))
		say(l, STR("CONT\tID\tVXNlcm5hbWU6\n"), id);
	else if (str_eq(mech, STR("ANONYMOUS")))
		say(l, STR("OK\tID\tuser=anonymous\n"), id);
	else if (at < 0)
		say(l, STR("CONT\tID\t\n"), id);
	else
		judge(l, id, str_eq(resp, STR("AGFsaWNlAHNlY3JldA==")));
}

static void
go_on(struct line *l, struct str id, struct str resp)
{
	if (str_eq(resp, STR("YWxpY2U="))) {
		l->has_name = true;
		say(l, STR("CONT\tID\tUGFzc3dvcmQ6\n"), id);
		return;
	}
	judge(l, id,
	    l->has_name ? str_eq(resp, STR("c2VjcmV0"))
			: str_eq(resp, STR("AGFsaWNlAHNlY3JldA==")));
}

/* False: that was all. */
static bool
serve_line(struct line *l)
{
	struct str line, word, id, mech;
	bool crlf;

	if (stream_read_line(&l->stream, STREAM_LINE_MAX, &line, &crlf) < 0)
		return false;
	buf_addf(&fake.heard, "%.*s\n", STR_ARG(line));
	str_cut(line, '\t', &word, &line);
	str_cut(line, '\t', &id, &line);
	if (!str_eq(word, STR("AUTH")) && !str_eq(word, STR("CONT")))
		return true;
	if (str_eq(fake.how, STR("hangup")))
		return false;
	if (str_has_prefix(fake.how, STR("say ")))
		say(l, str_from(fake.how, 4), id);
	else if (str_eq(word, STR("CONT")))
		go_on(l, id, line);
	else if (!str_eq(fake.how, STR("silent"))) {
		str_cut(line, '\t', &mech, &line);
		begin(l, id, mech, line);
	}
	return stream_flush(&l->stream) == 0;
}

static void
serve(void *arg)
{
	struct line *l = arg;

	if (str_has_prefix(fake.how, STR("greeting ")))
		stream_write(&l->stream, str_from(fake.how, 9));
	else
		stream_write(&l->stream, str_c(greeting));
	while (stream_flush(&l->stream) == 0 && serve_line(l))
		;
	stream_done(&l->stream);
	free(l);
}

int
fake_auth_connect(void)
{
	struct line *l;
	int fds[2];

	if (str_eq(fake.how, STR("down")))
		return -ECONNREFUSED;
	l = calloc(1, sizeof(*l));
	assert(l != NULL);
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		   0, fds) == 0);
	assert(stream_init(&l->stream, fds[1]) == 0);
	stream_deadline(&l->stream, CLOCK_NEVER);
	fake.connections++;
	task_start(serve, l);
	return fds[0];
}
