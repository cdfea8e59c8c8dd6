/* SPDX-License-Identifier: ISC */
/*
 * mime - the parts of a message (RFC 2045, 2046), found in one pass over its
 * bytes: which line is a header's, which a body's, and of which part.
 *
 * The parts (entities) are counted as they begin: the message is 0, each part
 * of a multipart and each message in a message/rfc822 is one more.  Whoever
 * reads is told of every piece of every line, in order, so that what he puts
 * together again is what came.
 *
 * Bounds: MIME_DEPTH_MAX multiparts in one another, MIME_FIELD_MAX of a
 * field's bytes and MIME_LINE_MAX of a line's are looked at; memory is these,
 * however large the message.  What cannot be taken apart (a multipart without
 * a boundary, or too deep) is MIME_OPAQUE: its body goes by as it is.
 *
 *	mime_init(&m, take, arg);
 *	e = mime_read(&m, bytes); ...  cut anywhere; lines end in LF
 *	e = mime_end(&m);
 *	mime_done(&m);
 */
#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include "base/buf.h"
#include "base/str.h"
#include "mail/content_type.h"

#include <stdbool.h>
#include <stddef.h>

#define MIME_DEPTH_MAX 100
#define MIME_FIELD_MAX (16 * 1024)
#define MIME_LINE_MAX  4096

enum mime_place {
	MIME_HEADER,     /* a line of the part's header */
	MIME_HEADER_END, /* the empty line behind it */
	MIME_BODY,       /* of a part that holds no others */
	MIME_DELIMITER,  /* "--boundary" of the part that begins with it, or
	                    "--boundary--" */
	MIME_AROUND,     /* before the first part, or behind the last */
};

enum mime_kind {
	MIME_LEAF,
	MIME_MULTIPART,
	MIME_MESSAGE, /* message/rfc822, message/global */
	MIME_OPAQUE,  /* holds parts that cannot be told apart */
};

/* Content-Transfer-Encoding */
enum mime_encoding {
	MIME_UNSAID,
	MIME_7BIT,
	MIME_8BIT,
	MIME_BINARY,
	MIME_ENCODED, /* quoted-printable, base64, or none that we know */
};

/* The part at hand; whole once its header has ended. */
struct mime_part {
	size_t number;
	bool is_message; /* it is a message's header: not a part's */
	enum mime_kind kind;
	enum mime_encoding encoding;
	bool has_version, has_type;
};

struct mime_piece {
	enum mime_place place;
	struct str bytes; /* without LF */
	bool is_first;    /* the line begins with it ... */
	bool is_last;     /* ... ends with it ... */
	bool has_lf;      /* ... in an LF: only the last line may not */
	const struct mime_part *part;
};

/* Anything but 0 ends it: mime_read() returns that. */
typedef int mime_take(void *arg, const struct mime_piece *piece);

struct mime_level {
	size_t at; /* of its boundary, up to the next one's */
	bool is_digest;
};

struct mime {
	mime_take *take;
	void *arg;
	struct mime_part part;
	enum mime_place place; /* of the line before; then of this one */
	bool in_header;
	enum mime_place body; /* what a line is when the header is over */
	struct buf field;     /* of interest, as far as it came */
	struct buf line;      /* the front of one that was cut */
	bool is_inside; /* a line was begun, and its front was handed on */
	struct mime_level levels[MIME_DEPTH_MAX];
	size_t depth;
	struct buf boundaries;
};

void mime_init(struct mime *m, mime_take *take, void *arg);
void mime_done(struct mime *m);
int mime_read(struct mime *m, struct str bytes);
int mime_end(struct mime *m); /* the last line may have no LF */

#endif
