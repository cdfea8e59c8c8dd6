/* SPDX-License-Identifier: ISC */
/* top_queue - what `valija top` asks of qmgr, and has done there. */
#include "top.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct admin_state *
top_state(const struct top *t)
{
	return t->state.value;
}

int
top_refresh(struct top *t)
{
	static const struct admin_status ask = {
	    .destinations = ADMIN_SITES_MAX};
	struct parcel answer;
	int r = 0;

	buf_reset(&t->why);
	if (t->chan == NULL)
		r = inquiry_open(t->conf, &t->chan);
	if (r < 0) {
		buf_add_c(&t->why, "the mail system is down");
		return r;
	}
	r = inquiry_call(
	    t->chan, ADMIN_STATUS, &ask, ADMIN_STATE, &answer, &t->why);
	if (r < 0) {
		chan_close(&t->chan); /* and again on a new one */
		return r;
	}
	parcel_done(&t->state);
	parcel_take(&answer, &t->state);
	return 0;
}

/* ---- listings ---- */

void
top_listing_free(struct top_listing **lp)
{
	struct top_listing *l = *lp;

	*lp = NULL;
	if (l == NULL)
		return;
	sites_done(&l->sites);
	arena_done(&l->arena);
	free(l);
}

void
top_list_soon(struct top *t)
{
	t->is_stale = true;
	task_wake_all(&t->list_now);
}

typedef void (*entry_fn)(void *arg, const struct admin_entry *e);

/* Each message to `each`, on a conversation of its own. */
static int
each_entry(struct top *t, entry_fn each, void *arg, struct buf *why)
{
	struct inquiry_entries e;
	struct chan *c;
	uint64_t n = 0;
	int r = inquiry_open(t->conf, &c);

	if (r < 0) {
		buf_add_c(why, "the mail system is down");
		return r;
	}
	r = inquiry_list(c, false, &e, why);
	if (r == 0) {
		if (t->bar != NULL)
			bar_start(t->bar, "messages", e.total);
		while ((r = inquiry_next(&e)) == 1) {
			each(arg, &e.entry);
			if (t->bar != NULL)
				bar_show(t->bar, ++n);
		}
		if (t->bar != NULL)
			bar_end(t->bar);
		inquiry_end(&e);
		if (r < 0)
			buf_add_c(why, "the list broke off");
	}
	chan_close(&c);
	return r;
}

struct listing_pass {
	struct top_listing *listing;
	struct str site;
};

static void
keep_message(struct top_listing *l, const struct admin_entry *e,
    const struct admin_recipient *r)
{
	if (l->n == TOP_MESSAGES_MAX)
		return;
	l->messages[l->n++] = (struct top_message){
	    .queue = arena_str(&l->arena, e->queue),
	    .id = arena_str(&l->arena, e->id),
	    .arrival = e->arrival,
	    .size = e->size,
	    .recipients = e->recipients.n,
	    .sender = arena_str(&l->arena, e->sender),
	    .recipient = arena_str(&l->arena, r->address),
	    .reason = arena_str(&l->arena, r->reason),
	};
}

static void
take_entry(void *arg, const struct admin_entry *e)
{
	struct listing_pass *p = arg;
	const struct admin_recipient *r =
	    p->site.len > 0 ? sites_find(e, p->site) : NULL;

	sites_add(&p->listing->sites, e);
	if (r != NULL)
		keep_message(p->listing, e, r);
}

struct top_listing *
top_list(struct top *t)
{
	BUF_CLEANUP struct buf why = {0}, site = {0};
	struct listing_pass p = {.listing = calloc(1, sizeof(*p.listing))};

	if (p.listing == NULL)
		log_fatal("out of memory");
	sites_init(&p.listing->sites);
	/* TOP_MESSAGES_MAX of them, each bounded. */
	arena_init(&p.listing->arena, SIZE_MAX / 2);
	p.listing->messages = arena_array(
	    &p.listing->arena, TOP_MESSAGES_MAX, sizeof(*p.listing->messages));
	buf_init(&why, LOG_LINE_MAX);
	/* Another may be selected meanwhile. */
	buf_init(&site, TOP_NAME_MAX);
	buf_add_str(&site, buf_str(&t->site));
	p.site = buf_str(&site);
	if (each_entry(t, take_entry, &p, &why) == 0)
		return p.listing;
	top_listing_free(&p.listing);
	buf_reset(&t->why);
	buf_add_str(&t->why, buf_str(&why));
	return NULL;
}

/* ---- actions ---- */

static const struct {
	const char *name;
	uint64_t queues;
	const char *in; /* as a listing names the queue */
	enum admin_action action;
} actions[] = {
    [TOP_HOLD] = {"hold", ADMIN_QUEUE_ACTIVE | ADMIN_QUEUE_DEFERRED, NULL,
	ADMIN_HOLD},
    [TOP_RELEASE] = {"release", ADMIN_QUEUE_HOLD, "hold", ADMIN_RELEASE},
    [TOP_FLUSH] = {"flush", ADMIN_QUEUE_DEFERRED, "deferred", ADMIN_ACTIONS},
    [TOP_FLUSH_ALL] = {"flush all", ADMIN_QUEUE_DEFERRED, NULL, ADMIN_ACTIONS},
};

const char *
top_action_name(enum top_action action)
{
	return actions[action].name;
}

struct ids {
	enum top_action action;
	struct str site;
	struct buf bytes; /* each ended by a NUL */
	size_t n;
};

static void
take_id(void *arg, const struct admin_entry *e)
{
	struct ids *ids = arg;
	const char *in = actions[ids->action].in;

	if (in != NULL ? !str_eq(e->queue, str_c(in))
		       : str_eq(e->queue, STR("hold")))
		return;
	if (sites_find(e, ids->site) == NULL)
		return;
	buf_add_str(&ids->bytes, e->id);
	buf_add_char(&ids->bytes, '\0');
	ids->n++;
}

static struct str
next_id(struct str *rest)
{
	struct str id;

	str_cut(*rest, '\0', &id, rest);
	return id;
}

/* A thousand at a time; *ret counts what was done. */
static int
steer(struct top *t, const struct ids *ids, size_t *ret, struct buf *why)
{
	struct admin_id rows[ADMIN_IDS_MAX];
	struct admin_steer ask = {
	    .action = actions[ids->action].action,
	    .queues = actions[ids->action].queues,
	    .ids = {rows, 0},
	};
	struct str rest = buf_str(&ids->bytes);
	const struct admin_steered *done;
	struct parcel answer;
	int r = 0;

	while (r == 0 && rest.len > 0) {
		ask.ids.n = 0;
		while (rest.len > 0 && ask.ids.n < ADMIN_IDS_MAX)
			rows[ask.ids.n++].id = next_id(&rest);
		r = inquiry_call(
		    t->chan, ADMIN_STEER, &ask, ADMIN_STEERED, &answer, why);
		if (r < 0)
			break;
		done = answer.value;
		*ret += done->ids.n;
		if (done->failed > 0) {
			buf_reset(why);
			buf_add_str(why, done->reason);
		}
		parcel_done(&answer);
	}
	return r;
}

static int
flush_each(struct top *t, const struct ids *ids, size_t *ret, struct buf *why)
{
	struct str rest = buf_str(&ids->bytes);
	struct admin_flush ask = {.site = STR_NONE};
	struct parcel answer;
	int r = 0;

	while (r == 0 && rest.len > 0) {
		ask.id = next_id(&rest);
		r = inquiry_call(
		    t->chan, ADMIN_FLUSH, &ask, ADMIN_DONE, &answer, why);
		if (r < 0)
			break;
		(*ret)++;
		parcel_done(&answer);
	}
	return r;
}

static void
flush_all(struct top *t, struct buf *why)
{
	static const struct admin_flush all = {.id = STR_NONE};
	struct parcel answer;

	if (inquiry_call(
		t->chan, ADMIN_FLUSH, &all, ADMIN_DONE, &answer, why) == 0) {
		parcel_done(&answer);
		buf_add_c(why, "all that waits is tried now");
	}
}

void
top_act(struct top *t, enum top_action action, struct str id, struct str site)
{
	BUF_CLEANUP struct buf why = {0};
	struct ids ids = {.action = action, .site = site};
	size_t done = 0;
	int r = 0;

	buf_reset(&t->said);
	buf_init(&why, LOG_LINE_MAX);
	buf_init(&ids.bytes, SIZE_MAX / 2); /* as many as the queue has */
	buf_addf(&t->said, "%s: ", actions[action].name);
	if (t->chan == NULL) {
		buf_add_c(&why, "the mail system is down");
	} else if (action == TOP_FLUSH_ALL) {
		flush_all(t, &why);
	} else {
		if (id.len > 0) {
			buf_add_str(&ids.bytes, id);
			buf_add_char(&ids.bytes, '\0');
		} else {
			r = each_entry(t, take_id, &ids, &why);
		}
		if (r == 0)
			r = action == TOP_FLUSH
			        ? flush_each(t, &ids, &done, &why)
			        : steer(t, &ids, &done, &why);
		buf_addf(&t->said, "%zu message%s%s", done,
		    done == 1 ? "" : "s", why.len > 0 ? "; " : "");
	}
	buf_add_str(&t->said, buf_str(&why));
	buf_done(&ids.bytes);
	top_list_soon(t);
}
