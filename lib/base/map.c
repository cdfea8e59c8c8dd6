/* SPDX-License-Identifier: ISC */
/*
 * map - open addressing with linear probing, at most three quarters full;
 * a deletion closes the gap, so there are no tombstones.
 */
#include "base/map.h"

#include "base/log.h"
#include "base/siphash.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CAP_MIN 16

static uint64_t
hash(struct str key)
{
	static struct siphash_key secret;
	static bool is_drawn;

	if (!is_drawn) {
		siphash_key_random(&secret);
		is_drawn = true;
	}
	return siphash(&secret, key.p, key.len);
}

void
map_init(struct map *m)
{
	*m = (struct map){0};
}

void
map_done(struct map *m)
{
	free(m->slots);
	map_init(m);
}

void
map_clear(struct map *m)
{
	if (m->cap > 0)
		memset(m->slots, 0, m->cap * sizeof(*m->slots));
	m->count = 0;
}

/* The slot that holds the key, or the free one where it would go. */
static struct map_slot *
probe(const struct map *m, struct str key, uint64_t h)
{
	size_t mask = m->cap - 1;

	for (size_t i = h & mask;; i = (i + 1) & mask) {
		struct map_slot *s = &m->slots[i];

		if (s->value == NULL || (s->hash == h && str_eq(s->key, key)))
			return s;
	}
}

static void
grow(struct map *m)
{
	struct map old = *m;

	m->cap = old.cap == 0 ? CAP_MIN : old.cap * 2;
	m->slots = calloc(m->cap, sizeof(*m->slots));
	if (m->slots == NULL)
		log_fatal("out of memory for a map of %zu entries", m->cap);
	MAP_FOREACH (s, &old)
		*probe(m, s->key, s->hash) = *s;
	free(old.slots);
}

void *
map_get(const struct map *m, struct str key)
{
	return m->count == 0 ? NULL : probe(m, key, hash(key))->value;
}

void *
map_put(struct map *m, struct str key, void *value)
{
	uint64_t h = hash(key);
	struct map_slot *s;
	void *old;

	assert(value != NULL);
	if (m->count >= m->cap / 4 * 3)
		grow(m);
	s = probe(m, key, h);
	old = s->value;
	if (old == NULL)
		m->count++;
	*s = (struct map_slot){key, h, value};
	return old;
}

void *
map_del(struct map *m, struct str key)
{
	size_t mask = m->cap - 1, gap;
	struct map_slot *s;
	void *old;

	if (m->count == 0)
		return NULL;
	s = probe(m, key, hash(key));
	old = s->value;
	if (old == NULL)
		return NULL;
	gap = (size_t)(s - m->slots);
	for (size_t i = (gap + 1) & mask; m->slots[i].value != NULL;
	     i = (i + 1) & mask) {
		size_t home = m->slots[i].hash & mask;

		if (((i - home) & mask) >= ((i - gap) & mask)) {
			m->slots[gap] = m->slots[i];
			gap = i;
		}
	}
	m->slots[gap] = (struct map_slot){0};
	m->count--;
	return old;
}
