/* SPDX-License-Identifier: ISC */
/* request - what is said of it, and the task that checks it. */
#include "request.h"

#include "base/log.h"
#include "mail/base64.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is said of it ---- */

static void
say_challenge(struct client *c, const struct request *q)
{
	BUF_CLEANUP struct buf text = {0};

	buf_init(&text, base64_encoded_len(q->exchange.out.max));
	base64_encode(buf_str(&q->exchange.out), &text);
	client_say(c, "CONT\t%llu\t%s\n", (unsigned long long)q->id, text.p);
}

static void
say_ok(struct client *c, const struct request *q)
{
	BUF_CLEANUP struct buf text = {0};
	bool has_final = q->takes_final && q->exchange.out.len > 0;

	buf_init(&text, base64_encoded_len(q->exchange.out.max));
	base64_encode(buf_str(&q->exchange.out), &text);
	client_say(c, "OK\t%llu\tuser=%s%s%s\n", (unsigned long long)q->id,
	    q->exchange.name.p, has_final ? "\tresp=" : "",
	    has_final ? text.p : "");
}

void
request_refuse(
    struct client *c, uint64_t id, struct str name, bool is_temporary)
{
	client_say(c, "FAIL\t%llu%s%.*s%s\n", (unsigned long long)id,
	    name.len > 0 ? "\tuser=" : "", STR_ARG(name),
	    is_temporary ? "\ttemp" : "");
}

/* ---- its end ---- */

static void
free_request(struct request *q)
{
	exchange_done(&q->exchange);
	free(q);
}

void
request_end(struct request *q)
{
	client_forget(q->client, q);
	q->client = NULL;
	if (!q->is_checking)
		free_request(q);
}

/* In the words of Dovecot, whose log readers know them. */
static void
log_failure(const struct request *q, const char *why)
{
	const struct buf *name = &q->exchange.name;

	log_info("passwd-file(%s%s%s): %s (SASL %s)",
	    name->len > 0 ? name->p : "?", *q->address != '\0' ? "," : "",
	    q->address, why, q->exchange.mechanism->name);
}

static void
fail(struct request *q, enum verdict verdict)
{
	if (verdict != VERDICT_RETRY)
		log_failure(q, verdict == VERDICT_NO_USER
				   ? "unknown user"
				   : "Password mismatch");
	if (q->client == NULL)
		return;
	request_refuse(q->client, q->id, buf_str(&q->exchange.name),
	    verdict == VERDICT_RETRY);
	request_end(q);
}

static void
succeed(struct request *q)
{
	struct client *c = q->client;

	if (c == NULL)
		return;
	if (q->exchange.out.len > 0 && !q->takes_final && !q->is_right) {
		q->is_right = true;
		say_challenge(c, q);
		return;
	}
	say_ok(c, q);
	request_end(q);
}

static void
check(void *arg)
{
	struct request *q = arg;
	struct turns *turns = &q->desk->turns;
	struct str address = str_c(q->address);
	enum verdict verdict = VERDICT_RETRY;

	if (turns_enter(turns, address) == 0) {
		/* One whose client has left meanwhile is a guess as well. */
		verdict = exchange_check(&q->exchange, q->desk->users);
		turns_leave(turns, address,
		    verdict == VERDICT_WRONG || verdict == VERDICT_NO_USER);
	}
	q->is_checking = false;
	if (q->client == NULL) {
		if (verdict != VERDICT_OK && verdict != VERDICT_RETRY)
			fail(q, verdict);
		free_request(q);
	} else if (verdict == VERDICT_OK) {
		succeed(q);
	} else {
		fail(q, verdict);
	}
}

/* ---- its steps ---- */

static void
step(struct request *q, bool has, struct str in)
{
	switch (exchange_step(&q->exchange, has, in)) {
	case STEP_CHALLENGE:
		say_challenge(q->client, q);
		return;
	case STEP_CHECK:
		q->is_checking = true;
		task_start(check, q);
		return;
	case STEP_RETRY:
		fail(q, VERDICT_RETRY);
		return;
	case STEP_BAD:
		log_failure(q, "invalid message");
		request_refuse(q->client, q->id, STR_NONE, false);
		request_end(q);
		return;
	}
}

void
request_step(struct request *q, const struct line *l)
{
	BUF_CLEANUP struct buf in = {0};

	buf_init_secret(&in, MECHANISM_INPUT_MAX);
	/* "=" is an initial response that is empty. */
	if (l->has_response && !str_eq(l->response, STR("=")) &&
	    base64_decode(l->response, &in) < 0) {
		log_failure(q, "invalid base64");
		request_refuse(q->client, q->id, STR_NONE, false);
		request_end(q);
		return;
	}
	step(q, l->has_response, buf_str(&in));
}

bool
request_answer(struct request *q, const struct line *l)
{
	if (q->is_checking)
		return false;
	if (q->is_right)
		succeed(q);
	else
		request_step(q, l);
	return true;
}

struct request *
request_new(struct desk *d, struct client *c, const struct mechanism *m,
    const struct line *l)
{
	struct request *q = calloc(1, sizeof(*q));

	if (q == NULL)
		log_fatal("out of memory for a request");
	q->desk = d;
	q->client = c;
	q->id = l->id;
	q->since = clock_mono();
	q->takes_final = l->takes_final;
	memcpy(q->address, l->address.p,
	    l->address.len < REQUEST_ADDRESS_MAX ? l->address.len
						 : REQUEST_ADDRESS_MAX);
	exchange_init(&q->exchange, m, d->users, q->address);
	return q;
}
