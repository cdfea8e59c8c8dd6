/* SPDX-License-Identifier: ISC */
/*
 * takers - smtpd, pickup and bounce hand messages in (proto/queue.h): ids are
 * checked, the message goes to the store, and the answer goes back once it is
 * on stable storage.
 */
#include "qmgr.h"

#include "base/log.h"
#include "mail/proto/queue.h"
#include "notice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#define SLOW_FROM 80 /* percent of the journal */
#define SLOW_STEP (10 * CLOCK_MS)

struct taker {
	LIST_ENTRY(taker) link;
	struct qmgr *qmgr;
	struct chan *chan; /* NULL: gone, but messages of it are on their way */
	uint64_t generation;
	bool has_joined;
	size_t open; /* enqueues without an answer */
	struct queue_state told;
};

/* One message on its way in. */
struct taking {
	struct journal_wait wait; /* first */
	struct taker *taker;
	struct message *message, *parent;
	struct entry_marks about; /* the parent */
	struct buf done;
	uint32_t exchange;
};

static void
leave(struct taker *t)
{
	if (t->chan == NULL && t->open == 0)
		free(t);
}

static void
answer(struct taker *t, uint32_t exchange, enum queue_verdict verdict,
    struct str dsn, struct str text)
{
	struct queue_queued queued = {verdict, dsn, text};

	if (t->chan != NULL)
		chan_send(t->chan, QUEUE_QUEUED, exchange, &queued, NULL, 0);
}

static void
refuse(struct taker *t, uint32_t exchange, int error)
{
	bool is_full = error == -ENOSPC;

	answer(t, exchange, QUEUE_RETRY, is_full ? STR("4.3.1") : STR("4.3.0"),
	    is_full ? STR("Insufficient system storage")
		    : STR("Error: queue file write error"));
}

static void
end(struct taking *g)
{
	struct taker *t = g->taker;

	buf_done(&g->done);
	free(g);
	t->open--;
	leave(t);
}

static void
say_taken(struct taking *g)
{
	answer(g->taker, g->exchange, QUEUE_OK, STR("2.0.0"), STR("Ok"));
	end(g);
}

/* Near the journal's size answers come slower, so that what waits can move. */
static void
say_taken_slowly(void *arg)
{
	struct taking *g = arg;
	unsigned fill = store_fill(g->taker->qmgr->store);

	if (fill > SLOW_FROM)
		task_sleep(
		    clock_after((int64_t)(fill - SLOW_FROM) * SLOW_STEP));
	say_taken(g);
}

static void
on_durable(struct journal_wait *w, int error)
{
	struct taking *g = (struct taking *)(void *)w;
	struct qmgr *q = g->taker->qmgr;

	if (g->parent != NULL)
		g->parent->pins--;
	if (error < 0) {
		refuse(g->taker, g->exchange, error);
		message_drop(q, g->message);
		end(g);
		return;
	}
	if (g->parent != NULL && g->parent->active != NULL) {
		struct progress *p = &g->parent->active->body->progress;

		progress_apply(p, p->attempts, p->next, &g->about);
	}
	message_taken(q, g->message);
	qmgr_poke(q);
	if (store_fill(q->store) > SLOW_FROM)
		task_start(say_taken_slowly, g);
	else
		say_taken(g);
}

/* SECURITY: a taker names a message whose notification is being made, and that
 * ends what the notification is about: it can end nothing else. */
static int
find_parent(struct taking *g, const struct queue_enqueue *e)
{
	if (str_is_empty(e->parent))
		return 0;
	g->parent = message_find(g->taker->qmgr, e->parent);
	if (g->parent == NULL ||
	    !notice_claim(g->parent, &g->done, &g->about)) {
		g->parent = NULL;
		return -ESTALE;
	}
	return 0;
}

/* The id is the taker's own, and of no message that lives. */
static bool
is_fresh(const struct taker *t, struct str id)
{
	uint64_t generation;

	return qid_generation(id, &generation) == 0 &&
	       generation == t->generation && message_find(t->qmgr, id) == NULL;
}

static int
take(struct taking *g, const struct queue_enqueue *e, struct parcel *p)
{
	struct qmgr *q = g->taker->qmgr;
	struct content *content = NULL;
	struct store_body *body;
	int r;

	if (e->envelope.recipients.n == 0 ||
	    !is_fresh(g->taker, e->envelope.id))
		return -EPROTO;
	r = find_parent(g, e);
	if (r == 0)
		r = content_receive(&e->content, p, &content);
	if (r < 0)
		return r;
	body = store_body_new(&e->envelope, content);
	content_unref(&content);
	g->message = message_new(q, body);
	r = store_add(q->store, &g->message->item, body,
	    g->parent != NULL ? &g->parent->item : NULL, &g->about, &g->wait);
	if (r < 0)
		message_drop(q, g->message);
	else if (g->parent != NULL)
		g->parent->pins++;
	return r;
}

static void
enqueue(struct taker *t, struct parcel *p)
{
	struct taking *g = calloc(1, sizeof(*g));
	int r;

	if (g == NULL)
		log_fatal("out of memory for a message");
	g->wait.done = on_durable;
	g->taker = t;
	g->exchange = p->exchange;
	buf_init(&g->done, 0);
	t->open++;
	r = t->qmgr->is_draining || t->qmgr->has_alarm ? -EAGAIN
	                                               : take(g, p->value, p);
	if (r == 0) {
		qmgr_poke(t->qmgr); /* to the disk, at the end of the turn */
		return;
	}
	refuse(t, p->exchange, r);
	end(g);
}

/* ---- whether mail is taken ---- */

static uint64_t
free_bytes(const struct qmgr *q)
{
	struct statvfs v;

	if (fstatvfs(q->queue_dir, &v) < 0 ||
	    (v.f_files > 0 && v.f_favail == 0))
		return 0;
	return (uint64_t)v.f_bavail * v.f_frsize;
}

/*
 * The journal is there already, so a message needs room on the disk only when
 * it is large or waits: half of what is free above the site's minimum.
 */
static struct queue_state
state_of(const struct qmgr *q)
{
	uint64_t space = free_bytes(q), least = q->site->free_min;
	struct queue_state s = {
	    .is_open = true,
	    .room = space > least ? (space - least) / 2 : 0,
	};

	if (q->has_alarm || q->is_draining || !q->is_ready) {
		s.is_open = false;
		s.dsn = STR("4.3.2");
		s.text = STR("System not accepting messages now");
	} else if (!store_has_room(q->store) || s.room == 0) {
		s.is_open = false;
		s.dsn = STR("4.3.1");
		s.text = STR("Insufficient system storage");
	}
	return s;
}

bool
takers_are_served(const struct qmgr *q, struct str *ret_why)
{
	struct queue_state s = state_of(q);

	*ret_why = s.text;
	return s.is_open;
}

static void
tell(struct taker *t, const struct queue_state *s)
{
	bool is_same = s->is_open == t->told.is_open &&
	               s->room / 2 <= t->told.room &&
	               t->told.room <= s->room * 2;

	if (t->chan == NULL || !t->has_joined || is_same)
		return;
	t->told = *s;
	chan_send(t->chan, QUEUE_STATE, 0, s, NULL, 0);
}

void
takers_tell(struct qmgr *q)
{
	struct queue_state s = state_of(q);
	struct taker *t;

	LIST_FOREACH (t, &q->takers, link)
		tell(t, &s);
}

/* ---- the conversation ---- */

static void
hang_up(struct taker *t)
{
	LIST_REMOVE(t, link);
	chan_close(&t->chan);
	leave(t);
}

static void
join(struct taker *t, uint32_t exchange)
{
	struct queue_state s = state_of(t->qmgr);
	struct queue_generation g;

	if (store_generation(t->qmgr->store, &t->generation) < 0) {
		hang_up(t); /* it asks again on a new conversation */
		return;
	}
	t->has_joined = true;
	g.generation = t->generation;
	chan_send(t->chan, QUEUE_GENERATION, exchange, &g, NULL, 0);
	t->told.is_open = !s.is_open; /* whatever it is, it is news */
	tell(t, &s);
}

static void
on_parcel(struct chan *c, struct parcel *p, void *arg)
{
	struct taker *t = arg;

	(void)c;
	if (p->kind == QUEUE_JOIN && !t->has_joined)
		join(t, p->exchange);
	else if (p->kind == QUEUE_ENQUEUE && t->has_joined)
		enqueue(t, p);
	else
		hang_up(t); /* out of turn: no answer would hold it for ever */
}

static void
on_close(struct chan *c, const char *why, void *arg)
{
	struct taker *t = arg;

	(void)c;
	if (why[0] != '\0')
		log_warning("a conversation with a taker ended: %s", why);
	hang_up(t);
}

void
takers_linked(struct qmgr *q, struct str client, int fd)
{
	static const struct chan_events events = {
	    .on_parcel = on_parcel, .on_close = on_close};
	struct taker *t = calloc(1, sizeof(*t));

	(void)client;
	if (t == NULL)
		log_fatal("out of memory for a taker");
	t->qmgr = q;
	t->chan = chan_new(fd, &queue_protocol, &events, t);
	LIST_INSERT_HEAD(&q->takers, t, link);
}
