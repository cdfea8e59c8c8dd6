/* SPDX-License-Identifier: ISC */
/* top_screen - what is drawn, and what keys do. */
#include "top.h"

#include "plain.h"
#include "term.h"

#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOON       (100 * CLOCK_MS) /* while a listing is awaited */
#define LIST_PAUSE (2 * CLOCK_SEC)
#define LIST_SHARE 9 /* times as long as a listing took, until the next */
#define HEAD_LINES 6 /* the head, an empty line, titles */
#define FOOT_LINES 2
#define KEYS_MAX   256

/* The list on the screen: destinations, or one's messages. */
struct view {
	struct arena arena;
	struct top_rows rows;
	bool is_messages;
	size_t n;
	size_t selected; /* < n, or 0 */
};

static struct sites nothing;

static void
add_name(const struct top *t, const struct view *v, size_t i, struct buf *out)
{
	if (v->is_messages) {
		buf_add_str(out, t->listing->messages[i].id);
		return;
	}
	buf_addf(out, "%.*s:", STR_ARG(v->rows.p[i].transport));
	buf_add_str(out, v->rows.p[i].name);
}

/* Where what is selected stands now; where it stood, if it has gone. */
static size_t
find_selected(const struct top *t, const struct view *v)
{
	BUF_CLEANUP struct buf name = {0};

	buf_init(&name, TOP_NAME_MAX);
	for (size_t i = 0; t->selected.len > 0 && i < v->n; i++) {
		buf_reset(&name);
		add_name(t, v, i, &name);
		if (str_eq(buf_str(&name), buf_str(&t->selected)))
			return i;
	}
	return v->n == 0 ? 0 : t->place < v->n ? t->place : v->n - 1;
}

static void
select_row(struct top *t, const struct view *v, size_t i)
{
	buf_reset(&t->selected);
	t->place = i;
	if (i < v->n)
		add_name(t, v, i, &t->selected);
}

static void
make_view(struct top *t, struct view *v)
{
	const struct admin_state *s = top_state(t);

	*v = (struct view){.is_messages = t->site.len > 0};
	arena_init(&v->arena, SIZE_MAX / 2); /* rows of what is in memory */
	if (v->is_messages)
		v->n = t->listing != NULL ? t->listing->n : 0;
	else if (s != NULL)
		v->rows = top_view_join(s,
		    t->listing != NULL ? &t->listing->sites : &nothing,
		    &v->arena);
	if (!v->is_messages)
		v->n = v->rows.n;
	v->selected = find_selected(t, v);
	select_row(t, v, v->selected);
}

/* ---- drawing ---- */

static void
draw_row(const struct top *t, const struct view *v, size_t i, FILE *out,
    unsigned width)
{
	char *text;
	size_t n;
	FILE *line = open_memstream(&text, &n);

	if (line == NULL)
		log_fatal("out of memory");
	if (v->is_messages)
		top_view_message(
		    line, &t->listing->messages[i], clock_wall(), width);
	else
		top_view_row(line, &v->rows.p[i], width);
	fclose(line);
	n -= n > 0; /* its LF */
	if (i == v->selected)
		fprintf(out, "\033[7m%.*s\033[0m\n", (int)n, text);
	else
		fprintf(out, "%.*s\n", (int)n, text);
	free(text);
}

static void
draw_list(const struct top *t, const struct view *v, FILE *out, unsigned width,
    size_t room)
{
	size_t first = v->selected < room ? 0 : v->selected - room + 1;

	if (v->is_messages) {
		plain_print(out, buf_str(&t->site));
		fputs(v->n == TOP_MESSAGES_MAX ? ": messages, the first of "
						 "many\n"
					       : ": messages\n",
		    out);
		top_view_message_titles(out, width);
	} else {
		fputc('\n', out);
		top_view_titles(out, width);
	}
	for (size_t i = first; i < v->n && i - first < room; i++)
		draw_row(t, v, i, out, width);
}

/* The whole reason of what is selected. */
static void
draw_reason(
    const struct top *t, const struct view *v, FILE *out, unsigned width)
{
	struct str why;

	if (v->n == 0)
		return;
	why = v->is_messages ? t->listing->messages[v->selected].reason
	                     : v->rows.p[v->selected].why;
	plain_print(out, plain_cut(why, width));
}

/* The question that is open, what was done last, else the keys. */
static void
draw_foot(const struct top *t, const struct view *v, FILE *out)
{
	if (t->asked == TOP_FLUSH_ALL) {
		fputs("try all that waits now? (y/n)", out);
	} else if (t->asked != TOP_NOTHING) {
		fprintf(out, "%s all mail for ", top_action_name(t->asked));
		plain_print(out, v->rows.p[v->selected].name);
		fputs("? (y/n)", out);
	} else if (t->said.len > 0) {
		plain_print(out, buf_str(&t->said));
	} else if (v->is_messages) {
		fputs("arrows select  h hold  r release  f flush  "
		      "Esc back  q quit",
		    out);
	} else {
		fputs("arrows select  Enter messages  h hold  r release  "
		      "f flush  F flush all  q quit",
		    out);
	}
}

static void
draw(const struct top *t, const struct view *v)
{
	const struct admin_state *s = top_state(t);
	unsigned width, height;
	char *text;
	size_t n, room;
	FILE *out = open_memstream(&text, &n);

	if (out == NULL)
		log_fatal("out of memory");
	term_size(&width, &height);
	room = height > HEAD_LINES + FOOT_LINES
	           ? height - HEAD_LINES - FOOT_LINES
	           : 1;
	fputs("\033[H\033[J", out);
	if (t->why.len > 0) {
		plain_print(out, buf_str(&t->why));
		fputc('\n', out);
	} else if (s != NULL) {
		top_view_head(out, s, width);
	}
	if (t->why.len == 0)
		draw_list(t, v, out, width, room);
	fprintf(out, "\033[%u;1H", height - 1);
	draw_reason(t, v, out, width);
	fprintf(out, "\033[%u;1H\033[K", height);
	draw_foot(t, v, out);
	fclose(out);
	fd_write_all(STDOUT_FILENO, text, n);
	free(text);
}

/* ---- keys ---- */

static void
open_messages(struct top *t, const struct view *v)
{
	if (v->is_messages || v->n == 0)
		return;
	buf_add_str(&t->site, v->rows.p[v->selected].name);
	if (t->listing != NULL)
		t->listing->n = 0;
	buf_reset(&t->selected);
	t->place = 0;
	top_list_soon(t);
}

static void
leave_messages(struct top *t)
{
	buf_reset(&t->site);
	buf_reset(&t->selected);
	t->place = 0;
}

/* For one message at once; for all of a destination after a question. */
static void
begin(struct top *t, const struct view *v, enum top_action action)
{
	if (action != TOP_FLUSH_ALL && v->n == 0)
		return;
	if (!v->is_messages || action == TOP_FLUSH_ALL)
		t->asked = action;
	else
		top_act(
		    t, action, t->listing->messages[v->selected].id, STR_NONE);
}

static void
answer(struct top *t, const struct view *v, char c)
{
	enum top_action action = t->asked;

	t->asked = TOP_NOTHING;
	if (c == 'y' || c == 'Y')
		top_act(t, action, STR_NONE,
		    action == TOP_FLUSH_ALL ? STR_NONE
					    : v->rows.p[v->selected].name);
}

static void
take_char(struct top *t, const struct view *v, char c)
{
	if (t->asked != TOP_NOTHING)
		answer(t, v, c);
	else if (c == 'q')
		t->is_over = true;
	else if (c == 'h')
		begin(t, v, TOP_HOLD);
	else if (c == 'r')
		begin(t, v, TOP_RELEASE);
	else if (c == 'f')
		begin(t, v, TOP_FLUSH);
	else if (c == 'F')
		begin(t, v, TOP_FLUSH_ALL);
}

static void
move(struct top *t, const struct view *v, enum key key)
{
	size_t last = v->n > 0 ? v->n - 1 : 0, i = v->selected, page;
	unsigned width, height;

	term_size(&width, &height);
	page = height > HEAD_LINES + FOOT_LINES + 1
	           ? height - HEAD_LINES - FOOT_LINES
	           : 1;
	if (key == KEY_UP)
		i = i > 0 ? i - 1 : 0;
	else if (key == KEY_DOWN)
		i = i + 1;
	else if (key == KEY_PAGE_UP)
		i = i > page ? i - page : 0;
	else if (key == KEY_PAGE_DOWN)
		i += page;
	else
		i = key == KEY_HOME ? 0 : last;
	select_row(t, v, i < last ? i : last);
}

static void
take_key(struct top *t, enum key key, char c)
{
	struct view v;

	make_view(t, &v);
	switch (key) {
	case KEY_NONE:
		break;
	case KEY_CHAR:
		buf_reset(&t->said);
		take_char(t, &v, c);
		break;
	case KEY_ENTER:
		if (t->asked == TOP_NOTHING)
			open_messages(t, &v);
		break;
	case KEY_ESCAPE:
		if (t->asked == TOP_NOTHING)
			leave_messages(t);
		t->asked = TOP_NOTHING;
		break;
	case KEY_UP:
	case KEY_DOWN:
	case KEY_PAGE_UP:
	case KEY_PAGE_DOWN:
	case KEY_HOME:
	case KEY_END:
		if (t->asked == TOP_NOTHING)
			move(t, &v, key);
		break;
	}
	arena_done(&v.arena);
}

/* What was typed until now; the terminal's end is ours. */
static void
take_keys(struct top *t, struct io *io)
{
	char bytes[KEYS_MAX];
	ssize_t n = read(io->fd, bytes, sizeof(bytes));
	struct str in = str_n(bytes, n > 0 ? (size_t)n : 0);
	char c = '\0';

	io->readable = false;
	if ((n < 0 && errno != EINTR) || io->is_hung_up)
		t->is_over = true;
	while (in.len > 0 && !t->is_over) {
		enum key key = term_key(&in, &c);

		take_key(t, key, c);
	}
}

/* ---- tasks ---- */

/* Listings one after the other, a tenth of the time at most. */
static void
run_lister(void *arg)
{
	struct top *t = arg;

	while (!t->is_over) {
		int64_t began = clock_mono(), took;
		struct top_listing *l;

		t->is_stale = false;
		l = top_list(t);
		took = clock_mono() - began;
		if (l != NULL) {
			top_listing_free(&t->listing);
			t->listing = l;
		}
		if (t->is_stale)
			continue;
		task_wait(
		    &t->list_now, clock_after(took * LIST_SHARE > LIST_PAUSE
						  ? took * LIST_SHARE
						  : LIST_PAUSE));
	}
}

void
top_screen(struct top *t, int64_t pause)
{
	struct io io;
	struct view v;

	sites_init(&nothing);
	if (io_init(&io, dup(STDIN_FILENO)) < 0 || !term_open())
		log_fatal("the terminal cannot be used: %s", strerror(errno));
	task_start(run_lister, t);
	while (!t->is_over) {
		bool is_soon = t->listing == NULL || t->is_stale;
		int64_t next = clock_after(is_soon ? SOON : pause);

		top_refresh(t);
		do {
			make_view(t, &v);
			draw(t, &v);
			arena_done(&v.arena);
			if (io_wait_read(&io, next) < 0)
				break;
			take_keys(t, &io);
		} while (!t->is_over);
	}
	term_close();
	io_done(&io);
}
