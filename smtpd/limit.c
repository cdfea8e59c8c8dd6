/* SPDX-License-Identifier: ISC */
/* limit - counting sessions by client. */
#include "limit.h"

#include "base/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX 17 /* the family and the bytes that count */

struct limit_count {
	unsigned n;
	size_t key_len;
	char key[KEY_MAX];
};

void
limit_init(struct limit *l, unsigned max)
{
	l->max = max;
	map_init(&l->counts);
}

void
limit_done(struct limit *l)
{
	assert(l->counts.count == 0);
	map_done(&l->counts);
}

static size_t
make_key(const struct ip *ip, char key[KEY_MAX])
{
	size_t n = ip->family == 4 ? 4 : 8;

	key[0] = (char)ip->family;
	memcpy(key + 1, ip->b, n);
	return n + 1;
}

bool
limit_enter(struct limit *l, const struct ip *ip, struct limit_ticket *ret,
    unsigned *ret_n)
{
	struct limit_count *count;
	char key[KEY_MAX];
	size_t len = make_key(ip, key);

	count = map_get(&l->counts, str_n(key, len));
	if (count == NULL) {
		count = calloc(1, sizeof(*count));
		if (count == NULL)
			log_fatal("out of memory");
		count->key_len = len;
		memcpy(count->key, key, len);
		map_put(&l->counts, str_n(count->key, len), count);
	}
	*ret_n = ++count->n;
	ret->count = count;
	return l->max == 0 || count->n <= l->max;
}

void
limit_leave(struct limit *l, struct limit_ticket *t)
{
	struct limit_count *count = t->count;

	if (count == NULL)
		return;
	t->count = NULL;
	assert(count->n > 0);
	if (--count->n > 0)
		return;
	map_del(&l->counts, str_n(count->key, count->key_len));
	free(count);
}
