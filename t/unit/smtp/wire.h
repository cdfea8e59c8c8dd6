/* SPDX-License-Identifier: ISC */
/*
 * wire - a stream that nobody reads: what is written to it is read back from
 * its buffer, wire_out.out.
 */
#ifndef T_SMTP_WIRE_H
#define T_SMTP_WIRE_H

#include "base/task.h"
#include "net/stream.h"

#include <sys/socket.h>

static struct stream wire_out;

/* Of a group of tests: before all of them ... */
static inline int
wire_begin(void **state)
{
	int fds[2];

	(void)state;
	if (loop_init() != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
		return -1;
	return stream_init(&wire_out, fds[0]);
}

/* ... and after. */
static inline int
wire_end(void **state)
{
	(void)state;
	stream_done(&wire_out);
	return 0;
}

/* Lines as the queue has them, of those that DATA carries: without CR and
 * stuffed dots. */
static inline void
wire_unstuff(struct str wire, struct buf *ret)
{
	struct str line;

	while (wire.len > 0) {
		bool ended = str_cut(wire, '\n', &line, &wire);
		if (ended && line.len > 0)
			line.len--;
		if (str_has_prefix(line, STR(".")))
			line = str_from(line, 1);
		buf_add_str(ret, line);
		if (ended)
			buf_add_char(ret, '\n');
	}
}

#endif
