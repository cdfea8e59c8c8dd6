/* SPDX-License-Identifier: ISC */
/* convert - a survey that plans, and a second pass that goes by the plan. */
#include "convert.h"

#include "encode.h"

#include "base/log.h"
#include "mail/header.h"
#include "mail/mime.h"

#include <stdlib.h>
#include <string.h>

#define LINE_LIMIT 998 /* RFC 5321 section 4.5.3.1.6, without CRLF */

/* What becomes of a part. */
enum plan {
	PLAN_KEEP,
	PLAN_SAY_7BIT, /* its label alone is wrong */
	PLAN_QUOTED,
	PLAN_BASE64,
};

/* What a part holds, as far as it was read. */
struct tally {
	struct mime_part part;
	bool is_open;
	size_t bytes, specials, high, column;
	bool is_binary; /* NUL, or lines that are too long */
};

struct convert {
	struct mime mime;
	struct buf plans; /* an enum plan a part */
	bool is_needed;
	struct tally tally;

	struct body *out;
	struct encode encode;
	bool is_encoding;
	bool ends_line; /* base64: an end of line that may be the delimiter's */
	size_t labelled; /* the parts before this one have their label ... */
	size_t ended;    /* ... and their header behind them */
	bool skips;      /* the field whose lines these are */
};

static int survey_piece(void *arg, const struct mime_piece *p);
static int write_piece(void *arg, const struct mime_piece *p);

struct convert *
convert_new(void)
{
	struct convert *c = calloc(1, sizeof(*c));

	if (c == NULL)
		log_fatal("out of memory");
	buf_init(&c->plans, CONVERT_PARTS_MAX);
	mime_init(&c->mime, survey_piece, c);
	return c;
}

void
convert_free(struct convert **c)
{
	if (*c == NULL)
		return;
	mime_done(&(*c)->mime);
	buf_done(&(*c)->plans);
	free(*c);
	*c = NULL;
}

/* ---- the survey ---- */

static bool
says_more_than_7bit(const struct mime_part *p)
{
	return p->encoding == MIME_8BIT || p->encoding == MIME_BINARY;
}

static enum plan
decide(const struct tally *t)
{
	bool is_labelled = says_more_than_7bit(&t->part);

	if (t->part.kind == MIME_OPAQUE)
		return PLAN_KEEP;
	if (t->part.kind != MIME_LEAF)
		return is_labelled ? PLAN_SAY_7BIT : PLAN_KEEP;
	if (t->part.encoding == MIME_ENCODED)
		return PLAN_KEEP;
	if (t->high == 0 && !(is_labelled && t->is_binary))
		return is_labelled ? PLAN_SAY_7BIT : PLAN_KEEP;
	/* Two more bytes each, or one more for every three. */
	return t->specials > t->bytes / 6 ? PLAN_BASE64 : PLAN_QUOTED;
}

static void
close_tally(struct convert *c)
{
	if (!c->tally.is_open)
		return;
	c->tally.is_open = false;
	enum plan plan = decide(&c->tally);
	/* A message of no line at all was not told of. */
	while (c->plans.len < c->tally.part.number && !c->plans.full)
		buf_add_char(&c->plans, PLAN_KEEP);
	if (buf_add_char(&c->plans, (char)plan) != 0)
		return;
	c->is_needed = c->is_needed || plan >= PLAN_QUOTED;
}

static void
count(struct tally *t, struct str bytes)
{
	t->bytes += bytes.len;
	t->column += bytes.len;
	t->is_binary = t->is_binary || t->column > LINE_LIMIT;
	for (size_t i = 0; i < bytes.len; i++) {
		t->high += (unsigned char)bytes.p[i] >= 0x80;
		t->specials += encode_is_special(bytes.p[i]);
		t->is_binary = t->is_binary || bytes.p[i] == '\0';
	}
}

static int
survey_piece(void *arg, const struct mime_piece *p)
{
	struct convert *c = arg;
	struct tally *t = &c->tally;

	if (!t->is_open || p->part->number != t->part.number) {
		close_tally(c);
		*t = (struct tally){.is_open = true};
	}
	t->part = *p->part;
	if (p->place != MIME_BODY)
		return 0;
	if (p->is_first)
		t->column = 0;
	count(t, p->bytes);
	return 0;
}

void
convert_survey(struct convert *c, struct str bytes)
{
	mime_read(&c->mime, bytes);
}

void
convert_surveyed(struct convert *c)
{
	mime_end(&c->mime);
	close_tally(c);
}

bool
convert_is_needed(const struct convert *c)
{
	return c->is_needed;
}

/* ---- the second pass ---- */

static enum plan
plan_of(const struct convert *c, const struct mime_part *part)
{
	return part->number < c->plans.len ? (enum plan)c->plans.p[part->number]
	                                   : PLAN_KEEP;
}

static int
write_line(struct convert *c, const char *text)
{
	return body_write(c->out, str_c(text));
}

static int
write_as_is(struct convert *c, const struct mime_piece *p)
{
	int e = body_write(c->out, p->bytes);

	return e == 0 && p->has_lf ? write_line(c, "\n") : e;
}

static int
write_label(struct convert *c, const struct mime_part *part)
{
	static const char *const labels[] = {
	    [PLAN_KEEP] = "",
	    [PLAN_SAY_7BIT] = "Content-Transfer-Encoding: 7bit\n",
	    [PLAN_QUOTED] = "Content-Transfer-Encoding: quoted-printable\n",
	    [PLAN_BASE64] = "Content-Transfer-Encoding: base64\n",
	};

	if (part->number < c->labelled)
		return 0;
	c->labelled = part->number + 1;
	return write_line(c, labels[plan_of(c, part)]);
}

/* The old label gives way to the new one, in its place. */
static int
write_header_line(struct convert *c, const struct mime_piece *p)
{
	struct header h;

	if (p->is_first && !header_is_folded(p->bytes))
		c->skips =
		    plan_of(c, p->part) != PLAN_KEEP &&
		    header_parse_line(p->bytes, &h) &&
		    str_eq_case(h.name, STR("content-transfer-encoding"));
	return c->skips ? write_label(c, p->part) : write_as_is(c, p);
}

/* A message that knows nothing of MIME could not say how it is encoded. */
static int
write_missing(struct convert *c, const struct mime_part *part)
{
	int e = 0;

	if (part->is_message && !part->has_version) {
		e = write_line(c, "MIME-Version: 1.0\n");
		if (e == 0 && !part->has_type)
			e = write_line(c,
			    "Content-Type: text/plain; charset=unknown-8bit\n");
	}
	return e != 0 ? e : write_label(c, part);
}

static int
end_header(struct convert *c, const struct mime_part *part, bool has_end)
{
	enum plan plan = plan_of(c, part);
	int e = 0;

	c->skips = false;
	c->ended = part->number + 1;
	c->ends_line = false;
	c->is_encoding = plan >= PLAN_QUOTED;
	if (c->is_encoding) {
		e = write_missing(c, part);
		encode_init(&c->encode, c->out, plan == PLAN_BASE64);
		/* An end of its own, where it had none. */
		has_end = true;
	}
	return e == 0 && has_end ? write_line(c, "\n") : e;
}

/* base64: an end of line counts once something stands behind it, for the one
 * before a delimiter is not the part's (RFC 2046 section 5.1.1). */
static int
encode_piece(struct convert *c, const struct mime_piece *p)
{
	struct encode *en = &c->encode;
	int e = 0;

	if (en->is_base64 && p->is_first && c->ends_line)
		e = encode_line_end(en);
	if (e == 0)
		e = encode_bytes(en, p->bytes);
	if (e == 0 && p->is_last && !en->is_base64)
		e = p->has_lf ? encode_line_end(en) : encode_end(en);
	c->ends_line = p->has_lf;
	return e;
}

/* Before a delimiter, and at the end of all. */
static int
end_encoding(struct convert *c, bool with_line_end)
{
	struct encode *en = &c->encode;
	int e = 0;

	if (!c->is_encoding)
		return 0;
	c->is_encoding = false;
	if (en->is_base64 && with_line_end && c->ends_line)
		e = encode_line_end(en);
	return e != 0 ? e : encode_end(en);
}

static int
write_body(struct convert *c, const struct mime_piece *p)
{
	/* The header ended without an empty line. */
	int e = p->part->number >= c->ended ? end_header(c, p->part, false) : 0;

	if (e != 0)
		return e;
	return c->is_encoding ? encode_piece(c, p) : write_as_is(c, p);
}

static int
write_delimiter(struct convert *c, const struct mime_piece *p)
{
	int e = end_encoding(c, false);

	c->skips = false;
	return e != 0 ? e : write_as_is(c, p);
}

static int
write_piece(void *arg, const struct mime_piece *p)
{
	struct convert *c = arg;

	switch (p->place) {
	case MIME_HEADER:
		return write_header_line(c, p);
	case MIME_HEADER_END:
		return end_header(c, p->part, true);
	case MIME_DELIMITER:
		return write_delimiter(c, p);
	case MIME_BODY:
		return write_body(c, p);
	case MIME_AROUND:
		break;
	}
	return write_as_is(c, p);
}

void
convert_begin(struct convert *c, struct body *out)
{
	c->out = out;
	mime_done(&c->mime);
	mime_init(&c->mime, write_piece, c);
}

int
convert_write(struct convert *c, struct str bytes)
{
	return mime_read(&c->mime, bytes);
}

int
convert_end(struct convert *c)
{
	int e = mime_end(&c->mime);

	return e != 0 ? e : end_encoding(c, true);
}
