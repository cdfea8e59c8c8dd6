/* SPDX-License-Identifier: ISC */
/* service - qmgr's questions, and what was decided as their answers. */
#include "service.h"

#include "decide.h"

#include "base/requests.h"

#include <errno.h>

/* What has no room in a packet, or breaks its shape: our trouble. */
static void
send_answer(const struct asked *q, const struct expand_answer *w)
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
	int r = requests_answer(q, EXPAND_ANSWER, w);

	if (r == -EINVAL || r == -EMSGSIZE)
		(void)requests_answer(q, EXPAND_ANSWER, &sorry);
}

static void
answer_question(struct asked *q, void *arg)
{
	struct site *site = arg;
	const struct expand_ask *ask = q->parcel.value;
	struct expand_answer answer = {0};
	ARENA_CLEANUP struct arena a = {0};

	arena_init(&a, DECIDE_ARENA);
	if (str_eq(ask->transport, STR("virtual")))
		decide_virtual(site, ask, &a, &answer);
	else
		decide_local(site, ask, &a, &answer);
	send_answer(q, &answer);
}

void
service_open(struct site *s, int fd)
{
	static struct requests requests = {
	    .proto = &expand_protocol,
	    .kind = EXPAND_ASK,
	    .carry_out = answer_question,
	};

	requests.arg = s;
	requests_linked(&requests, fd);
}
