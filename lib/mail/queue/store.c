/* SPDX-License-Identifier: ISC */
/*
 * store - taking messages in, recording what became of them.
 */
#include "mail/queue/store_impl.h"

#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
store_say(const struct store *s, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (s->events.say == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->events.say(s->events.arg, text);
}

void
store_mark_dirty(struct store *s, enum entry_queue queue, struct str id)
{
	if (queue == QUEUE_HOLD)
		s->dirt.hold = true;
	else
		s->dirt.hashed[dirs_hash(id)] = true;
}

void
store_add_spoken(struct store_item *item, const struct journal_place *at)
{
	uint32_t n = item->nspoken;

	/* Powers of two: grown when the count is one. */
	if ((n & (n - 1)) == 0) {
		item->spoken = reallocarray(
		    item->spoken, n == 0 ? 1 : 2 * n, sizeof(*item->spoken));
		if (item->spoken == NULL)
			log_fatal("out of memory for %u statuses", n);
	}
	item->spoken[item->nspoken++] = *at;
	if (item->where == STORE_FILE && item->hold.segment == NULL)
		journal_hold(at->segment, &item->hold);
}

/* Forget the first `n`. */
void
store_drop_spoken(struct store_item *item, uint32_t n)
{
	struct journal_place *old = item->spoken;
	uint32_t left = item->nspoken - n;

	item->spoken = NULL;
	item->nspoken = 0;
	for (uint32_t i = 0; i < left; i++)
		store_add_spoken(item, &old[n + i]);
	free(old);
}

void
store_relink(struct store_item *item)
{
	struct journal_segment *oldest = item->place.segment;

	for (uint32_t i = 0; i < item->nspoken; i++) {
		struct journal_segment *one = item->spoken[i].segment;

		if (oldest == NULL || journal_compare(one, oldest) < 0)
			oldest = one;
	}
	if (oldest == item->hold.segment)
		return;
	if (oldest == NULL)
		journal_release(&item->hold);
	else
		journal_hold(oldest, &item->hold);
}

/* What was appended and is not durable yet, and how to undo it. */
struct pending {
	struct journal_wait wait;
	struct store_item *item;   /* came into being by it */
	struct store_item *spoken; /* got the place among its `spoken` */
	struct journal_place place;
	struct journal_wait *owner;
};

static void
forget_place(struct store_item *item, const struct journal_place *at)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < item->nspoken; i++)
		if (item->spoken[i].segment != at->segment ||
		    item->spoken[i].offset != at->offset)
			item->spoken[kept++] = item->spoken[i];
	item->nspoken = kept;
	store_drop_spoken(item, 0);
	store_relink(item);
}

static void
end_pending(struct journal_wait *w, int error)
{
	struct pending *p = (struct pending *)w;
	struct journal_wait *owner = p->owner;

	if (error < 0 && p->item != NULL) {
		journal_release(&p->item->hold);
		p->item->where = STORE_NOWHERE;
		p->item->place.segment = NULL;
	}
	if (error < 0 && p->spoken != NULL)
		forget_place(p->spoken, &p->place);
	free(p);
	if (owner != NULL)
		owner->done(owner, error);
}

struct journal_wait *
store_pending(struct store *s, struct store_item *item,
    struct store_item *spoken, struct journal_wait *owner,
    struct journal_place **ret_place)
{
	struct pending *p = calloc(1, sizeof(*p));

	(void)s;
	if (p == NULL)
		log_fatal("out of memory for a record");
	*p = (struct pending){
	    .wait = {.done = end_pending,
		.can_wait = owner != NULL && owner->can_wait},
	    .item = item,
	    .spoken = spoken,
	    .owner = owner,
	};
	*ret_place = &p->place;
	return &p->wait;
}

void
store_pending_drop(struct journal_wait *w)
{
	free((struct pending *)w);
}

struct store_body *
store_body_new(const struct envelope *e, struct content *content)
{
	struct store_body *b = calloc(1, sizeof(*b));
	size_t n = e->recipients.n;

	if (b == NULL)
		log_fatal("out of memory for a message");
	/* As decoded, an envelope was bounded by its packet. */
	arena_init(&b->arena, SIZE_MAX / 2);
	buf_init(&b->bytes, 0);
	shape_copy(&envelope_shape, e, &b->arena, &b->envelope);
	b->envelope.size = content_size(content);
	progress_init(&b->progress, n, &b->arena);
	b->content = content_ref(content);
	return b;
}

void
store_body_free(struct store_body **bp)
{
	struct store_body *b = *bp;

	*bp = NULL;
	if (b == NULL)
		return;
	content_unref(&b->content);
	buf_done(&b->bytes);
	arena_done(&b->arena);
	free(b);
}

static int
append_message(struct store *s, struct store_item *item,
    struct store_body *body, struct store_item *parent,
    const struct entry_marks *about, struct str content,
    struct journal_wait *owner)
{
	struct entry_message e = {.envelope = body->envelope};
	struct journal_place *place;
	struct journal_wait *w = store_pending(s, item, parent, owner, &place);
	int r;

	if (parent != NULL)
		e.parent = *about;
	r = journal_append(
	    s->journal, ENTRY_MESSAGE, &e, content, JOURNAL_MESSAGE, w, place);
	if (r < 0) {
		store_pending_drop(w);
		return r;
	}
	item->where = STORE_JOURNAL;
	item->place = *place;
	journal_hold(place->segment, &item->hold);
	if (parent != NULL)
		store_add_spoken(parent, place);
	return 0;
}

/* Memfds are read and not mapped: each mapping that goes interrupts the
 * processor that the thread is on. */
static int
read_content(struct store *s, struct content *c, struct str *ret)
{
	size_t size = content_size(c);
	char *room;
	ssize_t n;

	if (content_fds(c) == 0)
		return content_view(c, 0, ret);
	buf_reset(&s->content);
	room = buf_room(&s->content, size);
	n = room == NULL ? -EMSGSIZE : content_read(c, 0, room, size);
	if (n < 0)
		return (int)n;
	*ret = str_n(room, (size_t)n);
	return 0;
}

int
store_add(struct store *s, struct store_item *item, struct store_body *body,
    struct store_item *parent, const struct entry_marks *about,
    struct journal_wait *w)
{
	struct str content = STR_NONE;
	int r;

	if (!journal_has_room(s->journal))
		return -ENOSPC;
	if (body->envelope.size <= STORE_INLINE_MAX) {
		r = read_content(s, body->content, &content);
		if (r < 0)
			return r;
		r = append_message(s, item, body, parent, about, content, w);
		if (r != -EMSGSIZE)
			return r;
	}
	return store_move_new(s, item, body, parent, about, w);
}

/* Of a message in a file, what must be durable: what is final. */
static size_t
pick_final(const struct entry_status *status, struct mark *ret)
{
	const struct mark *marks = status->about.marks.p;
	size_t n = 0;

	for (size_t i = 0; i < status->about.marks.n; i++)
		if (marks[i].done || marks[i].outcome.state != OUTCOME_DEFERRED)
			ret[n++] = marks[i];
	return n;
}

int
store_status(struct store *s, struct store_item *item,
    const struct entry_status *status, struct journal_wait *owner)
{
	struct mark final[STORE_MARKS_MAX];
	struct entry_status e = *status;
	struct journal_place *place;
	struct journal_wait *w;
	int r;

	if (status->about.marks.n > STORE_MARKS_MAX)
		return -EMSGSIZE;
	e.about.id = str_c(item->id);
	if (item->where == STORE_FILE) {
		e.about.marks.p = final;
		e.about.marks.n = pick_final(status, final);
		if (e.about.marks.n == 0 && e.about.done.len == 0)
			return 0;
	}
	w = store_pending(s, NULL, item, owner, &place);
	r = journal_append(
	    s->journal, ENTRY_STATUS, &e, STR_NONE, JOURNAL_STATUS, w, place);
	if (r < 0) {
		store_pending_drop(w);
		return r;
	}
	store_add_spoken(item, place);
	return 1;
}

int
store_generation(struct store *s, uint64_t *ret)
{
	struct entry_generation e;

	if (s->generation == s->generation_end)
		return -EAGAIN;
	*ret = s->generation++;
	if (s->generation_end - s->generation > STORE_GENERATIONS / 2 ||
	    s->generation_wanted != 0)
		return 0;
	e.below = s->generation_end + STORE_GENERATIONS;
	if (journal_append(s->journal, ENTRY_GENERATION, &e, STR_NONE,
		JOURNAL_STATUS, &s->generation_wait, NULL) == 0)
		s->generation_wanted = e.below;
	return 0;
}

bool
store_has_room(const struct store *s)
{
	return journal_has_room(s->journal);
}

unsigned
store_fill(const struct store *s)
{
	return (unsigned)(journal_used(s->journal) * 100 /
			  journal_size(s->journal));
}

int
store_fd(const struct store *s)
{
	return flusher_fd(s->flusher);
}

bool
store_is_due(const struct store *s)
{
	return flusher_is_due(s->flusher);
}

void
store_collect(struct store *s)
{
	flusher_collect(s->flusher);
	store_tend(s);
}

void
store_submit(struct store *s)
{
	store_send_group(s);
	store_start_removals(s);
	journal_submit(s->journal);
}

int64_t
store_late(const struct store *s)
{
	return journal_late(s->journal);
}

void
store_tick(struct store *s, int64_t now)
{
	journal_tick(s->journal, now);
	store_retry_ends(s);
	store_tend(s);
}
