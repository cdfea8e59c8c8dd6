/* SPDX-License-Identifier: ISC */
/*
 * fake_qmgr - a qmgr that a test plays on the other end of a socketpair: it
 * gives generations, takes messages, and remembers the last one as text.
 */
#ifndef T_FAKE_QMGR_H
#define T_FAKE_QMGR_H

#include "tap.h"

#include "mail/content.h"
#include "mail/proto/queue.h"

#include <errno.h>
#include <string.h>

/* What the fake qmgr does, and what it saw. */
static struct {
	enum {
		ANSWER,
		CLOSE,
		SILENT,
		RETRY
	} how;
	bool is_down;
	uint64_t generation;
	struct chan *chan;
	size_t joins, messages;
	struct buf seen; /* the last message, as text */
	struct content *content;
} qmgr;

static inline const char *
yes(uint64_t v)
{
	return v ? "1" : "0";
}

static inline void
see(const struct queue_enqueue *e)
{
	const struct envelope *v = &e->envelope;
	const struct recipient *r = v->recipients.p;
	const struct loop_mark *loops = v->loops.p;
	struct buf *b = &qmgr.seen;

	buf_reset(b);
	buf_addf(b, "from=%.*s client=%.*s proto=%.*s hops=%llu 8bit=%s",
	    STR_ARG(v->sender), STR_ARG(v->client), STR_ARG(v->proto),
	    (unsigned long long)v->hops, yes(v->body_8bit));
	for (size_t i = 0; i < v->recipients.n; i++)
		buf_addf(b, " to=%.*s(%.*s)", STR_ARG(r[i].address),
		    STR_ARG(r[i].original));
	for (size_t i = 0; i < v->loops.n; i++)
		buf_addf(b, " loop=%.*s", STR_ARG(loops[i].address));
	if (e->parent.len > 0)
		buf_addf(b, " parent=%.*s", STR_ARG(e->parent));
}

static inline void
answer_taker(struct chan *c, const struct parcel *p, enum queue_verdict verdict)
{
	struct queue_queued q = {verdict, STR("4.3.1"), STR("no room")};

	if (verdict == QUEUE_OK)
		q.dsn = q.text = STR_NONE;
	assert_int_equal(
	    chan_send(c, QUEUE_QUEUED, p->exchange, &q, NULL, 0), 0);
}

static inline void
take_message(struct chan *c, struct parcel *p)
{
	const struct queue_enqueue *e = p->value;

	qmgr.messages++;
	see(e);
	content_unref(&qmgr.content);
	assert_int_equal(content_receive(&e->content, p, &qmgr.content), 0);
	assert_int_equal(content_size(qmgr.content), e->envelope.size);
	if (qmgr.how == CLOSE)
		chan_close(&qmgr.chan);
	else if (qmgr.how != SILENT)
		answer_taker(c, p, qmgr.how == RETRY ? QUEUE_RETRY : QUEUE_OK);
}

static inline void
on_taker_parcel(struct chan *c, struct parcel *p, void *arg)
{
	struct queue_generation g;
	struct queue_state s = {1, 5000000, STR_NONE, STR_NONE};

	(void)arg;
	if (p->kind == QUEUE_ENQUEUE) {
		take_message(c, p);
		return;
	}
	qmgr.joins++;
	g.generation = ++qmgr.generation;
	chan_send(c, QUEUE_GENERATION, p->exchange, &g, NULL, 0);
	chan_send(c, QUEUE_STATE, 0, &s, NULL, 0);
}

/* The taker's end of a new conversation with it, or -errno. */
static inline int
fake_qmgr_link(void)
{
	static const struct chan_events events = {.on_parcel = on_taker_parcel};
	int fds[2];

	if (qmgr.is_down)
		return -ECONNREFUSED;
	assert_int_equal(chan_pair(fds), 0);
	chan_close(&qmgr.chan);
	qmgr.chan = chan_new(fds[0], &queue_protocol, &events, NULL);
	return fds[1];
}

static inline void
fake_qmgr_init(void)
{
	memset(&qmgr, 0, sizeof(qmgr));
	buf_init(&qmgr.seen, 1 << 20);
}

static inline void
fake_qmgr_done(void)
{
	chan_close(&qmgr.chan);
	content_unref(&qmgr.content);
	buf_done(&qmgr.seen);
}

#endif
