/* SPDX-License-Identifier: ISC */
/*
 * progress - in bytes, each recipient is two: flags, and which of the reasons
 * that follow is its last outcome (0: none was kept).
 */
#include "mail/queue/progress.h"

#include "mail/queue/bytes.h"

#include <errno.h>
#include <string.h>

#define MARK_BYTES  2
#define FLAG_DONE   0x80
#define STATE_MASK  0x0f
#define TEXT_FEW    OUTCOME_TEXT_MAX
#define TEXT_MANY   160
#define TEXT_LEAST  100
#define MANY        100 /* recipients from which on texts are cut */
#define OUTCOME_MAX (4 * 1024)

struct packed {
	uint64_t serial;
	uint64_t attempts;
	int64_t next;
	uint64_t warned;
	struct str marks;
	struct rows reasons; /* struct outcome */
};

static const struct field packed_fields[] = {
    SHAPE_U64(struct packed, serial, UINT64_MAX),
    SHAPE_U64(struct packed, attempts, UINT32_MAX),
    SHAPE_I64(struct packed, next, INT64_MAX),
    SHAPE_U64(struct packed, warned, 1),
    SHAPE_STR(struct packed, marks, ENVELOPE_RCPT_MAX *MARK_BYTES),
    SHAPE_ROWS(struct packed, reasons, PROGRESS_REASONS_MAX, &outcome_shape),
};
static const struct shape packed_shape =
    SHAPE("progress", struct packed, packed_fields);

size_t
progress_arena_max(size_t n)
{
	size_t each = n < MANY ? OUTCOME_MAX : 8 * TEXT_MANY;

	/* Outcomes of many attempts may pile up before it is thrown away. */
	return 1024 * 1024 + n * (sizeof(struct progress_mark) + 16 * each);
}

void
progress_init(struct progress *p, size_t n, struct arena *a)
{
	*p = (struct progress){
	    .n = n,
	    .left = n,
	    .marks = arena_array(a, n, sizeof(*p->marks)),
	    .arena = a,
	};
}

/* How final an outcome is; what is more final is never replaced by less. */
static int
rank(const struct outcome *o)
{
	if (o == NULL)
		return 0;
	switch ((enum outcome_state)o->state) {
	case OUTCOME_DEFERRED:
		return 1;
	case OUTCOME_BOUNCED:
		return 2;
	case OUTCOME_SENT:
		return 3;
	}
	return 0;
}

static bool
is_same(const struct outcome *a, const struct outcome *b)
{
	return a->state == b->state && a->how == b->how &&
	       str_eq(a->dsn, b->dsn) && str_eq(a->text, b->text) &&
	       str_eq(a->relay, b->relay) &&
	       str_eq(a->remote_mta, b->remote_mta) &&
	       str_eq(a->diagnostic, b->diagnostic);
}

/* A copy that lives as long as the progress; `like` itself if it is one. */
static const struct outcome *
keep(struct progress *p, const struct outcome *o, const struct outcome *like)
{
	size_t max = p->n < MANY ? TEXT_FEW : TEXT_MANY;
	struct outcome *copy, cut = *o;

	cut.text = str_sub(o->text, 0, max);
	cut.diagnostic = str_sub(o->diagnostic, 0, max);
	if (like != NULL && is_same(&cut, like))
		return like;
	if (arena_left(p->arena) < 2 * OUTCOME_MAX)
		return like;
	copy = arena_alloc(p->arena, sizeof(*copy));
	shape_copy(&outcome_shape, &cut, p->arena, copy);
	return copy;
}

static void
finish(struct progress *p, uint64_t index)
{
	if (index >= p->n || p->marks[index].done)
		return;
	p->marks[index].done = true;
	p->left--;
}

/* The last outcome of a recipient, if this one is not behind what is known. */
static void
learn(struct progress *p, const struct mark *mark, bool is_news,
    const struct outcome **before)
{
	struct progress_mark *m = &p->marks[mark->index];
	int rank_new = rank(&mark->outcome);

	if (rank_new > rank(m->last) ||
	    (rank_new > 0 && rank_new == rank(m->last) && is_news))
		m->last = keep(p, &mark->outcome, *before);
	*before = m->last;
}

void
progress_apply(struct progress *p, uint64_t attempts, int64_t next,
    const struct entry_marks *about)
{
	const struct mark *marks = about->marks.p;
	const struct outcome *before = NULL;
	bool is_news = attempts >= p->attempts;

	if (is_news) {
		p->attempts = attempts;
		p->next = next;
	}
	for (size_t i = 0; i < about->marks.n; i++) {
		if (marks[i].index >= p->n)
			continue;
		learn(p, &marks[i], is_news, &before);
		if (marks[i].done)
			finish(p, marks[i].index);
	}
	for (size_t i = 0; i < entry_done_count(about->done); i++)
		finish(p, entry_done_at(about->done, i));
	p->warned = p->warned || about->warned;
}

bool
progress_is_unsaid(const struct progress_mark *m)
{
	return !m->done && m->last != NULL &&
	       m->last->state != OUTCOME_DEFERRED;
}

size_t
progress_size_min(size_t n)
{
	return 256 + MARK_BYTES * n;
}

/* The number (from 1) of an outcome among the reasons; 0: no more room. */
static size_t
number_of(struct rows *reasons, const struct outcome *o)
{
	struct outcome *list = reasons->p;

	for (size_t i = reasons->n; i-- > 0;)
		if (is_same(&list[i], o))
			return i + 1;
	if (reasons->n == PROGRESS_REASONS_MAX)
		return 0;
	list[reasons->n++] = *o;
	return reasons->n;
}

static struct str
pack_marks(const struct progress *p, struct rows *reasons, struct arena *a)
{
	unsigned char *bytes = arena_alloc(a, p->n * MARK_BYTES + 1);

	for (size_t i = 0; i < p->n; i++) {
		const struct progress_mark *m = &p->marks[i];
		unsigned flags = m->done ? FLAG_DONE : 0;

		if (m->last != NULL)
			flags |= (unsigned)m->last->state & STATE_MASK;
		bytes[i * MARK_BYTES] = (unsigned char)flags;
		bytes[i * MARK_BYTES + 1] =
		    (unsigned char)(m->last == NULL
					? 0
					: number_of(reasons, m->last));
	}
	return str_n((char *)bytes, p->n * MARK_BYTES);
}

/* Shorter words, then fewer of them, until they fit. */
static void
shrink(struct packed *packed, size_t *max)
{
	struct outcome *list = packed->reasons.p;

	if (*max <= TEXT_LEAST) {
		packed->reasons.n -= (packed->reasons.n + 3) / 4;
		return;
	}
	*max /= 2;
	for (size_t i = 0; i < packed->reasons.n; i++) {
		list[i].text = str_sub(list[i].text, 0, *max);
		list[i].diagnostic = str_sub(list[i].diagnostic, 0, *max);
	}
}

int
progress_encode(
    const struct progress *p, uint64_t serial, size_t max, struct buf *out)
{
	ARENA_CLEANUP struct arena a = {0};
	struct packed packed = {
	    .serial = serial,
	    .attempts = p->attempts,
	    .next = p->next,
	    .warned = p->warned,
	};
	size_t start = out->len, text_max = TEXT_FEW;
	int r;

	arena_init(&a, p->n * MARK_BYTES + 4096 +
			   PROGRESS_REASONS_MAX * sizeof(struct outcome));
	packed.reasons.p =
	    arena_array(&a, PROGRESS_REASONS_MAX, sizeof(struct outcome));
	packed.marks = pack_marks(p, &packed.reasons, &a);
	for (;;) {
		r = shape_encode(&packed_shape, &packed, out);
		if (r == 0 && out->len - start <= max)
			return 0;
		buf_cut(out, start);
		if (r == -EINVAL || packed.reasons.n == 0)
			return r < 0 ? r : -EMSGSIZE;
		shrink(&packed, &text_max);
	}
}

/* A state whose words were not kept. */
static const struct outcome *
wordless(unsigned state)
{
	static const struct outcome deferred = {.state = OUTCOME_DEFERRED};
	static const struct outcome bounced = {.state = OUTCOME_BOUNCED};
	static const struct outcome sent = {.state = OUTCOME_SENT};

	switch (state) {
	case OUTCOME_DEFERRED:
		return &deferred;
	case OUTCOME_BOUNCED:
		return &bounced;
	case OUTCOME_SENT:
		return &sent;
	}
	return NULL;
}

uint64_t
progress_peek(struct str bytes)
{
	/* Behind the value's name and count, and the field's type and name. */
	size_t at = 2 + packed_shape.name.len + 2 + packed_fields[0].name.len;

	return bytes.len < at + sizeof(uint64_t)
	           ? 0
	           : bytes_get64((const unsigned char *)bytes.p + at);
}

int
progress_decode(struct progress *p, struct str bytes, uint64_t *ret_serial,
    const char **ret_why)
{
	struct packed packed;
	const struct outcome *reasons;
	int r = shape_decode(&packed_shape, bytes, p->arena, &packed, ret_why);

	if (r < 0)
		return r;
	if (packed.marks.len != p->n * MARK_BYTES) {
		*ret_why = "another number of recipients";
		return -EPROTO;
	}
	shape_copy(&packed_shape, &packed, p->arena, &packed);
	reasons = packed.reasons.p;
	p->attempts = packed.attempts;
	p->next = packed.next;
	p->warned = packed.warned;
	p->left = p->n;
	for (size_t i = 0; i < p->n; i++) {
		unsigned char flags =
		    (unsigned char)packed.marks.p[i * MARK_BYTES];
		size_t number =
		    (unsigned char)packed.marks.p[i * MARK_BYTES + 1];
		unsigned state = flags & STATE_MASK;
		struct progress_mark *m = &p->marks[i];

		m->done = flags & FLAG_DONE;
		p->left -= m->done;
		m->last = wordless(state);
		if (number > 0 && number <= packed.reasons.n &&
		    reasons[number - 1].state == state)
			m->last = &reasons[number - 1];
	}
	*ret_serial = packed.serial;
	return 0;
}
