/* SPDX-License-Identifier: ISC */
/* cache - a map from a key to an entry, and a list in the order of use. */
#include "base/cache.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct entry {
	TAILQ_ENTRY(entry) link;
	int64_t until;
	struct str key, value; /* both into bytes */
	char bytes[];
};

struct cache {
	struct map map;
	TAILQ_HEAD(, entry) used; /* the least recently used is first */
	size_t bytes, bytes_max, count_max;
};

struct cache *
cache_new(size_t count_max, size_t bytes_max)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		log_fatal("out of memory");
	map_init(&c->map);
	TAILQ_INIT(&c->used);
	c->count_max = count_max;
	c->bytes_max = bytes_max;
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

bool
cache_get(struct cache *c, struct str key, struct str *ret, int64_t *ret_until)
{
	struct entry *e = map_get(&c->map, key);

	if (e == NULL)
		return false;
	if (e->until <= clock_mono()) {
		drop(c, e);
		return false;
	}
	TAILQ_REMOVE(&c->used, e, link);
	TAILQ_INSERT_TAIL(&c->used, e, link);
	*ret = e->value;
	*ret_until = e->until;
	return true;
}

void
cache_del(struct cache *c, struct str key)
{
	struct entry *e = map_get(&c->map, key);

	if (e != NULL)
		drop(c, e);
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
cache_put(struct cache *c, struct str key, struct str value, int64_t until)
{
	struct entry *e = new_entry(key, value);

	e->until = until;
	cache_del(c, key);
	map_put(&c->map, e->key, e);
	TAILQ_INSERT_TAIL(&c->used, e, link);
	c->bytes += entry_size(e);
	while (c->map.count > c->count_max || c->bytes > c->bytes_max)
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
