/* SPDX-License-Identifier: ISC */
/*
 * stream - a buffered connection that speaks in lines.
 *
 * Input is read in blocks into a buffer of fixed room and given out as lines
 * or as what is there; output gathers until stream_flush().  The layer below
 * (the bare socket now, TLS later) is hidden here: a switch of layers throws
 * away both buffers, so that nothing said before it is taken as said after
 * (RFC 3207 section 4.2).
 *
 * All waits are those of a task (base/task.h) up to stream_deadline().
 * Errors: -ETIMEDOUT, -ECANCELED, -ECONNRESET (the peer closed or reset),
 * -EMSGSIZE (a line longer than allowed), or what the socket said.  After an
 * error other than -EMSGSIZE the stream is dead and every call repeats it.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "base/buf.h"
#include "base/str.h"
#include "base/task.h"

#include <stdbool.h>
#include <stdint.h>

#define STREAM_IN  (16 * 1024)
#define STREAM_OUT (64 * 1024)

struct stream {
	struct io io;
	int64_t deadline;
	int error; /* sticky, -errno */
	struct buf in;
	size_t in_at; /* what was consumed of `in` */
	struct buf out;
};

int stream_init(struct stream *s, int fd); /* takes the descriptor */
void stream_done(struct stream *s);        /* closes without flushing */
void stream_deadline(struct stream *s, int64_t deadline);

/*
 * The next line, ended by LF, without the LF and one CR before it; *ret_crlf
 * says whether there was one.  Borrowed until the next call that reads.  A
 * line of more than `max` bytes: -EMSGSIZE, and the part that came is gone.
 */
int stream_read_line(struct stream *s, size_t max, struct str *ret_line,
    bool *ret_crlf);

/* At least one byte, as much as is there; stream_consume() takes it off. */
int stream_peek(struct stream *s, struct str *ret_bytes);
void stream_consume(struct stream *s, size_t n);

bool stream_has_input(const struct stream *s); /* without waiting or asking */

/* Gather output; flushes by itself when STREAM_OUT is reached. */
int stream_write(struct stream *s, struct str bytes);
int stream_writef(struct stream *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int stream_flush(struct stream *s);

/* An idle stream gives its buffers back. */
void stream_idle(struct stream *s);

#endif
