/* SPDX-License-Identifier: ISC */
/* rate - so many a second, and as many at once after a quiet second. */
#ifndef KEYS_RATE_H
#define KEYS_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
	uint64_t credit; /* in nanoseconds: a second's worth is CLOCK_SEC */
	int64_t since;
};

/* Take one: false when there is none.  0 a second is no limit. */
bool rate_take(struct rate *r, uint64_t per_second, int64_t now);

#endif
