/* SPDX-License-Identifier: ISC */
/* answers - kept encoded, in one piece each. */
#include "answers.h"

#include "base/buf.h"
#include "base/clock.h"

struct cache *
answers_new(void)
{
	return cache_new(ANSWERS_MAX, ANSWERS_BYTES_MAX);
}

/* Seconds to the next full one, so that what is kept is never 0 here. */
static uint64_t
seconds_left(int64_t until)
{
	return (uint64_t)((until - clock_mono() + CLOCK_SEC - 1) / CLOCK_SEC);
}

bool
answers_get(
    struct cache *c, struct str key, struct arena *a, struct dns_answer *ret)
{
	struct str value;
	int64_t until;
	const char *why;

	if (!cache_get(c, key, &value, &until))
		return false;
	if (shape_decode(
		&dns_answer_shape, arena_str(a, value), a, ret, &why) != 0) {
		cache_del(c, key);
		return false;
	}
	ret->ttl = seconds_left(until);
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
		return clamp(answer->ttl, ANSWERS_TTL_MIN, ANSWERS_TTL_MAX);
	case FIND_NO:
		return clamp(answer->ttl, 0, ANSWERS_NO_MAX);
	case FIND_RETRY:
		return ANSWERS_RETRY;
	case FIND_BROKEN:
		return 0;
	}
	return 0;
}

void
answers_put(struct cache *c, struct str key, const struct dns_answer *answer)
{
	BUF_CLEANUP struct buf value = {0};
	uint64_t seconds = seconds_to_keep(answer);

	buf_init(&value, ANSWERS_ONE_MAX);
	if (seconds == 0 ||
	    shape_encode(&dns_answer_shape, answer, &value) != 0)
		cache_del(c, key); /* what is known is over */
	else
		cache_put(c, key, buf_str(&value),
		    clock_after((int64_t)seconds * CLOCK_SEC));
}
