/* SPDX-License-Identifier: ISC */
/* talk - who has joined is told what there is, and gets its signatures. */
#include "talk.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct talk {
	LIST_ENTRY(talk) next;
	struct talks *all;
	struct service *service;
	struct chan *chan;
	bool has_joined;
	uint64_t told; /* the generation */
	char binding[KEYS_BINDING_MAX];
	size_t binding_len;
};

void
talks_init(struct talks *t)
{
	*t = (struct talks){0};
	task_queue_init(&t->due);
}

static void
hang_up(struct talk *t)
{
	LIST_REMOVE(t, next);
	chan_close(&t->chan);
	free(t);
}

static struct rows
rows_of(const struct chain_list *l, struct keys_chain *room)
{
	for (size_t i = 0; i < l->n; i++)
		room[i] = (struct keys_chain){
		    .key = str_n((const char *)l->at[i]->id, KEYS_ID),
		    .pem = buf_str(&l->at[i]->pem),
		};
	return (struct rows){room, l->n};
}

static void
tell_held(struct talk *t, uint32_t exchange)
{
	const struct service *s = t->service;
	unsigned char secrets[KEYS_TICKETS_MAX][KEYS_TICKET];
	struct keys_ticket tickets[KEYS_TICKETS_MAX];
	struct keys_chain chains[KEYS_CHAINS_MAX];
	struct keys_held held = {
	    .generation = s->generation,
	    .chains = rows_of(&s->chains, chains),
	    .has_names = !names_is_empty(s->names),
	    .ticket_life = (uint64_t)(s->ticket_life / CLOCK_SEC),
	};

	held.tickets.p = tickets;
	held.tickets.n = s->ticket_life > 0 ? s->tickets.n : 0;
	for (size_t i = 0; i < held.tickets.n; i++) {
		tickets_get(&s->tickets, i, s->client,
		    str_n(t->binding, t->binding_len), secrets[i]);
		tickets[i].secret =
		    str_n((const char *)secrets[i], KEYS_TICKET);
	}
	t->told = s->generation;
	chan_send(t->chan, KEYS_HELD, exchange, &held, NULL, 0);
	explicit_bzero(secrets, sizeof(secrets));
}

static void
tell_all(struct talks *all)
{
	struct talk *t;

	LIST_FOREACH (t, &all->open, next)
		if (t->has_joined && t->told != t->service->generation)
			tell_held(t, 0);
}

static void
join(struct talk *t, const struct keys_join *q, uint32_t exchange)
{
	memcpy(t->binding, q->binding.p, q->binding.len);
	t->binding_len = q->binding.len;
	t->has_joined = true;
	tell_held(t, exchange);
}

static void
sign(struct talk *t, const struct keys_sign *q, uint32_t exchange)
{
	BUF_CLEANUP struct buf signature = {0};
	struct keys_signed answer = {0};

	buf_init(&signature, KEYS_SIGNATURE_MAX);
	answer.verdict = service_sign(t->service, q, clock_mono(), &signature);
	answer.signature = buf_str(&signature);
	chan_send(t->chan, KEYS_SIGNED, exchange, &answer, NULL, 0);
}

static void
find(struct talk *t, const struct keys_find *q, uint32_t exchange)
{
	struct keys_chain room[KEYS_CHAINS_MAX];
	struct chain_list chains;
	struct keys_has answer = {0};

	answer.find = names_find(t->service->names, q->name,
	    (time_t)(clock_wall() / CLOCK_SEC), &chains);
	answer.chains = rows_of(&chains, room);
	chan_send(t->chan, KEYS_HAS, exchange, &answer, NULL, 0);
	chain_list_done(&chains);
}

static void
on_parcel(struct chan *c, struct parcel *p, void *arg)
{
	struct talk *t = arg;

	(void)c;
	if (p->kind == KEYS_JOIN)
		join(t, p->value, p->exchange);
	else if (p->kind == KEYS_SIGN)
		sign(t, p->value, p->exchange);
	else if (p->kind == KEYS_FIND)
		find(t, p->value, p->exchange);
	else
		hang_up(t); /* out of turn: no answer would hold it for ever */
}

static void
on_close(struct chan *c, const char *why, void *arg)
{
	struct talk *t = arg;

	(void)c;
	if (*why != '\0')
		log_warning("the conversation with %.*s ended: %s",
		    STR_ARG(t->service->client), why);
	hang_up(t);
}

void
talks_linked(struct talks *all, struct str client, int fd)
{
	static const struct chan_events events = {on_parcel, on_close};
	struct talk *t = calloc(1, sizeof(*t));

	if (t == NULL)
		log_fatal("out of memory for a conversation");
	t->all = all;
	t->chan = chan_new(fd, &keys_protocol, &events, t);
	LIST_INSERT_HEAD(&all->open, t, next);
	t->service = services_get(&all->services, client);
	if (t->service == NULL)
		hang_up(t);
}

void
talks_load(struct talks *t, const struct keys_config *c,
    const struct services_from *from)
{
	services_load(&t->services, c, from);
	tell_all(t);
	task_wake_all(&t->due);
}

void
talks_close(struct talks *t)
{
	while (!LIST_EMPTY(&t->open))
		hang_up(LIST_FIRST(&t->open));
}

void
talks_tend(struct talks *t)
{
	int e = 0;

	while (e != -ECANCELED) {
		int64_t next = services_tend(&t->services, clock_mono());

		tell_all(t);
		e = task_wait(&t->due, next);
	}
}
