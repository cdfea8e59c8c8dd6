/* SPDX-License-Identifier: ISC */
/*
 * resolve - who is asked, how often, and what is made of silence.
 */
#include "resolve.h"

#include "answers.h"
#include "exchange.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX (DNS_ASK_MAX + 8)

struct resolve {
	struct resolvers resolvers;
	struct cache *cache;
	struct map open; /* struct question, by "type/name" */
};

/* One question in flight, shared by all who ask it. */
struct question {
	unsigned users;
	bool done;
	struct task_queue waiting;
	char key_bytes[KEY_MAX];
	struct str key;
	struct arena arena; /* of the answer; reset between attempts */
	struct dns_answer answer;
};

/* What one attempt needs; `answer` and `next` are its results. */
struct attempt {
	struct wire_question q;
	struct buf packet;
	struct arena *arena;
	struct dns_answer *answer;
	struct wire_name next;
	int64_t deadline;
};

struct resolve *
resolve_new(const struct resolvers *resolvers)
{
	struct resolve *r = calloc(1, sizeof(*r));

	if (r == NULL)
		log_fatal("out of memory");
	r->resolvers = *resolvers;
	r->cache = answers_new();
	map_init(&r->open);
	return r;
}

void
resolve_free(struct resolve **r)
{
	if (*r == NULL)
		return;
	cache_free(&(*r)->cache);
	map_done(&(*r)->open);
	free(*r);
	*r = NULL;
}

static void
set_why(struct attempt *t, const struct resolver *resolver, struct str why)
{
	*t->answer = (struct dns_answer){
	    .find = FIND_RETRY,
	    .why = arena_strf(
		t->arena, "resolver %s: %.*s", resolver->text, STR_ARG(why)),
	};
}

static void
mark_silent(struct resolver *resolver)
{
	if (!resolver->is_down)
		log_warning("resolver %s does not answer", resolver->text);
	resolver->is_down = true;
	resolver->down_until = clock_after(RESOLVE_DOWN);
}

static void
mark_heard(struct resolver *resolver)
{
	if (resolver->is_down)
		log_info("resolver %s answers again", resolver->text);
	resolver->is_down = false;
}

static enum wire_verdict
read_packet(struct attempt *t, const struct resolver *resolver)
{
	return wire_read(&t->q, buf_str(&t->packet), resolver->trusted,
	    t->arena, t->answer, &t->next);
}

/* UDP, and TCP where that was cut short or smelled: 0 or -errno. */
static int
exchange(struct attempt *t, const struct resolver *resolver, int64_t limit,
    enum wire_verdict *ret)
{
	int e = exchange_udp(resolver, &t->q, &t->packet, limit);

	if (e == 0)
		*ret = read_packet(t, resolver);
	if (e != -EBADMSG && (e != 0 || *ret != WIRE_TRUNCATED))
		return e;
	e = exchange_tcp(resolver, &t->q, &t->packet, limit);
	if (e == 0)
		*ret = read_packet(t, resolver);
	return e;
}

/* One resolver, one try.  WIRE_FAILED with *ret_silent when there came no
 * answer at all, so that a later try may help. */
static enum wire_verdict
ask_resolver(struct attempt *t, struct resolver *resolver, int64_t limit,
    bool *ret_silent)
{
	enum wire_verdict v = WIRE_FAILED;

	t->q.edns = !resolver->no_edns;
	t->q.want_ad = resolver->trusted;
	int e = exchange(t, resolver, limit, &v);
	if (e == 0 && v == WIRE_NO_EDNS) {
		resolver->no_edns = true;
		t->q.edns = false;
		e = exchange(t, resolver, limit, &v);
	}
	*ret_silent = e != 0;
	if (e != 0) {
		mark_silent(resolver);
		set_why(t, resolver, str_c(strerror(-e)));
		return WIRE_FAILED;
	}
	mark_heard(resolver);
	if (v == WIRE_TRUNCATED) {
		set_why(t, resolver, STR("a truncated packet by TCP"));
		return WIRE_FAILED;
	}
	if (v == WIRE_FAILED)
		set_why(t, resolver, t->answer->why);
	return v;
}

/* A resolver that denies the root denies everything. */
static bool
knows_root(struct resolver *resolver, int64_t limit)
{
	ARENA_CLEANUP struct arena a = {0};
	struct dns_answer answer;
	struct attempt t = {.arena = &a, .answer = &answer};
	bool silent;

	arena_init(&a, WIRE_ANSWER_MAX);
	if (resolver->root_until > clock_mono())
		return true;
	buf_init(&t.packet, WIRE_PACKET_MAX);
	t.q.type = DNS_NS;
	wire_name_parse(STR("."), &t.q.name);
	bool yes = ask_resolver(&t, resolver, limit, &silent) == WIRE_FINAL &&
	           answer.find == FIND_YES;
	buf_done(&t.packet);
	if (yes)
		resolver->root_until = clock_after(RESOLVE_ROOT);
	return yes;
}

/* The resolvers in order, those that were silent lately last. */
static size_t
put_in_order(struct resolvers *all, struct resolver *ret[RESOLVER_MAX])
{
	size_t n = 0;

	for (int down = 0; down <= 1; down++)
		for (size_t i = 0; i < all->n; i++) {
			struct resolver *r = &all->list[i];
			bool is_down =
			    r->is_down && r->down_until > clock_mono();
			if (is_down == (down == 1))
				ret[n++] = r;
		}
	return n;
}

static int64_t
earlier(int64_t x, int64_t y)
{
	return x < y ? x : y;
}

static enum wire_verdict
ask_resolvers(struct resolve *r, struct attempt *t)
{
	struct resolver *order[RESOLVER_MAX];
	bool silent[RESOLVER_MAX];
	size_t n = put_in_order(&r->resolvers, order);

	memset(silent, true, sizeof(silent));
	*t->answer = (struct dns_answer){
	    .find = FIND_RETRY, .why = STR("no resolver was asked")};
	for (unsigned try = 0; try < RESOLVE_ROUNDS * n; try++) {
		size_t i = try % n;
		if (!silent[i] || clock_mono() >= t->deadline)
			continue;
		int64_t limit = earlier(
		    t->deadline, clock_after(r->resolvers.wait << (try / n)));
		arena_reset(t->arena);
		enum wire_verdict v =
		    ask_resolver(t, order[i], limit, &silent[i]);
		if (v == WIRE_FAILED)
			continue;
		if (v != WIRE_FINAL || !t->answer->nxdomain ||
		    knows_root(order[i], t->deadline))
			return v;
		set_why(t, order[i], STR("it does not know the root"));
	}
	return WIRE_FAILED;
}

/* Alias by alias, where the resolver does not follow them itself. */
static void
ask_chain(struct resolve *r, struct attempt *t)
{
	uint64_t ttl = UINT64_MAX, secure = 1;

	for (int step = 0; step <= WIRE_CNAMES_MAX; step++) {
		enum wire_verdict v = ask_resolvers(r, t);
		if (v == WIRE_FAILED)
			return;
		secure &= t->answer->secure;
		ttl = t->answer->ttl < ttl ? t->answer->ttl : ttl;
		if (v == WIRE_FINAL) {
			t->answer->secure = secure;
			t->answer->ttl = ttl;
			return;
		}
		t->q.name = t->next;
	}
	*t->answer = (struct dns_answer){
	    .find = FIND_RETRY, .why = STR("too many aliases")};
}

static struct question *
open_question(struct resolve *r, struct str key)
{
	struct question *q = calloc(1, sizeof(*q));

	if (q == NULL)
		log_fatal("out of memory");
	task_queue_init(&q->waiting);
	memcpy(q->key_bytes, key.p, key.len);
	q->key = str_n(q->key_bytes, key.len);
	arena_init(&q->arena, WIRE_ANSWER_MAX);
	map_put(&r->open, q->key, q);
	return q;
}

/* The answer, copied for one more user; the last one sweeps up. */
static void
leave_question(struct question *q, struct arena *a, struct dns_answer *ret)
{
	if (q->done)
		shape_copy(&dns_answer_shape, &q->answer, a, ret);
	else
		*ret = (struct dns_answer){
		    .find = FIND_RETRY, .why = STR("cancelled")};
	if (--q->users > 0)
		return;
	arena_done(&q->arena);
	free(q);
}

static void
ask(struct resolve *r, struct question *q, const struct wire_name *name,
    uint16_t type)
{
	struct attempt t = {
	    .q = {.name = *name, .type = type},
	    .arena = &q->arena,
	    .answer = &q->answer,
	    .deadline = clock_after(RESOLVE_TIME),
	};

	buf_init(&t.packet, WIRE_PACKET_MAX);
	ask_chain(r, &t);
	buf_done(&t.packet);
	answers_put(r->cache, q->key, &q->answer);
	map_del(&r->open, q->key);
	q->done = true;
	task_wake_all(&q->waiting);
}

/* Names are equal without regard to case. */
static struct str
make_key(struct buf *b, struct str name, uint16_t type)
{
	buf_addf(b, "%u/", type);
	for (size_t i = 0; i < name.len; i++)
		buf_add_char(b, str_lower_char(name.p[i]));
	return buf_str(b);
}

bool
resolve_known(struct resolve *r, struct str name, uint16_t type,
    struct arena *a, struct dns_answer *ret)
{
	BUF_CLEANUP struct buf b = {0};
	struct wire_name parsed;

	buf_init(&b, KEY_MAX);
	if (wire_name_parse(name, &parsed) == 0)
		return answers_get(r->cache, make_key(&b, name, type), a, ret);
	*ret = (struct dns_answer){.find = FIND_NO,
	    .nxdomain = 1,
	    .why = STR("invalid host or domain name")};
	return true;
}

/* Wait for what another task is asking. */
static void
join(struct question *q, struct arena *a, struct dns_answer *ret)
{
	q->users++;
	while (!q->done && task_wait(&q->waiting, CLOCK_NEVER) == 0)
		;
	leave_question(q, a, ret);
}

void
resolve_ask(struct resolve *r, struct str name, uint16_t type, struct arena *a,
    struct dns_answer *ret)
{
	BUF_CLEANUP struct buf b = {0};
	struct wire_name parsed;

	buf_init(&b, KEY_MAX);
	if (resolve_known(r, name, type, a, ret) ||
	    wire_name_parse(name, &parsed) != 0)
		return;
	struct str key = make_key(&b, name, type);
	struct question *q = map_get(&r->open, key);
	if (q != NULL) {
		join(q, a, ret);
		return;
	}
	if (r->open.count >= RESOLVE_OPEN_MAX) {
		*ret = (struct dns_answer){.find = FIND_RETRY,
		    .why = STR("too many questions at a time")};
		return;
	}
	q = open_question(r, key);
	q->users++;
	ask(r, q, &parsed, type);
	leave_question(q, a, ret);
}
