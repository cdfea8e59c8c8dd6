/* SPDX-License-Identifier: ISC */
/*
 * sendmail_read - the message on standard input: lines that end in LF or
 * CRLF, up to the end of the file or to a line with a lone dot; and the lines
 * of an SMTP dialogue.
 */
#include "sendmail.h"

#include <errno.h>
#include <unistd.h>

struct reading {
	struct content_builder *builder;
	enum sendmail_end end;
	int error;     /* the first: what follows is read and dropped */
	bool is_ended; /* by a dot */
	bool in_line;  /* what comes goes on with a line */
	bool has_cr;   /* held back: a CR that may stand before an LF */
	bool has_dot;  /* held back: a dot that may be alone in its line */
};

static void
put(struct reading *r, struct str s)
{
	if (r->error == 0)
		r->error = content_append(r->builder, s);
}

/* What was held back was text after all; in SMTP a dot that leads a line was
 * added by the sender (RFC 5321 section 4.5.2). */
static void
let_go(struct reading *r)
{
	if (r->has_dot && r->end != SENDMAIL_END_SMTP)
		put(r, STR("."));
	if (r->has_cr)
		put(r, STR("\r"));
	r->has_dot = r->has_cr = false;
}

static void
end_line(struct reading *r)
{
	r->is_ended = r->has_dot;
	if (!r->is_ended)
		put(r, STR("\n"));
	r->has_dot = r->has_cr = r->in_line = false;
}

/* A piece of a line without its LF; the line may go on. */
static void
take_piece(struct reading *r, struct str s)
{
	bool ends_in_cr;

	if (!r->in_line && r->end != SENDMAIL_END_FILE && s.p[0] == '.') {
		r->has_dot = r->in_line = true;
		s = str_from(s, 1);
	}
	if (s.len == 0)
		return;
	r->in_line = true;
	ends_in_cr = s.p[s.len - 1] == '\r';
	if (s.len > 1 || !ends_in_cr || r->has_cr)
		let_go(r);
	put(r, str_sub(s, 0, s.len - (ends_in_cr ? 1 : 0)));
	r->has_cr = ends_in_cr;
}

/* Takes lines off `in` until it is empty or the message has ended. */
static void
take_block(struct reading *r, struct str *in)
{
	while (in->len > 0 && !r->is_ended) {
		ptrdiff_t eol = str_find(*in, '\n');
		struct str piece =
		    str_sub(*in, 0, eol < 0 ? in->len : (size_t)eol);

		if (piece.len > 0)
			take_piece(r, piece);
		*in = str_from(*in, piece.len);
		if (eol < 0)
			return;
		end_line(r);
		*in = str_from(*in, 1);
	}
}

/* More of standard input: 1, 0 at its end, or -errno. */
static int
fill(struct sendmail_input *in)
{
	ssize_t n;

	do
		n = read(in->fd, in->block, sizeof(in->block));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	in->ahead = str_n(in->block, (size_t)n);
	return n > 0;
}

static int
read_all(struct reading *r, struct sendmail_input *in)
{
	while (!r->is_ended) {
		int n = in->ahead.len > 0 ? 1 : fill(in);

		if (n < 0)
			return n;
		if (n == 0)
			break;
		take_block(r, &in->ahead);
	}
	/* What was not said to be whole is not sent. */
	if (!r->is_ended && r->end == SENDMAIL_END_SMTP)
		return -ENODATA;
	/* The last line without an LF: a lone dot or CR in it is text. */
	if (r->in_line) {
		let_go(r);
		put(r, STR("\n"));
	}
	return r->error;
}

int
sendmail_read(const struct conf *conf, struct sendmail_input *in,
    enum sendmail_end end, struct content **ret)
{
	int64_t limit = conf_int(conf, PARAM_message_size_limit);
	struct reading r = {
	    .builder = content_builder_new(
		limit > 0 && (uint64_t)limit < CONTENT_MAX ? (size_t)limit
							   : CONTENT_MAX),
	    .end = end,
	};
	int e = read_all(&r, in);

	if (e < 0) {
		content_builder_free(&r.builder);
		return e;
	}
	*ret = content_finish(&r.builder);
	return *ret == NULL ? -errno : 0;
}

int
sendmail_read_line(struct sendmail_input *in, struct buf *ret)
{
	bool is_too_long = false;

	buf_reset(ret);
	for (;;) {
		ptrdiff_t eol = str_find(in->ahead, '\n');
		struct str piece = str_sub(
		    in->ahead, 0, eol < 0 ? in->ahead.len : (size_t)eol);
		int n;

		if (buf_add_str(ret, piece) < 0)
			is_too_long = true;
		in->ahead = str_from(in->ahead, piece.len + (eol >= 0));
		if (eol >= 0)
			return is_too_long ? -EMSGSIZE : 0;
		n = fill(in);
		if (n <= 0)
			return n < 0 ? n : -ENODATA;
	}
}
