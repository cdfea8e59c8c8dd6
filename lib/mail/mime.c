/* SPDX-License-Identifier: ISC */
/* mime - lines to places. */
#include "mail/mime.h"

#include "mail/header.h"

void
mime_init(struct mime *m, mime_take *take, void *arg)
{
	*m = (struct mime){
	    .take = take,
	    .arg = arg,
	    .part = {.is_message = true},
	    .in_header = true,
	    .body = MIME_BODY,
	};
	buf_init(&m->field, MIME_FIELD_MAX);
	buf_init(&m->line, MIME_LINE_MAX);
	buf_init(&m->boundaries, MIME_DEPTH_MAX * BOUNDARY_MAX);
}

void
mime_done(struct mime *m)
{
	buf_done(&m->field);
	buf_done(&m->line);
	buf_done(&m->boundaries);
}

/* ---- parts ---- */

static bool
in_digest(const struct mime *m)
{
	return m->depth > 0 && m->levels[m->depth - 1].is_digest;
}

static void
begin_part(struct mime *m, bool is_message)
{
	m->part = (struct mime_part){
	    .number = m->part.number + 1,
	    .is_message = is_message,
	    /* RFC 2046 section 5.1.5. */
	    .kind = !is_message && in_digest(m) ? MIME_MESSAGE : MIME_LEAF,
	};
	m->in_header = true;
	buf_reset(&m->field);
}

static void
push(struct mime *m, struct str boundary, bool is_digest)
{
	m->levels[m->depth++] =
	    (struct mime_level){m->boundaries.len, is_digest};
	buf_add_str(&m->boundaries, boundary);
}

static struct str
boundary_of(const struct mime *m, size_t level)
{
	size_t at = m->levels[level].at;
	size_t end =
	    level + 1 < m->depth ? m->levels[level + 1].at : m->boundaries.len;

	return str_sub(buf_str(&m->boundaries), at, end - at);
}

static void
pop_to(struct mime *m, size_t depth)
{
	if (depth < m->depth)
		buf_cut(&m->boundaries, m->levels[depth].at);
	m->depth = depth;
}

/* RFC 2046 section 5.1.1: "--boundary" or "--boundary--", then blanks. */
static bool
is_delimiter(struct str line, struct str boundary, bool *ret_closes)
{
	struct str rest = str_from(line, 2);

	if (!str_has_prefix(rest, boundary))
		return false;
	rest = str_from(rest, boundary.len);
	*ret_closes = str_has_prefix(rest, STR("--"));
	return str_trim(str_from(rest, *ret_closes ? 2 : 0)).len == 0;
}

/* The innermost first: what is left open by mistake ends with the outer. */
static bool
take_delimiter(struct mime *m, struct str line)
{
	bool closes;

	if (!str_has_prefix(line, STR("--")))
		return false;
	for (size_t level = m->depth; level-- > 0;) {
		if (!is_delimiter(line, boundary_of(m, level), &closes))
			continue;
		pop_to(m, closes ? level : level + 1);
		m->in_header = false;
		m->body = MIME_AROUND;
		if (!closes)
			begin_part(m, false);
		return true;
	}
	return false;
}

/* ---- fields ---- */

static void
take_encoding(struct mime *m, struct str value)
{
	static const struct {
		const char *word;
		enum mime_encoding encoding;
	} words[] = {
	    {"7bit", MIME_7BIT},
	    {"8bit", MIME_8BIT},
	    {"binary", MIME_BINARY},
	};
	struct str word = str_word(&value, " \t\r\n;(");

	if (m->part.encoding != MIME_UNSAID)
		return; /* as mail readers do, the first counts */
	m->part.encoding = MIME_ENCODED;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eq_case(word, str_c(words[i].word)))
			m->part.encoding = words[i].encoding;
}

static enum mime_kind
kind_of_message(struct str subtype)
{
	if (str_eq_case(subtype, STR("rfc822")) ||
	    str_eq_case(subtype, STR("global")))
		return MIME_MESSAGE;
	/* RFC 2046 section 5.2: these are 7-bit, and must stay so. */
	if (str_eq_case(subtype, STR("partial")) ||
	    str_eq_case(subtype, STR("external-body")))
		return MIME_OPAQUE;
	return MIME_LEAF;
}

static void
take_type(struct mime *m, struct str value)
{
	BUF_CLEANUP struct buf boundary = {0};
	struct content_type t;

	if (m->part.has_type)
		return;
	m->part.has_type = true;
	m->part.kind = MIME_LEAF;
	buf_init(&boundary, BOUNDARY_MAX);
	if (content_type_parse(value, &t, &boundary) != 0)
		return;
	if (str_eq_case(t.type, STR("message")))
		m->part.kind = kind_of_message(t.subtype);
	if (!str_eq_case(t.type, STR("multipart")))
		return;
	m->part.kind = MIME_OPAQUE;
	if (boundary.len == 0 || m->depth == MIME_DEPTH_MAX)
		return;
	m->part.kind = MIME_MULTIPART;
	push(m, buf_str(&boundary), str_eq_case(t.subtype, STR("digest")));
}

static void
finish_field(struct mime *m)
{
	struct header h;

	if (m->field.len == 0)
		return;
	if (header_parse_line(buf_str(&m->field), &h)) {
		if (str_eq_case(h.name, STR("content-type")))
			take_type(m, h.value);
		else
			take_encoding(m, h.value);
	}
	buf_reset(&m->field);
}

static bool
is_of_interest(struct mime *m, struct str name)
{
	if (str_eq_case(name, STR("mime-version")))
		m->part.has_version = true;
	return str_eq_case(name, STR("content-type")) ||
	       str_eq_case(name, STR("content-transfer-encoding"));
}

static void
add_to_field(struct mime *m, struct str line)
{
	buf_add_str(&m->field, str_sub(line, 0, MIME_FIELD_MAX - m->field.len));
}

/* False: it is none, and the header has ended before it. */
static bool
take_header_line(struct mime *m, struct str line)
{
	struct header h;

	if (header_is_folded(line)) {
		if (m->field.len > 0)
			add_to_field(m, line);
		return true;
	}
	if (!header_parse_line(line, &h))
		return false;
	if (is_of_interest(m, h.name))
		add_to_field(m, line);
	return true;
}

/* ---- lines ---- */

static void
end_header(struct mime *m)
{
	m->in_header = false;
	/* A message that came encoded, against RFC 2046, is text like any. */
	if (m->part.kind == MIME_MESSAGE && m->part.encoding == MIME_ENCODED)
		m->part.kind = MIME_LEAF;
	m->body = m->part.kind == MIME_MULTIPART ? MIME_AROUND : MIME_BODY;
}

static enum mime_place
place_of(struct mime *m, struct str line)
{
	/* The message whose empty line was the last one. */
	if (m->place == MIME_HEADER_END && m->part.kind == MIME_MESSAGE)
		begin_part(m, true);
	if (m->in_header && !header_is_folded(line))
		finish_field(m);
	if (m->depth > 0 && take_delimiter(m, line))
		return MIME_DELIMITER;
	if (!m->in_header)
		return m->body;
	if (line.len == 0) {
		end_header(m);
		return MIME_HEADER_END;
	}
	if (take_header_line(m, line))
		return MIME_HEADER;
	end_header(m);
	if (m->part.kind == MIME_MESSAGE)
		m->part.kind = MIME_OPAQUE; /* nobody can say where it begins */
	return m->body;
}

static int
hand_on(
    struct mime *m, struct str bytes, bool is_first, bool is_last, bool has_lf)
{
	const struct mime_piece piece = {
	    .place = m->place,
	    .bytes = bytes,
	    .is_first = is_first,
	    .is_last = is_last,
	    .has_lf = has_lf,
	    .part = &m->part,
	};

	return m->take(m->arg, &piece);
}

/* A line, or the front of a long one. */
static int
begin_line(struct mime *m, struct str front, bool is_whole, bool has_lf)
{
	m->place = place_of(m, str_sub(front, 0, MIME_LINE_MAX));
	m->is_inside = !is_whole;
	return hand_on(m, front, true, is_whole, has_lf);
}

/* The line before was cut; `part` is what follows of it. */
static int
go_on(struct mime *m, struct str part, bool is_end)
{
	if (m->is_inside) {
		m->is_inside = !is_end;
		return hand_on(m, part, false, is_end, is_end);
	}
	size_t room = MIME_LINE_MAX - m->line.len;
	buf_add_str(&m->line, str_sub(part, 0, room));
	if (!is_end && m->line.len < MIME_LINE_MAX)
		return 0;
	part = str_from(part, room);
	bool is_whole = is_end && part.len == 0;
	int e = begin_line(m, buf_str(&m->line), is_whole, is_whole);
	buf_reset(&m->line);
	return e == 0 && part.len > 0 ? go_on(m, part, is_end) : e;
}

int
mime_read(struct mime *m, struct str bytes)
{
	while (bytes.len > 0) {
		struct str line;
		bool ended = str_cut(bytes, '\n', &line, &bytes);
		int e;
		if (m->is_inside || m->line.len > 0 || !ended)
			e = go_on(m, line, ended);
		else
			e = begin_line(m, line, true, true);
		if (e != 0)
			return e;
	}
	return 0;
}

int
mime_end(struct mime *m)
{
	int e = 0;

	if (m->is_inside)
		e = hand_on(m, STR_NONE, false, true, false);
	else if (m->line.len > 0)
		e = begin_line(m, buf_str(&m->line), true, false);
	m->is_inside = false;
	buf_reset(&m->line);
	return e;
}
