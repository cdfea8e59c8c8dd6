/* SPDX-License-Identifier: ISC */
/*
 * service - qmgr's questions.  A conversation lives until it is closed and
 * the last of its questions is answered; a question owns its parcel.
 */
#include "service.h"

#include "decide.h"

#include "base/log.h"
#include "base/task.h"

#include <errno.h>
#include <stdlib.h>

struct conversation {
	struct site *site;
	struct chan *chan; /* NULL: closed */
	size_t open;       /* questions */
};

struct question {
	struct conversation *from;
	struct parcel parcel;
};

static void
let_go(struct conversation *v)
{
	if (v->chan == NULL && v->open == 0)
		free(v);
}

/* What has no room in a packet, or breaks its shape: our trouble. */
static void
send_answer(struct chan *c, uint32_t exchange, const struct expand_answer *w)
{
	struct outcome o = {
	    .state = OUTCOME_DEFERRED,
	    .dsn = STR("4.3.5"),
	    .text = STR("what it expands to cannot be handed on"),
	};
	const struct expand_answer sorry = {
	    .verdict = EXPAND_OUTCOME,
	    .outcomes = {&o, 1},
	};
	int r = chan_send(c, EXPAND_ANSWER, exchange, w, NULL, 0);

	if (r == -EINVAL || r == -EMSGSIZE)
		chan_send(c, EXPAND_ANSWER, exchange, &sorry, NULL, 0);
}

static void
answer_question(void *arg)
{
	struct question *q = arg;
	struct conversation *v = q->from;
	const struct expand_ask *ask = q->parcel.value;
	struct expand_answer answer = {0};
	struct arena a;

	arena_init(&a, DECIDE_ARENA);
	if (str_eq(ask->transport, STR("virtual")))
		decide_virtual(v->site, ask, &a, &answer);
	else
		decide_local(v->site, ask, &a, &answer);
	if (v->chan != NULL)
		send_answer(v->chan, q->parcel.exchange, &answer);
	arena_done(&a);
	parcel_done(&q->parcel);
	free(q);
	v->open--;
	let_go(v);
}

static void
take_question(struct chan *c, struct parcel *p, void *arg)
{
	struct conversation *v = arg;
	struct question *q;

	(void)c;
	if (p->kind != EXPAND_ASK)
		return;
	q = calloc(1, sizeof(*q));
	if (q == NULL)
		log_fatal("out of memory for a question");
	q->from = v;
	parcel_take(p, &q->parcel);
	v->open++;
	task_start(answer_question, q);
}

static void
end_conversation(struct chan *c, const char *why, void *arg)
{
	struct conversation *v = arg;

	(void)c;
	if (*why != '\0')
		log_warning("the conversation with qmgr ended: %s", why);
	chan_close(&v->chan);
	let_go(v);
}

void
service_open(struct site *s, int fd)
{
	static const struct chan_events events = {
	    take_question, end_conversation};
	struct conversation *v = calloc(1, sizeof(*v));

	if (v == NULL)
		log_fatal("out of memory for a conversation");
	v->site = s;
	v->chan = chan_new(fd, &expand_protocol, &events, v);
}
