/* SPDX-License-Identifier: ISC */
/* rate - a bucket that fills within a second. */
#include "rate.h"

#include "base/clock.h"

bool
rate_take(struct rate *r, uint64_t per_second, int64_t now)
{
	uint64_t cost = per_second == 0 ? 0 : (uint64_t)CLOCK_SEC / per_second;

	if (r->since == 0 || now - r->since >= CLOCK_SEC)
		r->credit = CLOCK_SEC;
	else
		r->credit += (uint64_t)(now - r->since);
	if (r->credit > CLOCK_SEC)
		r->credit = CLOCK_SEC;
	r->since = now;
	if (r->credit < cost)
		return false;
	r->credit -= cost;
	return true;
}
