/* SPDX-License-Identifier: ISC */
/*
 * sift - fields and lines to tables, and what they say to be done.  mime says
 * which line is what; a field is gathered until the next one begins.
 */
#include "mail/sift.h"

#include "base/log.h"
#include "mail/header.h"
#include "mail/mime.h"
#include "mail/repair.h"

#include <errno.h>
#include <stdlib.h>

#define ANSWER_MAX ((size_t)1024 * 1024)

enum class {
	CLASS_HEADER,
	CLASS_MIME,
	CLASS_NESTED,
	CLASS_BODY,
	CLASSES
};

static const struct {
	enum param param;
	const char *name;
} classes[CLASSES] = {
    [CLASS_HEADER] = {PARAM_header_checks, "header_checks"},
    [CLASS_MIME] = {PARAM_mime_header_checks, "mime_header_checks"},
    [CLASS_NESTED] = {PARAM_nested_header_checks, "nested_header_checks"},
    [CLASS_BODY] = {PARAM_body_checks, "body_checks"},
};

struct sift_tables {
	struct maps *of[CLASSES];
	size_t field_max, line_max;
	uint64_t body_max; /* 0: all of it */
};

struct sift {
	const struct sift_tables *tables;
	const struct sift_events *events;
	void *arg;
	struct mime mime;
	bool is_stopped; /* no more questions */
	bool has_ended;  /* the message's own header */
	/* The field at hand, with LFs between its lines. */
	struct buf field;
	enum class class;
	/* The body at hand. */
	size_t part;
	uint64_t body;   /* bytes of it that were looked at */
	struct buf line; /* the piece at hand of a line that was cut */
	bool is_kept;    /* something of the line went on */
};

/* ---- tables ---- */

struct sift_tables *
sift_tables_open(
    const struct conf *c, const struct dict_env *env, struct buf *why)
{
	struct sift_tables *t = calloc(1, sizeof(*t));

	if (t == NULL)
		log_fatal("out of memory");
	t->field_max = (size_t)conf_int(c, PARAM_header_size_limit);
	t->line_max = (size_t)conf_int(c, PARAM_line_length_limit);
	t->body_max = (uint64_t)conf_int(c, PARAM_body_checks_size_limit);
	for (size_t i = 0; i < CLASSES; i++) {
		t->of[i] = maps_open(env, conf_str(c, classes[i].param), why);
		if (t->of[i] == NULL) {
			sift_tables_free(&t);
			return NULL;
		}
	}
	return t;
}

void
sift_tables_free(struct sift_tables **tp)
{
	struct sift_tables *t = *tp;

	if (t == NULL)
		return;
	for (size_t i = 0; i < CLASSES; i++)
		maps_free(&t->of[i]);
	free(t);
	*tp = NULL;
}

bool
sift_tables_are_empty(const struct sift_tables *t)
{
	for (size_t i = 0; i < CLASSES; i++)
		if (!maps_is_empty(t->of[i]))
			return false;
	return true;
}

/* ---- what is told to do ---- */

static void
put(struct sift *s, struct str bytes)
{
	s->events->put(s->arg, bytes);
}

static void
put_line(struct sift *s, struct str line)
{
	put(s, line);
	put(s, STR("\n"));
}

/*
 * Ask the table of `class` about `found`.  0 with *ret, which is CHECKS_DUNNO
 * where nothing is to be done; its text is in `a`.  -EAGAIN.
 */
static int
ask(struct sift *s, enum class class, struct str found, struct arena *a,
    struct checks_action *ret)
{
	bool is_header = class != CLASS_BODY;
	struct str answer;
	const char *why;

	*ret = (struct checks_action){CHECKS_DUNNO, STR_NONE};
	if (s->is_stopped)
		return 0;
	switch (maps_get(s->tables->of[class],
	    str_sub(found, 0, DICT_SUBJECT_MAX), a, &answer)) {
	case FIND_NO:
		return 0;
	case FIND_RETRY:
	case FIND_BROKEN:
		s->events->wrong(s->arg, classes[class].name, STR_NONE,
		    "the table cannot be asked");
		return -EAGAIN;
	case FIND_YES:
		break;
	}
	why = checks_parse(answer, is_header, ret);
	if (why != NULL) {
		s->events->wrong(s->arg, classes[class].name, answer, why);
		ret->verb = CHECKS_DUNNO;
	}
	if (checks_word(ret->verb) != NULL)
		s->events->act(s->arg, ret, is_header, found);
	s->is_stopped =
	    ret->verb == CHECKS_PASS || ret->verb == CHECKS_REDIRECT ||
	    ret->verb == CHECKS_REJECT || ret->verb == CHECKS_DISCARD;
	return 0;
}

/* ---- fields ---- */

static bool
is_of_mime(struct str name)
{
	static const char *const names[] = {"content-description",
	    "content-disposition", "content-id", "content-transfer-encoding",
	    "content-type", "mime-version"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_eq_case(name, str_c(names[i])))
			return true;
	return false;
}

static enum class class_of(const struct mime_part *part, struct str line) {
	struct header h;

	    if (header_parse_line(line, &h) &&
		is_of_mime(h.name)) return CLASS_MIME;
	    if (part == NULL || part->number == 0) return CLASS_HEADER;
	    return part->is_message ? CLASS_NESTED : CLASS_MIME;
}

/* A part's is a line of the body for all others. */
static void
put_field(struct sift *s, struct str field)
{
	if (s->has_ended)
		put_line(s, field);
	else
		s->events->field(s->arg, field);
}

static int
check_field(struct sift *s, enum class class, struct str field)
{
	ARENA_CLEANUP struct arena a = {0};
	struct checks_action what;
	int r;

	arena_init(&a, ANSWER_MAX);
	r = ask(s, class, field, &a, &what);
	if (r < 0)
		return r;
	if (what.verb == CHECKS_PREPEND)
		put_field(s, what.text);
	if (what.verb == CHECKS_REPLACE)
		put_field(s, what.text);
	else if (what.verb != CHECKS_IGNORE && what.verb != CHECKS_STRIP)
		put_field(s, field);
	return 0;
}

static int
end_field(struct sift *s)
{
	int r;

	if (s->field.len == 0)
		return 0;
	r = check_field(s, s->class, buf_str(&s->field));
	buf_reset(&s->field);
	return r;
}

/* A line of a header, or a piece of one. */
static int
take_header(struct sift *s, const struct mime_piece *p)
{
	int r = 0;

	if (p->is_first && !header_is_folded(p->bytes)) {
		r = end_field(s);
		s->class = class_of(p->part, p->bytes);
	} else if (p->is_first && s->field.len > 0 &&
		   buf_add_char(&s->field, '\n') < 0) {
		return -EMSGSIZE;
	}
	if (r == 0 && buf_add_str(&s->field, p->bytes) < 0)
		r = -EMSGSIZE;
	return r;
}

int
sift_fields(struct sift *s, struct str text)
{
	struct header h;

	while (header_next(&text, &h)) {
		int r = check_field(s, class_of(NULL, h.whole), h.whole);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- bodies ---- */

/* A line, or the piece of it that is at hand. */
static int
check_text(struct sift *s, struct str text)
{
	ARENA_CLEANUP struct arena a = {0};
	struct checks_action what;
	int r;

	arena_init(&a, ANSWER_MAX);
	s->body += text.len + 1;
	r = ask(s, CLASS_BODY, text, &a, &what);
	if (r < 0 || what.verb == CHECKS_IGNORE || what.verb == CHECKS_STRIP)
		return r;
	if (what.verb == CHECKS_PREPEND)
		put_line(s, what.text);
	put(s, what.verb == CHECKS_REPLACE ? what.text : text);
	s->is_kept = true;
	return 0;
}

/* Pieces as they come, to pieces of line_max bytes, wherever blocks were
 * cut. */
static int
cut_line(struct sift *s, const struct mime_piece *p)
{
	struct str rest = p->bytes;
	int r = 0;

	if (s->line.len == 0 && p->is_last && rest.len <= s->line.max)
		return check_text(s, rest);
	while (r == 0 && rest.len > 0) {
		size_t room = s->line.max - s->line.len;

		if (room == 0) {
			r = check_text(s, buf_str(&s->line));
			buf_reset(&s->line);
			continue;
		}
		buf_add_str(&s->line, str_sub(rest, 0, room));
		rest = str_from(rest, room);
	}
	if (r < 0 || !p->is_last)
		return r;
	r = check_text(s, buf_str(&s->line));
	buf_reset(&s->line);
	return r;
}

static bool
is_looked_at(const struct sift *s)
{
	return !s->is_stopped && !maps_is_empty(s->tables->of[CLASS_BODY]) &&
	       (s->tables->body_max == 0 || s->body < s->tables->body_max);
}

static int
take_body(struct sift *s, const struct mime_piece *p)
{
	int r = 0;

	if (p->part->number != s->part) {
		s->part = p->part->number;
		s->body = 0;
	}
	if (s->line.len == 0 && !is_looked_at(s)) {
		put(s, p->bytes);
		s->is_kept = true;
	} else {
		r = cut_line(s, p);
	}
	if (!p->is_last)
		return r;
	/* Of a line that was dropped whole not even the end is left. */
	if (p->has_lf && s->is_kept)
		put(s, STR("\n"));
	s->is_kept = false;
	return r;
}

/* ---- a message ---- */

static int
take(void *arg, const struct mime_piece *p)
{
	struct sift *s = arg;
	int r;

	if (p->place == MIME_HEADER)
		return take_header(s, p);
	r = p->is_first ? end_field(s) : 0;
	if (r < 0)
		return r;
	if (!s->has_ended) {
		s->has_ended = true;
		s->events->end_header(s->arg, p->place == MIME_HEADER_END);
		if (p->place == MIME_HEADER_END)
			return 0;
	}
	if (p->place != MIME_HEADER_END)
		return take_body(s, p);
	put(s, STR("\n"));
	return 0;
}

struct sift *
sift_new(
    const struct sift_tables *t, const struct sift_events *events, void *arg)
{
	struct sift *s = calloc(1, sizeof(*s));

	if (s == NULL)
		log_fatal("out of memory");
	s->tables = t;
	s->events = events;
	s->arg = arg;
	mime_init(&s->mime, take, s);
	buf_init(&s->field, t->field_max);
	buf_init(&s->line, t->line_max);
	return s;
}

void
sift_free(struct sift **sp)
{
	struct sift *s = *sp;

	if (s == NULL)
		return;
	mime_done(&s->mime);
	buf_done(&s->field);
	buf_done(&s->line);
	free(s);
	*sp = NULL;
}

int
sift_bytes(struct sift *s, struct str bytes)
{
	return mime_read(&s->mime, bytes);
}

int
sift_end(struct sift *s)
{
	int r = mime_end(&s->mime);

	return r < 0 ? r : end_field(s);
}
