/* SPDX-License-Identifier: ISC */
/*
 * store_forward - a message written anew at the journal's head: because its
 * segment was closed by a failed flush, or must leave while no file can be
 * made.  The message and what is known about its recipients are several
 * records; only when all are durable do they take the old ones' place.
 */
#include "base/log.h"
#include "mail/queue/store_impl.h"

#include <errno.h>
#include <stdlib.h>

#define PARTS_MAX (1 + ENVELOPE_RCPT_MAX / STORE_MARKS_MAX + 1)

struct forward;

struct part {
	struct journal_wait wait;
	struct forward *forward;
	struct journal_place place;
	struct journal_hold hold; /* its segment stays meanwhile */
};

struct forward {
	struct store_move *move;
	uint32_t nspoken; /* of the item's, what the snapshot sums up */
	size_t waiting;
	int error;
	size_t n;
	struct part parts[PARTS_MAX]; /* the message, then the statuses */
};

/* The snapshot's places come before those of statuses that came since. */
static void
replace_spoken(struct store_item *item, const struct forward *f)
{
	struct journal_place *old = item->spoken;
	uint32_t n = item->nspoken;

	item->spoken = NULL;
	item->nspoken = 0;
	for (size_t i = 1; i < f->n; i++)
		store_add_spoken(item, &f->parts[i].place);
	for (uint32_t i = f->nspoken; i < n; i++)
		store_add_spoken(item, &old[i]);
	free(old);
}

static void
end_forward(struct forward *f)
{
	struct store_item *item = store_move_item(f->move);

	if (item != NULL && f->error == 0) {
		item->place = f->parts[0].place;
		replace_spoken(item, f);
		store_relink(item);
	}
	for (size_t i = 0; i < f->n; i++)
		journal_release(&f->parts[i].hold);
	store_free_move(f->move);
	free(f);
}

static void
end_part(struct journal_wait *w, int error)
{
	struct forward *f = ((struct part *)w)->forward;

	if (error < 0)
		f->error = error;
	if (--f->waiting == 0)
		end_forward(f);
}

static int
append_part(struct store *s, struct forward *f, enum entry_type type,
    const void *value, struct str content, enum journal_use use)
{
	struct part *p = &f->parts[f->n];
	int r;

	p->wait.done = end_part;
	p->hold.is_guard = true;
	p->forward = f;
	r = journal_append(
	    s->journal, type, value, content, use, &p->wait, &p->place);
	if (r < 0)
		return r;
	journal_hold(p->place.segment, &p->hold);
	f->n++;
	f->waiting++;
	return 0;
}

/* The marks of up to a record's worth of recipients, from *i on. */
static size_t
fill_marks(const struct progress *p, size_t *i, struct mark *ret)
{
	size_t n = 0;

	for (; *i < p->n && n < STORE_MARKS_MAX; (*i)++) {
		const struct progress_mark *m = &p->marks[*i];

		if (m->last == NULL && !m->done)
			continue;
		ret[n] = (struct mark){.index = *i, .done = m->done};
		if (m->last != NULL)
			ret[n].outcome = *m->last;
		n++;
	}
	return n;
}

static int
append_snapshot(
    struct store *s, struct forward *f, const struct store_body *body)
{
	struct mark marks[STORE_MARKS_MAX];
	const struct progress *p = &body->progress;
	struct entry_status e = {
	    .attempts = p->attempts,
	    .next = p->next,
	    .about = {.id = body->envelope.id,
		.marks = {.p = marks},
		.warned = p->warned},
	};
	size_t i = 0;
	int r = 0;

	while (r == 0 && i < p->n) {
		e.about.marks.n = fill_marks(p, &i, marks);
		if (e.about.marks.n > 0)
			r = append_part(
			    s, f, ENTRY_STATUS, &e, STR_NONE, JOURNAL_STATUS);
	}
	return r;
}

static int
append_all(struct store *s, struct forward *f, struct store_body *body,
    enum journal_use use)
{
	struct entry_message e = {.envelope = body->envelope};
	struct str content;
	int r = content_view(body->content, 0, &content);

	if (r == 0)
		r = append_part(s, f, ENTRY_MESSAGE, &e, content, use);
	store_move_item(f->move)->is_copied |= r == 0;
	if (r == 0)
		r = append_snapshot(s, f, body);
	return r;
}

int
store_forward(struct store *s, struct store_item *item, enum journal_use use)
{
	struct store_body *body;
	struct forward *f;
	const char *why;
	uint32_t nspoken;
	int r;

	if (item->move != NULL)
		return -EBUSY;
	r = store_load_durable(s, item, &body, &nspoken, &why);
	if (r < 0)
		return r;
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		log_fatal("out of memory for a message on its way");
	f->move = store_new_move(s, item);
	f->nspoken = nspoken;
	f->waiting = 1; /* this call */
	r = append_all(s, f, body, use);
	store_body_free(&body);
	if (r < 0)
		f->error = r;
	if (--f->waiting == 0)
		end_forward(f);
	return r;
}
