/* SPDX-License-Identifier: ISC */
/* stream - lines in, bytes out.  Owns the descriptor and two buffers. */
#include "net/stream.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

/* ---- the bare socket ---- */

static ssize_t
read_bare(struct stream *s, void *bytes, size_t n)
{
	return io_read(&s->io, bytes, n, s->deadline);
}

static ssize_t
write_bare(struct stream *s, const void *bytes, size_t n)
{
	return io_write(&s->io, bytes, n, s->deadline);
}

static bool
has_no_input(const struct stream *s)
{
	(void)s;
	return false;
}

static void
shut_nothing(struct stream *s)
{
	(void)s;
}

static void
close_nothing(struct stream *s)
{
	(void)s;
}

static const struct stream_layer bare = {
    .read = read_bare,
    .write = write_bare,
    .has_input = has_no_input,
    .shut = shut_nothing,
    .close = close_nothing,
};

/* ---- lines and bytes ---- */

int
stream_init(struct stream *s, int fd)
{
	int r;

	*s = (struct stream){.deadline = CLOCK_NEVER, .layer = &bare};
	buf_init(&s->in, STREAM_IN);
	buf_init(&s->out, STREAM_OUT);
	r = io_init(&s->io, fd);
	s->io.is_stream = true;
	s->error = r;
	return r;
}

void
stream_done(struct stream *s)
{
	s->layer->close(s);
	io_done(&s->io);
	buf_done(&s->in);
	buf_done(&s->out);
}

void
stream_deadline(struct stream *s, int64_t deadline)
{
	s->deadline = deadline;
}

/* What the layer below said, as ours; remembered if it is for good. */
static int
take_error(struct stream *s, int r)
{
	if (r == -ETIMEDOUT || r == -ECANCELED)
		return r;
	s->error = r == -EPIPE ? -ECONNRESET : r;
	return s->error;
}

int
stream_flush(struct stream *s)
{
	size_t at = 0;
	ssize_t n = 0;

	if (s->error < 0)
		return s->error;
	while (at < s->out.len) {
		n = s->layer->write(s, s->out.p + at, s->out.len - at);
		if (n < 0)
			break;
		at += (size_t)n;
	}
	buf_drop(&s->out, at);
	return n < 0 ? take_error(s, (int)n) : 0;
}

/* Read what is there, at least one byte, behind what is in the buffer. */
static int
fill(struct stream *s)
{
	ssize_t n;
	int r;

	buf_drop(&s->in, s->in_at);
	s->in_at = 0;
	assert(s->in.len < s->in.max);
	r = stream_flush(s);
	if (r == 0 && !s->layer->has_input(s)) {
		/* No memory is taken before there is something to read. */
		r = io_wait_read(&s->io, s->deadline);
		if (r < 0)
			r = take_error(s, r);
	}
	if (r < 0)
		return r;
	n = s->layer->read(
	    s, buf_room(&s->in, s->in.max - s->in.len), s->in.max - s->in.len);
	if (n <= 0)
		return take_error(s, n == 0 ? -ECONNRESET : (int)n);
	buf_grew(&s->in, (size_t)n);
	return 0;
}

static struct str
what_is_there(const struct stream *s)
{
	return str_from(buf_str(&s->in), s->in_at);
}

/* To behind the next LF. */
static int
skip_line(struct stream *s)
{
	while (s->is_skipping) {
		struct str bytes = what_is_there(s);
		ptrdiff_t lf = str_find(bytes, '\n');
		int r = 0;

		s->in_at += lf < 0 ? bytes.len : (size_t)lf + 1;
		stream_wipe(s);
		s->is_skipping = lf < 0;
		if (s->is_skipping)
			r = fill(s);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Wait until there is a LF: its offset.  Not past what `max` allows. */
static int
find_line_end(struct stream *s, size_t max, size_t *ret_lf)
{
	size_t seen = 0;

	for (;;) {
		struct str bytes = what_is_there(s);
		ptrdiff_t lf = str_find(str_from(bytes, seen), '\n');
		int r;

		if (lf >= 0) {
			*ret_lf = seen + (size_t)lf;
			return 0;
		}
		/* One more may be the CR. */
		if (bytes.len > max + 1 ||
		    (bytes.len == max + 1 && bytes.p[max] != '\r')) {
			s->is_skipping = true;
			s->in_at = s->in.len;
			stream_wipe(s);
			return -EMSGSIZE;
		}
		seen = bytes.len;
		r = fill(s);
		if (r < 0)
			return r;
	}
}

int
stream_read_line(
    struct stream *s, size_t max, struct str *ret_line, bool *ret_crlf)
{
	struct str line;
	size_t lf;
	int r;

	assert(max <= STREAM_LINE_MAX);
	if (s->error < 0)
		return s->error;
	r = skip_line(s);
	if (r == 0)
		r = find_line_end(s, max, &lf);
	if (r < 0)
		return r;
	line = str_sub(what_is_there(s), 0, lf);
	s->in_at += lf + 1;
	*ret_crlf = str_has_suffix(line, STR("\r"));
	line.len -= *ret_crlf;
	if (line.len > max) {
		stream_wipe(s);
		return -EMSGSIZE;
	}
	*ret_line = line;
	return 0;
}

int
stream_peek(struct stream *s, struct str *ret_bytes)
{
	if (s->error < 0)
		return s->error;
	if (!stream_has_input(s)) {
		int r = fill(s);

		if (r < 0)
			return r;
	}
	*ret_bytes = what_is_there(s);
	return 0;
}

void
stream_consume(struct stream *s, size_t n)
{
	assert(n <= s->in.len - s->in_at);
	s->in_at += n;
}

void
stream_wipe(struct stream *s)
{
	buf_drop(&s->in, s->in_at);
	s->in_at = 0;
	if (s->in.cap > 0)
		explicit_bzero(s->in.p + s->in.len, s->in.cap - s->in.len);
}

void
stream_wipe_all(struct stream *s)
{
	s->in_at = s->in.len;
	stream_wipe(s);
}

bool
stream_has_input(const struct stream *s)
{
	return s->in_at < s->in.len;
}

int
stream_write(struct stream *s, struct str bytes)
{
	int r = s->error;

	if (r == 0 && bytes.len > s->out.max - s->out.len)
		r = stream_flush(s);
	if (r < 0)
		return r;
	if (bytes.len <= s->out.max) {
		buf_add_str(&s->out, bytes);
		return 0;
	}
	while (r >= 0 && bytes.len > 0) {
		ssize_t n = s->layer->write(s, bytes.p, bytes.len);

		r = n < 0 ? (int)n : 0;
		bytes = str_from(bytes, n < 0 ? 0 : (size_t)n);
	}
	if (r < 0)
		s->error = take_error(s, r); /* half a text is out */
	return r;
}

int
stream_write_secret(struct stream *s, struct str bytes, struct str end)
{
	int r;

	s->out.is_secret = true;
	r = stream_write(s, bytes);
	if (r == 0)
		r = stream_write(s, end);
	if (r == 0)
		r = stream_flush(s);
	buf_done(&s->out);
	s->out.is_secret = false;
	if (r < 0)
		s->error = r; /* half a line may be out */
	return r;
}

int
stream_writef(struct stream *s, const char *fmt, ...)
{
	va_list ap;
	int r = s->error;

	if (r < 0)
		return r;
	va_start(ap, fmt);
	r = buf_vaddf(&s->out, fmt, ap);
	va_end(ap);
	if (r == 0)
		return 0;
	r = stream_flush(s);
	if (r < 0)
		return r;
	va_start(ap, fmt);
	r = buf_vaddf(&s->out, fmt, ap);
	va_end(ap);
	return r;
}

void
stream_shut(struct stream *s)
{
	if (s->error == 0)
		s->layer->shut(s);
	(void)shutdown(s->io.fd, SHUT_WR);
}

void
stream_set_layer(
    struct stream *s, const struct stream_layer *layer, void *below)
{
	s->layer->close(s);
	/* SECURITY: what came before the switch was not protected by it. */
	buf_done(&s->in);
	buf_done(&s->out);
	s->in_at = 0;
	s->is_skipping = false;
	s->layer = layer;
	s->below = below;
}

void
stream_idle(struct stream *s)
{
	if (!stream_has_input(s)) {
		buf_done(&s->in);
		s->in_at = 0;
	}
	if (s->out.len == 0)
		buf_done(&s->out);
	task_idle();
}
