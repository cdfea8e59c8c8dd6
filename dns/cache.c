/* SPDX-License-Identifier: ISC */
/*
 * cache - a map from a question to an encoded answer, and a list in the order
 * of use.
 */
#include "cache.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct entry {
	TAILQ_ENTRY(entry) link;
	int64_t until;
	struct str key;   /* both into bytes */
	struct str value; /* an encoded struct dns_answer */
	char bytes[];
};

struct cache {
	struct map map;
	TAILQ_HEAD(, entry) used; /* the least recently used is first */
	size_t bytes;
};

struct cache *
cache_new(void)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		log_fatal("out of memory");
	map_init(&c->map);
	TAILQ_INIT(&c->used);
	return c;
}

static size_t
entry_size(const struct entry *e)
{
	return sizeof(*e) + e->key.len + e->value.len;
}

static void
drop(struct cache *c, struct entry *e)
{
	map_del(&c->map, e->key);
	TAILQ_REMOVE(&c->used, e, link);
	c->bytes -= entry_size(e);
	free(e);
}

void
cache_free(struct cache **c)
{
	if (*c == NULL)
		return;
	while (!TAILQ_EMPTY(&(*c)->used))
		drop(*c, TAILQ_FIRST(&(*c)->used));
	map_done(&(*c)->map);
	free(*c);
	*c = NULL;
}

/* Seconds to the next full one, so that what is kept is never 0 here. */
static uint64_t
seconds_left(int64_t until)
{
	return (uint64_t)((until - clock_mono() + CLOCK_SEC - 1) / CLOCK_SEC);
}

bool
cache_get(
    struct cache *c, struct str key, struct arena *a, struct dns_answer *ret)
{
	struct entry *e = map_get(&c->map, key);
	const char *why;

	if (e == NULL)
		return false;
	if (e->until <= clock_mono() ||
	    shape_decode(
		&dns_answer_shape, arena_str(a, e->value), a, ret, &why) != 0) {
		drop(c, e);
		return false;
	}
	ret->ttl = seconds_left(e->until);
	TAILQ_REMOVE(&c->used, e, link);
	TAILQ_INSERT_TAIL(&c->used, e, link);
	return true;
}

static uint64_t
clamp(uint64_t ttl, uint64_t min, uint64_t max)
{
	if (ttl < min)
		return min;
	return ttl > max ? max : ttl;
}

/* 0: not at all. */
static uint64_t
seconds_to_keep(const struct dns_answer *answer)
{
	switch ((enum find)answer->find) {
	case FIND_YES:
		return clamp(answer->ttl, CACHE_TTL_MIN, CACHE_TTL_MAX);
	case FIND_NO:
		return clamp(answer->ttl, 0, CACHE_NO_MAX);
	case FIND_RETRY:
		return CACHE_RETRY;
	case FIND_BROKEN:
		return 0;
	}
	return 0;
}

static struct entry *
new_entry(struct str key, struct str value)
{
	struct entry *e = malloc(sizeof(*e) + key.len + value.len);

	if (e == NULL)
		log_fatal("out of memory");
	memcpy(e->bytes, key.p, key.len);
	memcpy(e->bytes + key.len, value.p, value.len);
	e->key = str_n(e->bytes, key.len);
	e->value = str_n(e->bytes + key.len, value.len);
	return e;
}

void
cache_put(struct cache *c, struct str key, const struct dns_answer *answer)
{
	BUF_CLEANUP struct buf value = {0};
	uint64_t seconds = seconds_to_keep(answer);
	struct entry *old = map_get(&c->map, key);

	if (old != NULL)
		drop(c, old);
	buf_init(&value, CACHE_ENTRY_MAX);
	if (seconds == 0 ||
	    shape_encode(&dns_answer_shape, answer, &value) != 0)
		return;
	struct entry *e = new_entry(key, buf_str(&value));
	e->until = clock_after((int64_t)seconds * CLOCK_SEC);
	map_put(&c->map, e->key, e);
	TAILQ_INSERT_TAIL(&c->used, e, link);
	c->bytes += entry_size(e);
	while (c->map.count > CACHE_MAX || c->bytes > CACHE_BYTES_MAX)
		drop(c, TAILQ_FIRST(&c->used));
}

size_t
cache_count(const struct cache *c)
{
	return c->map.count;
}

size_t
cache_bytes(const struct cache *c)
{
	return c->bytes;
}
