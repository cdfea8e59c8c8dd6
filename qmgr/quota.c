/* SPDX-License-Identifier: ISC */
/* quota - counted each time: they are few. */
#include "quota.h"

bool
quota_take(struct quota *q, struct quota_use *u, uid_t user, bool is_bound)
{
	size_t all = 0, his = 0;
	const struct quota_use *other;

	LIST_FOREACH (other, &q->uses, link) {
		all++;
		his += other->user == user;
	}
	if (all >= q->all_max)
		return false;
	if (is_bound && (all >= q->all_max - q->free_min || his >= q->user_max))
		return false;
	u->user = user;
	LIST_INSERT_HEAD(&q->uses, u, link);
	return true;
}

void
quota_give(struct quota_use *u)
{
	LIST_REMOVE(u, link);
}
