/* SPDX-License-Identifier: ISC */
/* Any bytes as a command, as an address, and as what a command printed: no
 * byte that a shell treats gets into words or the environment. */
#include "exec.h"
#include "status.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char treated[] = "\"'`$\\;|&<>()[]{}*?~#^ \t\n";

static void
check_words(struct str text, struct arena *a)
{
	char **words = exec_words(text, a);

	if (words == NULL)
		return;
	assert(words[0] != NULL);
	for (; *words != NULL; words++)
		assert(**words != '\0' && strpbrk(*words, treated) == NULL);
}

static void
check_environment(struct str address, struct arena *a)
{
	const struct settings s = {.delimiters = "+-"};
	const struct action action = {.user = STR("u"), .home = STR("/h")};
	const struct recipient rcpt = {.address = address, .original = address};
	const struct job_deliver deliver = {.sender = address};
	struct job job = {.d = &deliver};
	const struct delivery d = {
	    .job = &job, .recipient = &rcpt, .action = &action};

	for (char **e = exec_environment(&d, &s, a); *e != NULL; e++)
		assert(strpbrk(*e, treated) == NULL);
}

static void
answer(struct job *job, const struct job_done *done)
{
	const struct job_outcome *o = done->outcomes.p;

	(void)job;
	assert(o->outcome.state == OUTCOME_DEFERRED ||
	       o->outcome.state == OUTCOME_BOUNCED);
	assert(o->outcome.state == outcome_from_dsn(o->outcome.dsn));
	assert(o->outcome.text.len <= OUTCOME_TEXT_MAX);
	assert(str_find(o->outcome.text, '\n') < 0);
}

static struct str output;

static void
take(struct delivery *d)
{
	status_tell(d, 1 << 8, output);
}

static void
check_status(void)
{
	struct parcel p = {0};
	struct job_recipient *rcpt;
	struct job_deliver *d;

	arena_init(&p.arena, 1 << 16);
	d = arena_alloc(&p.arena, sizeof(*d));
	rcpt = arena_alloc(&p.arena, sizeof(*rcpt));
	rcpt->recipient.action.p = arena_alloc(&p.arena, sizeof(struct action));
	rcpt->recipient.action.n = 1;
	d->recipients = (struct rows){rcpt, 1};
	p.value = d;
	job_start(job_new(&p, answer), take);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ARENA_CLEANUP struct arena a = {0};

	if (size > 4096)
		return 0;
	output = str_n((const char *)data, size);
	arena_init(&a, 1 << 20);
	check_words(output, &a);
	check_environment(output, &a);
	check_status();
	return 0;
}
