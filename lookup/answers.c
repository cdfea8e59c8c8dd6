/* SPDX-License-Identifier: ISC */
/* answers - under "database/key", kept encoded. */
#include "answers.h"

#include "base/buf.h"
#include "base/clock.h"

#define ONE_MAX (32 * 1024) /* six texts at their bounds */

struct cache *
answers_new(void)
{
	return cache_new(ANSWERS_MAX, ANSWERS_BYTES_MAX);
}

static struct str
make_key(struct buf *b, const struct lookup_ask *ask)
{
	buf_addf(b, "%llu/%.*s", (unsigned long long)ask->database,
	    STR_ARG(ask->key));
	return buf_str(b);
}

bool
answers_get(struct cache *c, const struct lookup_ask *ask, struct arena *a,
    struct lookup_answer *ret)
{
	BUF_CLEANUP struct buf key = {0};
	struct str value;
	int64_t until;
	const char *why;

	buf_init(&key, ONE_MAX);
	return cache_get(c, make_key(&key, ask), &value, &until) &&
	       shape_decode(&lookup_answer_shape, arena_str(a, value), a, ret,
		   &why) == 0;
}

void
answers_put(struct cache *c, const struct lookup_ask *ask,
    const struct lookup_answer *answer)
{
	BUF_CLEANUP struct buf key = {0}, value = {0};

	buf_init(&key, ONE_MAX);
	buf_init(&value, ONE_MAX);
	if (shape_encode(&lookup_answer_shape, answer, &value) == 0)
		cache_put(c, make_key(&key, ask), buf_str(&value),
		    clock_after(ANSWERS_SECONDS * CLOCK_SEC));
}
