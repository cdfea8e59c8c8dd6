/* SPDX-License-Identifier: ISC */
/* master_text - lines to entries, and back. */
#include "master_text.h"

#include "base/log.h"
#include "mail/cf_line.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_MAX ((size_t)64 * 1024 * 1024)
#define FOLD_AT   80

static const char *const field_names[MASTER_FIELDS] = {
    [MASTER_SERVICE] = "service",
    [MASTER_TYPE] = "type",
    [MASTER_PRIVATE] = "private",
    [MASTER_UNPRIVILEGED] = "unprivileged",
    [MASTER_CHROOT] = "chroot",
    [MASTER_WAKEUP] = "wakeup",
    [MASTER_PROCESS_LIMIT] = "process_limit",
    [MASTER_COMMAND] = "command",
};

const char *
master_field_name(enum master_field field)
{
	return field_names[field];
}

bool
master_field_find(struct str name, enum master_field *ret)
{
	for (int i = 0; i < MASTER_FIELDS; i++)
		if (str_eq(name, str_c(field_names[i]))) {
			*ret = (enum master_field)i;
			return true;
		}
	return false;
}

/* ---- reading ---- */

/* The next word: up to a blank, or "{...}" with what is inside trimmed. */
static bool
next_word(
    struct arena *a, struct str *rest, struct str *ret, const char **ret_why)
{
	size_t depth = 0, i = 0;

	*rest = str_trim(*rest);
	if (str_is_empty(*rest) || rest->p[0] != '{') {
		*ret = str_word(rest, " \t\r\n");
		return true;
	}
	for (; i < rest->len; i++) {
		depth += rest->p[i] == '{';
		depth -= rest->p[i] == '}';
		if (depth == 0)
			break;
	}
	if (i == rest->len) {
		*ret_why = "there is a { without its }";
		return false;
	}
	*ret = arena_strf(
	    a, "{%.*s}", STR_ARG(str_trim(str_sub(*rest, 1, i - 1))));
	*rest = str_from(*rest, i + 1);
	return true;
}

/* "name=value", "{name = value}" */
static bool
parse_setting(struct str text, struct master_option *ret, const char **ret_why)
{
	if (text.len >= 2 && text.p[0] == '{')
		text = str_sub(text, 1, text.len - 2);
	return cf_line_setting(
		   str_trim(text), &ret->name, &ret->value, ret_why) == 0;
}

/* What is behind the command. */
static bool
parse_tail(struct master_text *m, struct str rest, struct master_entry *e,
    const char **ret_why)
{
	size_t room = rest.len / 2 + 1;
	bool has_options = true;
	struct str word;

	e->options = arena_array(&m->arena, room, sizeof(*e->options));
	e->arguments = arena_array(&m->arena, room, sizeof(*e->arguments));
	e->noptions = e->narguments = 0;
	for (;;) {
		struct master_option o = {.flag = STR_NONE};

		if (!next_word(&m->arena, &rest, &word, ret_why))
			return false;
		if (str_is_empty(word))
			return true;
		if (!str_has_prefix(word, STR("-")))
			has_options = false;
		if (!has_options) {
			e->arguments[e->narguments++] = word;
			continue;
		}
		if (!str_has_prefix(word, STR("-o"))) {
			o.flag = word;
			e->options[e->noptions++] = o;
			continue;
		}
		word = str_from(word, 2);
		if (str_is_empty(word) &&
		    !next_word(&m->arena, &rest, &word, ret_why))
			return false;
		if (str_is_empty(word)) {
			*ret_why = "nothing stands behind the last -o";
			return false;
		}
		if (!parse_setting(word, &o, ret_why))
			return false;
		e->options[e->noptions++] = o;
	}
}

bool
master_text_command(struct master_text *m, struct str text,
    struct master_entry *e, const char **ret_why)
{
	text = arena_str(&m->arena, text);
	if (!next_word(&m->arena, &text, &e->fields[MASTER_COMMAND], ret_why))
		return false;
	*ret_why = "there is no command";
	return !str_is_empty(e->fields[MASTER_COMMAND]) &&
	       parse_tail(m, text, e, ret_why);
}

bool
master_text_entry(struct master_text *m, struct str text,
    struct master_entry *ret, const char **ret_why)
{
	*ret = (struct master_entry){.noptions = 0};
	text = arena_str(&m->arena, text);
	for (int i = 0; i < MASTER_COMMAND; i++)
		ret->fields[i] = str_word(&text, " \t\r\n");
	*ret_why = "bad field count";
	return !str_is_empty(str_trim(text)) &&
	       master_text_command(m, text, ret, ret_why);
}

struct master_entry *
master_text_add(struct master_text *m, const struct master_entry *e)
{
	if (m->n == m->room) {
		m->room = 2 * m->room + 64;
		m->entries =
		    reallocarray(m->entries, m->room, sizeof(*m->entries));
		if (m->entries == NULL)
			log_fatal("out of memory");
	}
	m->entries[m->n] = *e;
	return &m->entries[m->n++];
}

static bool
is_ignored(struct str line)
{
	struct str text = str_trim(line);

	return str_is_empty(text) || text.p[0] == '#';
}

/* One logical line, gathered. */
struct gathering {
	struct buf line;
	size_t begin, end;
	unsigned number, at;
};

static bool
end_entry(struct master_text *m, struct gathering *g, struct buf *why)
{
	struct master_entry e;
	const char *reason = "";
	bool ok = true;

	if (g->line.len > 0)
		ok = master_text_entry(m, buf_str(&g->line), &e, &reason);
	if (!ok) {
		buf_addf(why, "master.cf, line %u: %s", g->number, reason);
	} else if (g->line.len > 0) {
		e.begin = g->begin;
		e.end = g->end;
		master_text_add(m, &e);
	}
	buf_reset(&g->line);
	return ok;
}

bool
master_text_parse(struct master_text *m, struct str text, struct buf *why)
{
	struct gathering g = {.number = 0};
	struct str rest = text, line;
	bool ok = true;

	*m = (struct master_text){.text = text};
	arena_init(&m->arena, ARENA_MAX);
	buf_init(&g.line, CF_FILE_MAX + 1);
	while (ok && str_line(&rest, &line)) {
		g.at++;
		if (is_ignored(line))
			continue;
		if (!str_is_blank_char(line.p[0])) {
			ok = end_entry(m, &g, why);
			g.begin = (size_t)(line.p - text.p);
			g.number = g.at;
		} else if (g.line.len == 0) {
			continue; /* it goes on with nothing */
		}
		buf_add_str(&g.line, line);
		buf_add_char(&g.line, ' ');
		g.end = (size_t)(rest.len > 0 ? rest.p - text.p
					      : (ptrdiff_t)text.len);
	}
	if (ok)
		ok = end_entry(m, &g, why);
	buf_done(&g.line);
	return ok;
}

void
master_text_done(struct master_text *m)
{
	free(m->entries);
	arena_done(&m->arena);
}

/* ---- writing ---- */

struct line {
	struct buf *out;
	size_t column;
	bool fold;
};

static void
add_word(struct line *l, struct str word, bool wants_line)
{
	if (l->fold && (wants_line || l->column + 1 + word.len > FOLD_AT)) {
		buf_add_c(l->out, "\n    ");
		l->column = 4;
	} else {
		buf_add_char(l->out, ' ');
		l->column++;
	}
	buf_add_str(l->out, word);
	l->column += word.len;
}

static void
add_option(struct line *l, const struct master_option *o, bool wants_line)
{
	BUF_CLEANUP struct buf b = {0};
	bool has_blank =
	    str_has_char(o->value, ' ') || str_has_char(o->value, '\t');

	if (o->flag.len > 0) {
		add_word(l, o->flag, wants_line);
		return;
	}
	buf_init(&b, CF_FILE_MAX);
	buf_addf(&b, "-o %s%.*s=%.*s%s", has_blank ? "{" : "", STR_ARG(o->name),
	    STR_ARG(o->value), has_blank ? "}" : "");
	add_word(l, buf_str(&b), true);
}

void
master_text_format_command(
    const struct master_entry *e, bool fold, size_t at, struct buf *out)
{
	struct line l = {out, at + e->fields[MASTER_COMMAND].len, fold};
	bool is_after = false; /* a -o, which has a line of its own */

	buf_add_str(out, e->fields[MASTER_COMMAND]);
	for (size_t i = 0; i < e->noptions; i++) {
		add_option(&l, &e->options[i], is_after);
		is_after = e->options[i].flag.len == 0;
	}
	for (size_t i = 0; i < e->narguments; i++) {
		add_word(&l, e->arguments[i], is_after);
		is_after = false;
	}
}

/* Each column ends where the next begins; a long one takes from the next. */
void
master_text_format(const struct master_entry *e, bool fold, struct buf *out)
{
	static const size_t ends[] = {11, 17, 25, 33, 41, 49, 57};
	size_t column = 0;

	for (size_t i = 0; i < MASTER_COMMAND; i++) {
		buf_add_str(out, e->fields[i]);
		column += e->fields[i].len;
		do {
			buf_add_char(out, ' ');
		} while (++column < ends[i]);
	}
	master_text_format_command(e, fold, column, out);
	buf_add_char(out, '\n');
}

/* The lines of an entry: `each` line that is a part of it goes where it
 * belongs, comments between them stay. */
static void
write_lines(const struct master_text *m, const struct master_entry *e,
    const char *front, bool has_own, struct buf *out)
{
	struct str rest = str_sub(m->text, e->begin, e->end - e->begin), line;

	while (str_line(&rest, &line)) {
		bool is_own = !is_ignored(line);

		if (is_own && !has_own)
			continue;
		buf_addf(out, "%s%.*s\n", is_own ? front : "", STR_ARG(line));
	}
}

static void
write_entry(
    const struct master_text *m, const struct master_entry *e, struct buf *out)
{
	if (e->is_removed) {
		write_lines(m, e, "", false, out);
	} else if (e->is_commented) {
		write_lines(m, e, "#", true, out);
	} else if (e->is_changed) {
		write_lines(m, e, "", false, out);
		master_text_format(e, true, out);
	} else {
		buf_add_str(out, str_sub(m->text, e->begin, e->end - e->begin));
	}
}

void
master_text_write(const struct master_text *m, struct buf *out)
{
	size_t at = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct master_entry *e = &m->entries[i];

		if (e->end == 0) { /* new */
			buf_add_str(out, str_from(m->text, at));
			at = m->text.len;
			if (out->len > 0 && out->p[out->len - 1] != '\n')
				buf_add_char(out, '\n');
		} else {
			buf_add_str(out, str_sub(m->text, at, e->begin - at));
			at = e->end;
		}
		write_entry(m, e, out);
	}
	buf_add_str(out, str_from(m->text, at));
}
