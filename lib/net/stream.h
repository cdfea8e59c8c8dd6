/* SPDX-License-Identifier: ISC */
/*
 * stream - a buffered connection that speaks in lines.
 *
 * Input is read in blocks into a buffer of fixed room and given out as lines
 * or as what is there.  Output gathers until stream_flush(), or until a read
 * has to wait for the peer: so a session that just writes its replies and
 * reads on answers a pipelined group of commands with one packet, and nobody
 * waits for an answer that was not sent.  The layer below (the bare socket,
 * or TLS after tls_accept() and tls_connect(), net/tls.h) is hidden here: a
 * switch of layers throws away both buffers, so that nothing said before it is
 * taken as said after (RFC 3207 section 4.2).
 *
 * All waits are those of a task (base/task.h) up to stream_deadline().
 * Errors: -ETIMEDOUT, -ECANCELED, -ECONNRESET (the peer closed or reset),
 * -EMSGSIZE (a line longer than allowed), or what the socket said.  After the
 * last two kinds but -EMSGSIZE the stream is dead and every call repeats the
 * error; a time-out or a cancel leaves it as it was, for a last word.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "base/buf.h"
#include "base/str.h"
#include "base/task.h"

#include <stdbool.h>
#include <stdint.h>

#define STREAM_IN       (16 * 1024)
#define STREAM_OUT      (64 * 1024)
#define STREAM_LINE_MAX (STREAM_IN - 2)

struct stream;

/* What is below: each call waits up to the stream's deadline. */
struct stream_layer {
	/* At least one byte: how many, 0 at the end, or -errno. */
	ssize_t (*read)(struct stream *s, void *bytes, size_t n);
	ssize_t (*write)(struct stream *s, const void *bytes, size_t n);
	bool (*has_input)(const struct stream *s); /* taken from the socket */
	void (*shut)(struct stream *s);            /* the last word */
	void (*close)(struct stream *s);           /* not the descriptor */
};

struct stream {
	struct io io;
	const struct stream_layer *layer;
	void *below; /* the layer's own */
	int64_t deadline;
	int error; /* sticky, -errno */
	struct buf in;
	size_t in_at;     /* what was consumed of `in` */
	bool is_skipping; /* the rest of a line that was too long */
	struct buf out;
};

/* Takes the descriptor, which is non-blocking.  0 or -errno. */
int stream_init(struct stream *s, int fd);
void stream_done(struct stream *s); /* closes without flushing */
void stream_deadline(struct stream *s, int64_t deadline);

/*
 * The next line, ended by LF, without the LF and one CR before it; *ret_crlf
 * says whether there was one.  Borrowed until the next call that reads.  A
 * line of more than `max` bytes (at most STREAM_LINE_MAX; CR and LF do not
 * count) is -EMSGSIZE, told once and as soon as it is known; the next call
 * skips what is left of it, however much that is.  Nothing of it is left in
 * memory: nobody knows what it was.
 */
int stream_read_line(
    struct stream *s, size_t max, struct str *ret_line, bool *ret_crlf);

/* At least one byte, as much as is there; stream_consume() takes it off. */
int stream_peek(struct stream *s, struct str *ret_bytes);
void stream_consume(struct stream *s, size_t n);

/* What was consumed was a secret: it is wiped from the stream's memory. */
void stream_wipe(struct stream *s);
/* The same with what is there and was not read. */
void stream_wipe_all(struct stream *s);

bool stream_has_input(const struct stream *s); /* without waiting or asking */

/* Gather output; goes out by itself when there is more than STREAM_OUT. */
int stream_write(struct stream *s, struct str bytes);
int stream_writef(struct stream *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int stream_flush(struct stream *s);
/* A password, and what stands behind it: goes out at once with what was
 * gathered, and is not left in memory. */
int stream_write_secret(struct stream *s, struct str bytes, struct str end);

/* Nothing will be written any more, and the peer is told, without a wait. */
void stream_shut(struct stream *s);

/* Put another layer below, which owns `below`.  What was read and not
 * consumed, and written and not flushed, is gone. */
void stream_set_layer(
    struct stream *s, const struct stream_layer *layer, void *below);

/* The next wait may be long: buffers with nothing in them are given back,
 * and so are the task's stack pages. */
void stream_idle(struct stream *s);

#endif
