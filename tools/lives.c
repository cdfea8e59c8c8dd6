/* SPDX-License-Identifier: ISC */
/*
 * lives - an id is known or not; a known one has lives, one after the other,
 * for short queue ids are used again.
 */
#include "lives.h"

#include "log_line.h"
#include "plain.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/map.h"
#include "mail/envelope.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

STAILQ_HEAD(life_list, life);

struct known {
	char id[ENVELOPE_QID_MAX + 1];
	struct life *last; /* of this pass; NULL: none yet */
};

struct life {
	STAILQ_ENTRY(life) link;    /* of all, by their first lines */
	STAILQ_ENTRY(life) sibling; /* of its parent's children */
	struct life_list children;
	const struct known *known; /* NULL: what was not taken */
	struct life *parent;
	struct buf tie;  /* what it is to its parent */
	struct buf text; /* lines, ended by LF */
	struct buf sum;  /* "from=<a>, size=1, nrcpt=1" */
	unsigned sent, deferred, bounced;
	bool is_over; /* "removed" */
	bool is_hit;  /* asked for, not only tied to what was */
};

struct lives {
	struct str id, who;
	struct map known;
	struct life_list all;
	struct life *refused; /* lines with NOQUEUE */
	size_t text;
	bool has_learnt, is_cut;
};

struct lives *
lives_new(struct str id, struct str who)
{
	struct lives *l = calloc(1, sizeof(*l));

	if (l == NULL)
		log_fatal("out of memory");
	l->id = id;
	l->who = who;
	map_init(&l->known);
	STAILQ_INIT(&l->all);
	return l;
}

static void
drop_lives(struct lives *l)
{
	struct life *one;

	while ((one = STAILQ_FIRST(&l->all)) != NULL) {
		STAILQ_REMOVE_HEAD(&l->all, link);
		buf_done(&one->tie);
		buf_done(&one->text);
		buf_done(&one->sum);
		free(one);
	}
	MAP_FOREACH (slot, &l->known) {
		struct known *k = slot->value;

		k->last = NULL;
	}
	l->refused = NULL;
	l->text = 0;
}

void
lives_free(struct lives **lp)
{
	struct lives *l = *lp;

	*lp = NULL;
	if (l == NULL)
		return;
	drop_lives(l);
	MAP_FOREACH (slot, &l->known)
		free(slot->value);
	map_done(&l->known);
	free(l);
}

/* NULL: there are enough. */
static struct known *
learn(struct lives *l, struct str id)
{
	struct known *k = map_get(&l->known, id);

	if (k != NULL)
		return k;
	if (l->known.count >= LIVES_MAX) {
		l->is_cut = true;
		return NULL;
	}
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		log_fatal("out of memory");
	memcpy(k->id, id.p, id.len);
	map_put(&l->known, str_c(k->id), k);
	l->has_learnt = true;
	return k;
}

void
lives_begin(struct lives *l)
{
	drop_lives(l);
	if (l->id.len > 0)
		learn(l, l->id);
	l->has_learnt = false;
}

static struct life *
new_life(struct lives *l, struct known *k)
{
	struct life *one = calloc(1, sizeof(*one));

	if (one == NULL)
		log_fatal("out of memory");
	STAILQ_INIT(&one->children);
	buf_init(&one->tie, 256);
	buf_init(&one->text, LIVES_TEXT_MAX);
	buf_init(&one->sum, LOG_LINE_MAX);
	one->known = k;
	if (k != NULL)
		k->last = one;
	STAILQ_INSERT_TAIL(&l->all, one, link);
	return one;
}

/* How a message begins, whoever takes it. */
static bool
is_begin(const struct log_line *line)
{
	return str_has_prefix(line->event, STR("client=")) ||
	       str_has_prefix(line->event, STR("uid=")) ||
	       str_has_prefix(line->event, STR("message-id="));
}

static struct life *
life_of(struct lives *l, struct known *k, const struct log_line *line)
{
	if (k->last == NULL || (k->last->is_over && is_begin(line)))
		return new_life(l, k);
	return k->last;
}

static void
add_line(struct lives *l, struct life *one, struct str line)
{
	if (l->text + line.len + 1 > LIVES_TEXT_MAX) {
		l->is_cut = true;
		return;
	}
	l->text += line.len + 1;
	buf_add_str(&one->text, line);
	buf_add_char(&one->text, '\n');
}

/* "from=<a>, size=1, nrcpt=1 (queue active)": the last such line counts. */
static void
add_up(struct life *one, const struct log_line *line)
{
	struct str status = log_line_status(line);
	ptrdiff_t end = str_find_str(line->event, STR(" (queue active)"));

	if (str_eq(status, STR("sent")))
		one->sent++;
	else if (str_eq(status, STR("deferred")))
		one->deferred++;
	else if (str_eq(status, STR("bounced")))
		one->bounced++;
	if (str_eq(line->event, STR("removed")))
		one->is_over = true;
	if (end < 0 || !str_has_prefix(line->event, STR("from=<")))
		return;
	buf_reset(&one->sum);
	buf_add_str(&one->sum, str_sub(line->event, 0, (size_t)end));
}

static bool
is_ancestor(const struct life *of, const struct life *one)
{
	for (; of != NULL; of = of->parent)
		if (of == one)
			return true;
	return false;
}

static void
tie(struct life *parent, struct life *child, const char *text, struct str what)
{
	if (child->parent != NULL || is_ancestor(parent, child))
		return;
	child->parent = parent;
	STAILQ_INSERT_TAIL(&parent->children, child, sibling);
	buf_add_str(&child->tie, what);
	buf_add_c(&child->tie, text);
}

/* A life whose id was learnt; made when its own lines come later. */
static struct life *
other_life(struct lives *l, struct str id)
{
	struct known *k = learn(l, id);

	if (k == NULL)
		return NULL;
	return k->last != NULL ? k->last : new_life(l, k);
}

static void
follow(struct lives *l, struct life *one, const struct log_line *line)
{
	static const char *const texts[] = {
	    [LOG_NOTIFIED] = " of ",
	    [LOG_FORWARDED] = "forwarded from ",
	    [LOG_HANDED_ON] = "handed on by ",
	    [LOG_REQUEUED] = "queued anew from ",
	};
	struct str id, what;
	enum log_tie kind = log_line_tie(line, &id, &what);
	struct life *child;

	if (kind == LOG_NO_TIE || kind == LOG_REQUEUED)
		return;
	child = other_life(l, id);
	if (child != NULL)
		tie(one, child, texts[kind], what);
}

/* A line that says which message its own is the successor of. */
static void
follow_origin(struct lives *l, const struct log_line *line)
{
	struct str id, what;
	struct known *origin, *k;

	if (log_line_tie(line, &id, &what) != LOG_REQUEUED)
		return;
	origin = map_get(&l->known, id);
	if (origin == NULL || str_eq(id, line->id))
		return;
	k = learn(l, line->id);
	if (k != NULL)
		tie(other_life(l, id), life_of(l, k, line), "queued anew from ",
		    STR_NONE);
}

static void
take_refused(struct lives *l, const struct log_line *line, struct str text)
{
	if (l->who.len == 0 || !log_line_names(line, l->who))
		return;
	if (l->refused == NULL)
		l->refused = new_life(l, NULL);
	l->refused->is_hit = true;
	add_line(l, l->refused, text);
}

void
lives_line(struct lives *l, struct str text)
{
	struct log_line line;
	struct known *k;
	struct life *one;
	bool is_hit;

	if (!log_line_parse(text, &line) || line.id.len == 0)
		return;
	if (str_eq(line.id, STR("NOQUEUE"))) {
		take_refused(l, &line, text);
		return;
	}
	follow_origin(l, &line);
	is_hit = l->who.len > 0 ? log_line_names(&line, l->who)
	                        : str_eq(line.id, l->id);
	k = is_hit ? learn(l, line.id) : map_get(&l->known, line.id);
	if (k == NULL)
		return;
	one = life_of(l, k, &line);
	one->is_hit |= is_hit;
	add_line(l, one, text);
	add_up(one, &line);
	follow(l, one, &line);
}

bool
lives_has_learnt(const struct lives *l)
{
	return l->has_learnt;
}

bool
lives_is_cut(const struct lives *l)
{
	return l->is_cut;
}

static void
print_count(FILE *out, const char *name, unsigned n)
{
	if (n > 0)
		fprintf(out, ", %s=%u", name, n);
}

static void
print_head(const struct life *one, FILE *out)
{
	if (one->known == NULL) {
		fputs("NOQUEUE: not taken\n", out);
		return;
	}
	fprintf(out, "%s: ", one->known->id);
	if (one->parent != NULL) {
		plain_print(out, buf_str(&one->tie));
		fprintf(out, "%s; ", one->parent->known->id);
	}
	plain_print(out, one->sum.len > 0 ? buf_str(&one->sum)
					  : STR("nothing of its start"));
	print_count(out, "sent", one->sent);
	print_count(out, "bounced", one->bounced);
	print_count(out, "deferred", one->deferred);
	fputs(one->is_over ? ", removed\n" : ", not removed\n", out);
}

static void
print_text(const struct life *one, FILE *out)
{
	struct str rest = buf_str(&one->text), line;

	while (str_line(&rest, &line)) {
		fputs("  ", out);
		plain_print(out, line);
		fputc('\n', out);
	}
}

/* Its first child, else what is next to it, to its parent, and so on. */
static const struct life *
next_below(const struct life *one, const struct life *top)
{
	if (!STAILQ_EMPTY(&one->children))
		return STAILQ_FIRST(&one->children);
	while (one != top && STAILQ_NEXT(one, sibling) == NULL)
		one = one->parent;
	return one == top ? NULL : STAILQ_NEXT(one, sibling);
}

/* Shown at the top: asked for, and below nothing that is shown. */
static bool
is_top(const struct life *one)
{
	if (!one->is_hit)
		return false;
	for (const struct life *p = one->parent; p != NULL; p = p->parent)
		if (p->is_hit)
			return false;
	return true;
}

size_t
lives_print(const struct lives *l, FILE *out)
{
	const struct life *top;
	size_t n = 0;

	STAILQ_FOREACH (top, &l->all, link) {
		if (!is_top(top))
			continue;
		for (const struct life *one = top; one != NULL;
		     one = next_below(one, top)) {
			if (n++ > 0)
				fputc('\n', out);
			print_head(one, out);
			print_text(one, out);
		}
	}
	return n;
}
