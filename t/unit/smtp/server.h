/* SPDX-License-Identifier: ISC */
/*
 * server - servers on loopback that speak from a script, a text of lines:
 *
 *	S: text     say it, with CRLF
 *	C: text     this line must come; with a '*' at the end: begin so
 *	D: text     this data must come, up to the lone dot; \n is CRLF there
 *	X           close
 *	H           say nothing more until the client leaves
 *
 * A server plays one script a connection, and after it takes what comes until
 * the client leaves.  What does not go by the script is in script_error.
 */
#ifndef T_SMTP_SERVER_H
#define T_SMTP_SERVER_H

#include "base/task.h"
#include "net/ip.h"
#include "net/stream.h"

#include <assert.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define SCRIPTS_MAX 8
#define SERVER_TIME (5 * CLOCK_SEC)

struct server {
	struct io listener;
	const char *scripts[SCRIPTS_MAX];
	unsigned connections, open;
};

static char script_error[512];

static inline void
script_fails(const char *want, struct str got)
{
	if (script_error[0] == '\0')
		snprintf(script_error, sizeof(script_error),
		    "wanted \"%.200s\", got \"%.*s\"", want,
		    (int)(got.len < 200 ? got.len : 200), got.p);
}

static inline bool
expect_line(struct stream *s, struct str want)
{
	struct str line, full = want;
	bool crlf, prefix = str_has_suffix(want, STR("*"));

	if (stream_read_line(s, 4000, &line, &crlf) != 0)
		line = STR("(the end)");
	want.len -= prefix ? 1 : 0;
	if (crlf && (prefix ? str_has_prefix(line, want) : str_eq(line, want)))
		return true;
	script_fails(arena_cstr(&(struct arena){.max = 4096}, full), line);
	return false;
}

static inline bool
expect_data(struct stream *s, struct str want)
{
	BUF_CLEANUP struct buf got = {0};
	struct str line;
	bool crlf = true;

	buf_init(&got, 1 << 20);
	for (;;) {
		if (stream_read_line(s, STREAM_LINE_MAX, &line, &crlf) != 0)
			return false;
		if (str_eq(line, STR(".")))
			break;
		buf_add_str(&got, line);
		buf_add_c(&got, crlf ? "\n" : "(LF)");
	}
	if (str_eq(buf_str(&got), want))
		return true;
	script_fails("other data", buf_str(&got));
	return false;
}

/* False at the end of the conversation. */
static inline bool
play_line(struct stream *s, struct str line)
{
	struct str text = str_from(line, 3);
	char bytes[100];

	switch (line.p[0]) {
	case 'S':
		return stream_write(s, text) == 0 &&
		       stream_write(s, STR("\r\n")) == 0;
	case 'C':
		return expect_line(s, text);
	case 'H':
		stream_flush(s);
		while (io_read(&s->io, bytes, sizeof(bytes),
			   clock_after(SERVER_TIME)) > 0)
			;
		return false;
	default:
		stream_flush(s);
		return false;
	}
}

struct playing {
	struct server *server;
	const char *script;
	int fd;
};

static inline void
play(void *arg)
{
	struct playing *p = arg;
	struct str script = str_c(p->script), line;
	struct stream s;
	bool go_on = true;
	bool crlf;

	assert(stream_init(&s, p->fd) == 0);
	stream_deadline(&s, clock_after(SERVER_TIME));
	while (go_on && script.len > 0) {
		if (str_has_prefix(script, STR("D: "))) {
			ptrdiff_t end = str_find_str(script, STR("\nS: "));
			assert(end > 0);
			go_on = expect_data(
			    &s, str_sub(script, 3, (size_t)end + 1 - 3));
			script = str_from(script, (size_t)end + 1);
			continue;
		}
		str_cut(script, '\n', &line, &script);
		go_on = play_line(&s, line);
	}
	while (go_on && stream_read_line(&s, 4000, &line, &crlf) == 0)
		;
	stream_done(&s);
	p->server->open--;
	free(p);
}

static inline void
serve_scripts(void *arg)
{
	struct server *server = arg;
	struct sockaddr_storage from;
	int fd;

	while ((fd = io_accept(&server->listener, &from, CLOCK_NEVER)) >= 0) {
		struct playing *p = calloc(1, sizeof(*p));
		assert(p != NULL && server->connections < SCRIPTS_MAX);
		const char *script = server->scripts[server->connections++];
		if (script == NULL) {
			script = "X";
			script_fails("no connection", STR("one"));
		}
		*p = (struct playing){server, script, fd};
		server->open++;
		task_start(play, p);
	}
}

/* 127.0.0.`last`; port 0: any.  The port. */
static inline uint16_t
server_start(struct server *server, uint8_t last, uint16_t port)
{
	struct ip ip = {4, {127, 0, 0, last}};
	struct sockaddr_storage ss;
	socklen_t len = ip_to_sockaddr(&ip, port, &ss);
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&ss, len) != 0 || listen(fd, 10) != 0 ||
	    io_init(&server->listener, fd) != 0) {
		close(fd);
		return 0;
	}
	getsockname(fd, (struct sockaddr *)&ss, &len);
	ip_from_sockaddr((struct sockaddr *)&ss, &ip, &port);
	task_start(serve_scripts, server);
	return port;
}

#endif
