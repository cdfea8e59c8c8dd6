/* SPDX-License-Identifier: ISC */
/*
 * taker - the conversation with qmgr.  Owns the link, the maker of ids and
 * the tables of aliases.  A task of its own joins again when a conversation
 * ends, so that the state of the queue is known before the next message.
 */
#include "mail/taker.h"

#include "base/log.h"
#include "mail/expansion.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define JOIN_TIME  (10 * CLOCK_SEC)
#define JOIN_PAUSE (CLOCK_SEC)

struct taker {
	const struct conf *conf;
	struct expansion *expansion;
	struct sift_tables *checks;
	char *tag;
	struct str program;
	struct link *link;
	struct task *joiner;
	struct task_queue broken, others, room;
	bool is_joined, is_joining, is_freed;
	struct qid_maker ids;
	size_t open; /* enqueues without an answer */
	/* qmgr's last word: */
	bool has_state;
	uint64_t is_open, bytes;
	struct buf dsn, text;
};

static void
take_state(struct taker *t, const struct queue_state *s)
{
	t->has_state = true;
	t->is_open = s->is_open;
	t->bytes = s->room;
	buf_reset(&t->dsn);
	buf_add_str(&t->dsn, s->dsn);
	buf_reset(&t->text);
	buf_add_str(&t->text, s->text);
}

static void
on_parcel(struct chan *c, struct parcel *p, void *arg)
{
	(void)c;
	if (p->kind == QUEUE_STATE)
		take_state(arg, p->value);
}

static void
on_close(struct chan *c, const char *why, void *arg)
{
	struct taker *t = arg;

	(void)c;
	if (why[0] != '\0')
		log_warning("conversation with qmgr: %s", why);
	t->is_joined = false;
	t->has_state = false;
	task_wake_all(&t->broken);
}

static const struct chan_events events = {
    .on_parcel = on_parcel,
    .on_close = on_close,
};

static int
join_once(struct taker *t, int64_t deadline)
{
	struct queue_join join = {.program = t->program};
	struct chan *c = link_chan(t->link, deadline);
	const struct queue_generation *g;
	struct parcel p;
	int r;

	if (c == NULL)
		return -EPIPE;
	r = chan_call(c, QUEUE_JOIN, &join, NULL, 0, &p, deadline);
	if (r < 0)
		return r;
	g = p.value;
	r = p.kind == QUEUE_GENERATION && !t->is_freed ? 0 : -EPROTO;
	if (r == 0) {
		qid_init(&t->ids, g->generation);
		t->is_joined = true;
	}
	parcel_done(&p);
	return r;
}

/* One task joins, the others wait for it. */
static int
join(struct taker *t, int64_t deadline)
{
	int r = 0;

	while (t->is_joining && r == 0)
		r = task_wait(&t->others, deadline);
	if (r < 0 || t->is_joined)
		return r;
	t->is_joining = true;
	r = join_once(t, deadline);
	t->is_joining = false;
	task_wake_all(&t->others);
	return r;
}

static void
keep_joined(void *arg)
{
	struct taker *t = arg;

	while (!task_is_cancelled()) {
		if (t->is_joined)
			task_wait(&t->broken, CLOCK_NEVER);
		else if (join(t, clock_after(JOIN_TIME)) < 0)
			task_sleep(clock_after(JOIN_PAUSE));
	}
	t->joiner = NULL;
	if (t->is_freed)
		free(t);
}

/* NULL with `why` empty: none looks at a message. */
static struct sift_tables *
open_checks(const struct conf *c, const struct dict_env *env, struct buf *why)
{
	struct sift_tables *checks;

	if (conf_has_word(c, PARAM_receive_override_options,
		STR("no_header_body_checks")))
		return NULL;
	checks = sift_tables_open(c, env, why);
	if (checks != NULL && sift_tables_are_empty(checks))
		sift_tables_free(&checks);
	return checks;
}

/* A cleanup service with a syslog_name of its own is told apart in the log. */
static char *
make_tag(const struct conf *program, const struct conf *cleanup)
{
	struct str name = conf_str(cleanup, PARAM_syslog_name);
	char *tag;
	int n;

	if (str_eq(name, conf_str(program, PARAM_syslog_name)))
		n = asprintf(&tag, "cleanup");
	else
		n = asprintf(&tag, "%.*s/cleanup", STR_ARG(name));
	if (n < 0)
		log_fatal("out of memory");
	return tag;
}

struct taker *
taker_new(struct serve *sv, const struct conf *c, struct router *r,
    const struct dict_env *env, struct buf *why)
{
	const struct conf *cleanup = conf_cleanup(c);
	struct sift_tables *checks = open_checks(cleanup, env, why);
	struct expansion *x = NULL;
	struct taker *t;

	if (why->len == 0)
		x = expansion_new(cleanup, r, env, why);
	if (x == NULL) {
		sift_tables_free(&checks);
		return NULL;
	}
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		log_fatal("out of memory for a taker");
	t->conf = cleanup;
	t->expansion = x;
	t->checks = checks;
	t->tag = make_tag(c, cleanup);
	t->program = serve_service(sv);
	task_queue_init(&t->broken);
	task_queue_init(&t->others);
	task_queue_init(&t->room);
	buf_init(&t->dsn, 16);
	buf_init(&t->text, 1024);
	t->link = link_new(sv, "qmgr", &queue_protocol, &events, t);
	t->joiner = task_start(keep_joined, t);
	return t;
}

void
taker_free(struct taker **tp)
{
	struct taker *t = *tp;

	if (t == NULL)
		return;
	*tp = NULL;
	assert(t->open == 0);
	t->is_freed = true;
	link_free(&t->link);
	expansion_free(&t->expansion);
	sift_tables_free(&t->checks);
	free(t->tag);
	buf_done(&t->dsn);
	buf_done(&t->text);
	if (t->joiner != NULL)
		task_cancel(t->joiner); /* frees the rest */
	else
		free(t);
}

bool
taker_has_room(const struct taker *t, uint64_t size, struct str *ret_dsn,
    struct str *ret_text)
{
	if (!t->has_state || (t->is_open && size <= t->bytes))
		return true;
	*ret_dsn = buf_str(&t->dsn);
	*ret_text = buf_str(&t->text);
	if (ret_dsn->len == 0)
		*ret_dsn = STR("4.3.1");
	if (ret_text->len == 0)
		*ret_text = STR("Insufficient system storage");
	return false;
}

const struct conf *
taker_conf(const struct taker *t)
{
	return t->conf;
}

const struct sift_tables *
taker_checks(const struct taker *t)
{
	return t->checks;
}

const char *
taker_tag(const struct taker *t)
{
	return t->tag;
}

struct expansion *
taker_expansion(const struct taker *t)
{
	return t->expansion;
}

int
taker_next_id(struct taker *t, int64_t deadline, char ret_id[QID_LEN + 1],
    uint64_t *ret_generation)
{
	int r = t->is_joined ? 0 : join(t, deadline);

	if (r < 0)
		return r;
	qid_next(&t->ids, ret_id);
	*ret_generation = t->ids.generation;
	return 0;
}

int
taker_enqueue(struct taker *t, uint64_t generation,
    const struct queue_enqueue *e, const int *fds, size_t nfds,
    struct parcel *ret_answer, int64_t deadline)
{
	struct chan *c;
	int r = 0;

	while (t->open >= QUEUE_OPEN_MAX && r == 0)
		r = task_wait(&t->room, deadline);
	if (r < 0)
		return r;
	if (!t->is_joined || t->ids.generation != generation)
		return -ESTALE;
	c = link_chan(t->link, deadline);
	/* That may have made a new conversation, which has not joined. */
	if (c == NULL || !t->is_joined || t->ids.generation != generation)
		return -ESTALE;
	t->open++;
	r = chan_call(c, QUEUE_ENQUEUE, e, fds, nfds, ret_answer, deadline);
	t->open--;
	task_wake_one(&t->room);
	if (r == 0 && ret_answer->kind != QUEUE_QUEUED) {
		parcel_done(ret_answer);
		return -EPROTO;
	}
	return r;
}
