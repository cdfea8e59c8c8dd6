/* SPDX-License-Identifier: ISC */
/* sessions - a sum a client, and the parts of it a process. */
#include "sessions.h"

#include "base/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct session_sum {
	uint64_t n;
	size_t parts; /* that it is the sum of */
	struct str key;
	char bytes[];
};

struct session_part {
	uint64_t n; /* not 0 */
	struct session_sum *sum;
};

void
sessions_init(struct sessions *all)
{
	map_init(&all->sums);
}

void
sessions_done(struct sessions *all)
{
	assert(all->sums.count == 0);
	map_done(&all->sums);
}

void
sessions_join(struct sessions_share *share, struct sessions *all)
{
	share->all = all;
	map_init(&share->parts);
}

static struct session_sum *
get_sum(struct sessions *all, struct str key)
{
	struct session_sum *sum = map_get(&all->sums, key);

	if (sum != NULL)
		return sum;
	sum = calloc(1, sizeof(*sum) + key.len);
	if (sum == NULL)
		log_fatal("out of memory for a client");
	memcpy(sum->bytes, key.p, key.len);
	sum->key = str_n(sum->bytes, key.len);
	map_put(&all->sums, sum->key, sum);
	return sum;
}

static struct session_part *
new_part(struct sessions_share *share, struct str key)
{
	struct session_part *part = calloc(1, sizeof(*part));

	if (part == NULL)
		log_fatal("out of memory for a client");
	part->sum = get_sum(share->all, key);
	part->sum->parts++;
	map_put(&share->parts, part->sum->key, part);
	return part;
}

/* Of nobody any more: its part is taken off, the sum goes with the last. */
static void
end_part(struct sessions *all, struct session_part *part)
{
	struct session_sum *sum = part->sum;

	sum->n -= part->n;
	free(part);
	if (--sum->parts > 0)
		return;
	map_del(&all->sums, sum->key);
	free(sum);
}

void
sessions_leave(struct sessions_share *share)
{
	MAP_FOREACH (slot, &share->parts)
		end_part(share->all, slot->value);
	map_done(&share->parts);
}

static uint64_t
sum_of(const struct sessions *all, struct str key)
{
	const struct session_sum *sum = map_get(&all->sums, key);

	return sum == NULL ? 0 : sum->n;
}

bool
sessions_set(
    struct sessions_share *share, struct str key, uint64_t n, uint64_t *ret_sum)
{
	struct session_part *part = map_get(&share->parts, key);

	if (n == 0) {
		if (map_del(&share->parts, key) != NULL)
			end_part(share->all, part);
		*ret_sum = sum_of(share->all, key);
		return true;
	}
	if (part == NULL && share->parts.count >= SESSIONS_SHARE_MAX)
		return false;
	if (part == NULL)
		part = new_part(share, key);
	part->sum->n += n - part->n;
	part->n = n;
	*ret_sum = part->sum->n;
	return true;
}
