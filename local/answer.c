/* SPDX-License-Identifier: ISC */
/* answer - what becomes of a recipient.  All of it lies in the arena. */
#include "answer.h"

#include <stdarg.h>

void
answer_init(struct answer *w, struct arena *a)
{
	*w = (struct answer){.a = a};
	map_init(&w->known);
}

void
answer_done(struct answer *w)
{
	map_done(&w->known);
}

/* What tells a recipient from others: the address alone, or for a delivery
 * what is done. */
static struct str
make_key(struct arena *a, const struct recipient *r)
{
	const struct action *action = r->action.p;

	if (r->action.n == 0)
		return arena_lower(a, r->address);
	return arena_strf(a, "/%u %u %.*s %.*s", (unsigned)action->kind,
	    (unsigned)action->uid, STR_ARG(action->root),
	    STR_ARG(action->path));
}

static void
append(struct answer *w, const struct recipient *r)
{
	struct str key = make_key(w->a, r);

	if (map_put(&w->known, key, w) != NULL)
		return;
	if (w->n == w->cap) {
		size_t cap = w->cap == 0 ? 8 : w->cap * 2;
		struct recipient *list = arena_array(w->a, cap, sizeof(*list));

		if (w->n > 0)
			memcpy(list, w->list, w->n * sizeof(*list));
		w->list = list;
		w->cap = cap;
	}
	w->list[w->n++] = *r;
}

/* A child's recipient is what its parent's was, but for the address. */
static struct recipient
inherit(const struct recipient *parent)
{
	return (struct recipient){
	    .original =
		parent->original.len > 0 ? parent->original : parent->address,
	    .orcpt = parent->orcpt,
	    .notify = parent->notify,
	};
}

void
answer_add_action(struct answer *w, const struct action *action,
    struct str address, const struct recipient *parent)
{
	struct action *kept = arena_alloc(w->a, sizeof(*kept));
	struct recipient r = inherit(parent);

	*kept = *action;
	r.address = address;
	r.action = (struct rows){kept, 1};
	append(w, &r);
}

void
answer_add_address(
    struct answer *w, struct addr addr, const struct recipient *parent)
{
	struct recipient r = inherit(parent);

	r.address = arena_str(w->a, addr.text);
	append(w, &r);
}

/* SECURITY: what a user or a client wrote stands in a log line. */
__attribute__((format(printf, 2, 0))) static struct str
format(struct arena *a, const char *fmt, va_list ap)
{
	BUF_CLEANUP struct buf b = {0};

	buf_init(&b, OUTCOME_TEXT_MAX);
	if (buf_vaddf(&b, fmt, ap) != 0)
		buf_add_c(&b, "the reason is too long to be told");
	for (size_t i = 0; i < b.len; i++)
		if ((unsigned char)b.p[i] < ' ' || b.p[i] == 0x7f)
			b.p[i] = '?';
	return arena_str(a, buf_str(&b));
}

bool
answer_outcome(struct answer *w, const char *dsn, const char *fmt, ...)
{
	struct outcome *o = arena_alloc(w->a, sizeof(*o));
	va_list ap;

	va_start(ap, fmt);
	o->state = outcome_from_dsn(str_c(dsn));
	o->dsn = str_c(dsn);
	o->text = format(w->a, fmt, ap);
	va_end(ap);
	w->value = (struct expand_answer){
	    .verdict = EXPAND_OUTCOME,
	    .outcomes = {o, 1},
	};
	return false;
}

bool
answer_refuse(struct answer *w, const char *dsn, const char *fmt, ...)
{
	struct str text;
	va_list ap;

	va_start(ap, fmt);
	text = format(w->a, fmt, ap);
	va_end(ap);
	if (w->refused.state == 0)
		w->refused = (struct outcome){
		    .state = outcome_from_dsn(str_c(dsn)),
		    .dsn = str_c(dsn),
		    .text = text,
		};
	return true;
}
