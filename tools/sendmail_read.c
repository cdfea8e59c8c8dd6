/* SPDX-License-Identifier: ISC */
/*
 * sendmail_read - the message on standard input: lines that end in LF or
 * CRLF, up to the end of the file or, without -i, to a line with a lone dot.
 */
#include "sendmail.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define BLOCK (64 * 1024)

struct reading {
	struct content_builder *builder;
	bool dot_is_text;
	bool is_ended; /* by a dot */
	bool in_line;  /* what comes goes on with a line */
	bool has_cr;   /* held back: a CR that may stand before an LF */
	bool has_dot;  /* held back: a dot that may be alone in its line */
};

static void
put(struct reading *r, struct str s)
{
	int e = content_append(r->builder, s);

	if (e == -EMSGSIZE)
		sendmail_fatal(EX_DATAERR, "message file too big");
	if (e < 0)
		sendmail_fatal(EX_TEMPFAIL, "message: %s", strerror(-e));
}

/* What was held back was text after all. */
static void
let_go(struct reading *r)
{
	if (r->has_dot)
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

	if (!r->in_line && !r->dot_is_text && s.p[0] == '.') {
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

static void
take_block(struct reading *r, struct str block)
{
	while (block.len > 0 && !r->is_ended) {
		ptrdiff_t eol = str_find(block, '\n');
		struct str piece =
		    str_sub(block, 0, eol < 0 ? block.len : (size_t)eol);

		if (piece.len > 0)
			take_piece(r, piece);
		if (eol < 0)
			return;
		end_line(r);
		block = str_from(block, (size_t)eol + 1);
	}
}

static void
read_all(struct reading *r, int fd)
{
	static char block[BLOCK];

	while (!r->is_ended) {
		ssize_t n = read(fd, block, sizeof(block));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			sendmail_fatal(
			    EX_IOERR, "standard input: %s", strerror(errno));
		if (n == 0)
			break;
		take_block(r, str_n(block, (size_t)n));
	}
	/* The last line without an LF: a lone dot or CR in it is text. */
	if (r->in_line) {
		let_go(r);
		put(r, STR("\n"));
	}
}

struct content *
sendmail_read(const struct sendmail *s, int fd)
{
	int64_t limit = conf_int(s->conf, PARAM_message_size_limit);
	struct reading r = {
	    .builder = content_builder_new(
		limit > 0 && (uint64_t)limit < CONTENT_MAX ? (size_t)limit
							   : CONTENT_MAX),
	    .dot_is_text = s->dot_is_text,
	};
	struct content *c;

	read_all(&r, fd);
	c = content_finish(&r.builder);
	if (c == NULL)
		sendmail_fatal(EX_TEMPFAIL, "message: %s", strerror(errno));
	return c;
}
