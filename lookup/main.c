/* SPDX-License-Identifier: ISC */
/*
 * lookup - answers the look-ups that block, for all the programs that must
 * not: it does nothing else, so it may wait.
 */
#include "answers.h"
#include "database.h"

#include "base/log.h"
#include "base/serve.h"

#include <errno.h>

static const struct sandbox sandbox = {
    .calls = SANDBOX_NSS,
    .chroot = false, /* the name service switch opens what it likes */
    .limits = {.descriptors = 512},
};

static struct cache *answers;

struct question {
	const struct lookup_ask *ask;
	struct arena arena;
	struct lookup_answer answer;
};

/* On the main stack: nobody knows how deep a module of libc's goes. */
static void
ask_database(void *arg)
{
	struct question *q = arg;

	clock_update();
	database_ask((enum lookup_database)q->ask->database, q->ask->key,
	    &q->arena, &q->answer);
	clock_update();
}

static void
answer(struct chan *c, struct parcel *p, void *arg)
{
	(void)arg;
	if (p->kind != LOOKUP_ASK)
		return;
	struct question q = {.ask = p->value};

	arena_init(&q.arena, DATABASE_ARENA);
	if (!answers_get(answers, q.ask, &q.arena, &q.answer)) {
		task_on_main_stack(ask_database, &q);
		answers_put(answers, q.ask, &q.answer);
	}
	if (chan_send(c, LOOKUP_ANSWER, p->exchange, &q.answer, NULL, 0) ==
	    -EINVAL) {
		const struct lookup_answer broken = {.find = FIND_BROKEN,
		    .name = STR("entry holds control bytes")};
		chan_send(c, LOOKUP_ANSWER, p->exchange, &broken, NULL, 0);
	}
	arena_done(&q.arena);
}

static void
closed(struct chan *c, const char *why, void *arg)
{
	(void)arg;
	if (*why != '\0')
		log_warning("a client's conversation ended: %s", why);
	chan_close(&c);
}

static void
linked(struct serve *sv, struct str client, int fd)
{
	static const struct chan_events events = {answer, closed};

	(void)client;
	chan_new(fd, &lookup_protocol, &events, sv);
}

static int
start(struct serve *sv)
{
	(void)sv;
	database_init();
	answers = answers_new();
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct program program = {
	    .name = "lookup",
	    .sandbox = &sandbox,
	    .start = start,
	    .linked = linked,
	};
	return serve_main(&program, argc, argv);
}
